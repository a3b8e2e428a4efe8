import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OpenEmpty } from '../conformance.ts';
import { answered, chat, claim, finish, inboundRow, noon } from '../rows.ts';

export function inboundConformance(engine: string, openEmpty: OpenEmpty): void {
  describe(`${engine}: inbound`, () => {
    test('the same event twice is one row, also inside one batch', async (t) => {
      const store = await openEmpty(t);
      const first = await store.commitInbound([inboundRow('a'), inboundRow('b', { dedupe: 'a' })]);
      assert.deepEqual(
        first.rows.map((row) => [row.inserted, row.row.id]),
        [
          [true, 'a'],
          [false, 'a'],
        ],
      );
      const again = await store.commitInbound([inboundRow('c', { dedupe: 'a', text: 'other' })]);
      assert.equal(again.rows[0]?.inserted, false);
      assert.equal(again.rows[0]?.row.text, 'text of a');
      assert.equal((await store.counts(0)).inboxQueued, 1);
    });

    test('the same dedupe key on another account is another message', async (t) => {
      const store = await openEmpty(t);
      const { rows } = await store.commitInbound([
        inboundRow('a'),
        inboundRow('b', { dedupe: 'a', account: 'second' }),
      ]);
      assert.deepEqual(
        rows.map((row) => row.inserted),
        [true, true],
      );
    });

    test('a row comes back as it was given', async (t) => {
      const store = await openEmpty(t);
      const row = inboundRow('a', {
        conversation: chat('-100', '42'),
        attachments: [{ native: 'n', mimeType: 'image/png', size: 3, name: 'ä.png' }],
        text: 'naïve 🦀 \u0000 "quotes"',
        bodyHash: 'ff',
        agent: 'helper',
      });
      await store.commitInbound([row]);
      const { seq, starts, error, finishedAt, ...stored } = (await store.inbound('a')) ?? assert.fail();
      assert.deepEqual(stored, row);
      assert.deepEqual([seq, starts, error, finishedAt], [1, 0, null, null]);
    });

    test('the cursor moves with its batch and only on its account', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')], { channel: 'telegram', account: 'main', key: 'offset', value: '5' });
      assert.deepEqual(await store.cursors('telegram', 'main'), [{ key: 'offset', value: '5' }]);
      await store.commitInbound([], { channel: 'telegram', account: 'main', key: 'offset', value: '6' });
      assert.deepEqual(await store.cursors('telegram', 'main'), [{ key: 'offset', value: '6' }]);
      assert.deepEqual(await store.cursors('telegram', 'second'), []);
    });

    test('a batch with a row that cannot be stored leaves neither rows nor cursor', async (t) => {
      const store = await openEmpty(t);
      const bad = inboundRow('b', { text: null as unknown as string });
      await assert.rejects(
        store.commitInbound([inboundRow('a'), bad], { channel: 'x', account: 'y', key: 'offset', value: '1' }),
      );
      assert.equal(await store.inbound('a'), null);
      assert.deepEqual(await store.cursors('x', 'y'), []);
    });

    test('refused senders are counted once per sender and chat, newest first', async (t) => {
      const store = await openEmpty(t);
      const refused = (id: string, sender: string, at: number) =>
        inboundRow(id, {
          channel: 'telegram',
          conversation: chat(sender),
          sender: { native: sender, display: `Person ${sender}` },
          state: 'refused',
          reason: 'not_allowed',
          receivedAt: at,
        });
      await store.commitInbound([refused('a', '7', noon), refused('b', '8', noon + 1), refused('c', '7', noon + 2)]);
      const rows = await store.refusedSenders(10);
      assert.deepEqual(
        rows.map((row) => [row.sender, row.conversation, row.count, row.lastAt, row.display, row.reason]),
        [
          ['7', '7', 2, noon + 2, 'Person 7', 'not_allowed'],
          ['8', '8', 1, noon + 1, 'Person 8', 'not_allowed'],
        ],
      );
      assert.equal((await store.refusedSenders(1)).length, 1);
      assert.deepEqual(await store.queuedSessions(10), [], 'a refused message makes no work');
      assert.equal((await store.counts(0)).sessions, 0, 'nor a session');
    });

    test('only a failed or dead message can be queued again, with fresh starts', async (t) => {
      const store = await openEmpty(t);
      await answered(store, 'done');
      assert.equal(await store.requeueInbound('done', noon), null);
      assert.equal(await store.requeueInbound('nobody', noon), null);
      await store.commitInbound([inboundRow('a')]);
      assert.equal(await store.requeueInbound('a', noon), null, 'it is queued already');
      const claimed = await claim(store);
      await store.finishRun(
        finish(claimed?.run.id ?? '', { state: 'failed', inbox: 'failed', messages: [], replyId: null }),
      );
      const again = await store.requeueInbound('a', noon + 5);
      assert.deepEqual([again?.state, again?.starts, again?.error], ['queued', 0, null]);
      const second = await claim(store);
      assert.equal(second?.run.id, 'run-a', 'the same run is opened again');
      assert.equal(second?.run.state, 'running');
    });
  });
}
