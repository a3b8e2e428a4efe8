import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { albumEvent, albumSizes, eventsOf, takeable } from '../../../../src/adapters/channels/telegram/albums.ts';
import type { Arrival } from '../../../../src/adapters/channels/telegram/albums.ts';
import type { InboundEvent } from '../../../../src/core/ports/channel.ts';

const part = (native: string, text = '', chat: Partial<InboundEvent['chat']> = {}): InboundEvent => ({
  dedupe: `message:7:${native}`,
  kind: 'message',
  conversation: { channel: 'telegram', account: 'main', native: '7' },
  native,
  sender: { native: '7', display: 'Ada', isBot: false },
  chat: { type: 'direct', addressed: false, ...chat },
  text,
  attachments: [{ native: `file${native}`, mimeType: 'image/jpeg' }],
  occurredAt: 1,
});

test('an album is its earliest part, with the files of all in their order, whoever came first', () => {
  const whole = albumEvent([part('12'), part('9', 'look'), part('10', '', { addressed: true })]);
  assert.deepEqual([whole.native, whole.dedupe, whole.text], ['9', 'message:7:9', 'look']);
  assert.deepEqual(
    whole.attachments.map(({ native }) => native),
    ['file9', 'file10', 'file12'],
  );
  assert.equal(whole.chat.addressed, true);
});

test('an album is never silence', () => {
  assert.equal(albumEvent([part('1'), part('2')]).text, '[album of 2 files]');
  assert.equal(albumEvent([part('1')]).text, '[file]');
});

const arrivals = (...albums: (string | null)[]): Arrival[] =>
  albums.map((album, n) => ({ updateId: n, event: part(String(n)), album }));

test('an album that may still grow holds what comes from its first part on, and nothing before it', () => {
  const nothing = new Map<string, number>();
  assert.equal(takeable(arrivals(null, null), nothing), 2);
  assert.equal(takeable(arrivals(null, 'a', 'a', null), nothing), 1);
  assert.equal(takeable(arrivals(null, 'a', 'a', null), new Map([['a', 1]])), 1, 'it grew');
  assert.equal(takeable(arrivals(null, 'a', 'a', null), new Map([['a', 2]])), 4);
  assert.equal(takeable(arrivals('a', 'b', 'a'), new Map([['a', 2]])), 0, 'a whole one mixed with an open one waits');
  assert.equal(takeable(arrivals(...Array.from({ length: 10 }, () => 'a')), nothing), 10, 'ten are all there can be');
});

test('whatever the mixture, no album is ever taken in part, and two looks take everything', () => {
  const album = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null });
  fc.assert(
    fc.property(fc.array(album, { maxLength: 30 }), (albums) => {
      const batch = arrivals(...albums);
      const end = takeable(batch, new Map());
      const taken = new Set(batch.slice(0, end).map((each) => each.album));
      for (const { album: name } of batch.slice(end)) assert.ok(name === null || !taken.has(name));
      const rest = batch.slice(end);
      assert.equal(takeable(rest, albumSizes(rest)), rest.length);
      const files = eventsOf(batch).flatMap(({ attachments }) => attachments);
      assert.equal(files.length, batch.length);
    }),
  );
});
