import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ResponseBody } from '../../../src/adapters/http-client/response-body.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a reader who is slow slows the sender: no more than a little waits for it', async () => {
  const message = new Readable({ read: () => undefined });
  const body = new ResponseBody(message as IncomingMessage);
  const piece = Buffer.alloc(40_000);
  const first = body.next();
  for (let n = 0; n < 4; n++) message.push(piece);
  message.push(null);
  await turn();
  assert.equal((await first).done, false);
  assert.equal(message.isPaused(), true);
  assert.equal(message.readableLength, 40_000, 'two wait here, and the last one where it came from');
  for (let n = 1; n < 4; n++) assert.equal((await body.next()).value?.length, 40_000);
  assert.equal((await body.next()).done, true);
});

test('what was read makes room for more', async () => {
  const message = new Readable({ read: () => undefined });
  const body = new ResponseBody(message as IncomingMessage);
  for (let n = 0; n < 10; n++) {
    const first = body.next();
    message.push(Buffer.alloc(10_000));
    await first;
    message.push(Buffer.alloc(10_000));
    await turn();
    assert.equal(message.isPaused(), false);
    await body.next();
  }
});
