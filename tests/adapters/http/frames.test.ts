import assert from 'node:assert/strict';
import type { Writable } from 'node:stream';
import { test } from 'node:test';
import * as library from 'ws';
import { textFrame } from '../../../src/adapters/http/frames.ts';

/** Not in the library's types. */
const { Receiver } = library as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

test('a frame says its length in each of the three ways, in bytes and not in characters', () => {
  const texts = ['', 'a', 'é', 'a'.repeat(125), 'a'.repeat(126), 'é'.repeat(63), '😀'.repeat(16_383)];
  texts.push('a'.repeat(65_535), 'a'.repeat(65_536), `${'é'.repeat(100_000)}.`);
  const receiver = new Receiver({ isServer: false });
  const heard: string[] = [];
  receiver.on('message', (data: Buffer) => heard.push(data.toString('utf8')));
  for (const text of texts) receiver.write(textFrame(text));
  assert.deepEqual(heard, texts);
});
