import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Store } from '../../../../src/core/ports/store.ts';
import type { OpenEmpty } from '../conformance.ts';
import { answered, chat, claim, finish, inboundRow, noon, outboundRow } from '../rows.ts';

const housekeeping = { at: noon, keysBefore: 0, refusedBefore: 0, sessionsBefore: null, maxMessages: null, batch: 10 };
const key = 'api:owner:main';

async function failedFor(store: Store, id: string, at: number): Promise<void> {
  await store.commitInbound([inboundRow(id)]);
  await claim(store);
  await store.finishRun(finish(`run-${id}`, { state: 'dead', inbox: 'dead', messages: [], replyId: null, at }));
}

export function listsConformance(engine: string, openEmpty: OpenEmpty): void {
  describe(`${engine}: lists, deletion and housekeeping`, () => {
    test('pages of messages join without a gap or an overlap, forwards and backwards', async (t) => {
      const store = await openEmpty(t);
      for (let i = 0; i < 5; i++) await answered(store, `m${i}`);
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.listMessages(key, { limit: 4, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.items.map((message) => message.seq));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      const back = await store.listMessages(key, { limit: 3, before: '5' });
      assert.deepEqual(
        back.items.map((message) => message.seq),
        [2, 3, 4],
      );
      const byId = await store.listMessages(key, { limit: 2, before: 'm2' });
      assert.deepEqual(
        byId.items.map((message) => message.seq),
        [3, 4],
      );
      const on = await store.listMessages(key, { limit: 1, cursor: back.nextCursor ?? '' });
      assert.deepEqual(
        on.items.map((message) => message.seq),
        [5],
      );
      await assert.rejects(store.listMessages(key, { limit: 3, cursor: 'made up' }), { code: 'bad_cursor' });
      assert.deepEqual(await store.listMessages('nobody', { limit: 3 }), { items: [], nextCursor: null });
    });

    test('sessions are listed newest first, page by page, and only to their owner', async (t) => {
      const store = await openEmpty(t);
      for (let i = 0; i < 5; i++) {
        const owner = i === 2 ? 'other' : 'owner';
        await store.commitInbound([inboundRow(`m${i}`, { sessionKey: `s${i}`, owner, receivedAt: noon + (i % 3) })]);
      }
      const first = await store.listSessions('owner', { limit: 3 });
      assert.deepEqual(
        first.items.map((session) => session.key),
        ['s4', 's1', 's3'],
      );
      const second = await store.listSessions('owner', { limit: 3, cursor: first.nextCursor ?? '' });
      assert.deepEqual([second.items.map((session) => session.key), second.nextCursor], [['s0'], null]);
      assert.equal((await store.listSessions(null, { limit: 9 })).items.length, 5);
      assert.equal(await store.session('s2', 'owner'), null);
      assert.equal((await store.session('s2', 'other'))?.owner, 'other');
      await store.setSessionModel('s0', 'openai/small');
      assert.equal((await store.session('s0', null))?.model, 'openai/small');
    });

    test('a deleted session is gone at once, and its key begins a new history', async (t) => {
      const store = await openEmpty(t);
      await answered(store, 'a');
      await store.commitInbound([inboundRow('waiting')]);
      await store.deleteSession(key);
      assert.equal(await store.session(key, null), null);
      assert.deepEqual((await store.listSessions(null, { limit: 9 })).items, []);
      assert.deepEqual(await store.queuedSessions(9), []);
      assert.equal(await claim(store), null, 'what waited is dropped');
      await answered(store, 'b');
      const { items } = await store.listMessages(key, { limit: 9 });
      assert.deepEqual(
        items.map((message) => [message.id, message.seq]),
        [
          ['b', 1],
          ['reply-run-b', 2],
        ],
      );
      let steps = 1;
      while (await store.maintain(housekeeping)) assert.ok(steps++ < 20, 'housekeeping comes to an end');
      assert.equal((await store.inbound('a'))?.text, '', 'the words are removed');
      assert.equal((await store.inbound('b'))?.text, 'text of b');
      assert.equal((await store.commitInbound([inboundRow('a')])).rows[0]?.inserted, false, 'the event stays known');
    });

    test('a run whose session is deleted meanwhile ends well and leaves no message', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store);
      await store.deleteSession(key);
      const end = finish('run-a', { outbox: [outboundRow('o', { runId: 'run-a' })] });
      assert.equal(await store.finishRun(end), null);
      assert.equal((await store.outbound('o'))?.state, 'planned');
      assert.equal(await store.session(key, null), null);
    });

    test('dead letters of both kinds are paged, retried and cleared', async (t) => {
      const store = await openEmpty(t);
      await failedFor(store, 'a', noon + 1);
      await failedFor(store, 'b', noon + 3);
      await store.planOutbound([outboundRow('o')]);
      await store.claimSend(chat('1'), noon);
      await store.recordSend('o', { state: 'dead', at: noon + 2, error: 'blocked' });
      const first = await store.deadLetters(null, { limit: 2 });
      assert.deepEqual(
        first.items.map((dead) => [dead.kind, dead.row.id]),
        [
          ['inbox', 'b'],
          ['outbox', 'o'],
        ],
      );
      const second = await store.deadLetters(null, { limit: 2, cursor: first.nextCursor ?? '' });
      assert.deepEqual([second.items.map((dead) => dead.row.id), second.nextCursor], [['a'], null]);
      assert.equal((await store.deadLetter(null, 'o'))?.kind, 'outbox');
      assert.equal((await store.deadLetters('owner', { limit: 9 })).items.length, 3);
      assert.deepEqual((await store.deadLetters('other', { limit: 9 })).items, []);
      assert.deepEqual([await store.deadLetter('other', 'o'), await store.deadLetter('other', 'b')], [null, null]);
      assert.deepEqual([await store.clearDead('other'), await store.clearDead('other', 'b')], [0, 0]);

      assert.equal(await store.retryDead('o', noon + 9, noon + 99), true);
      assert.equal(await store.retryDead('o', noon + 9, noon + 99), false, 'it is not dead any more');
      const row = await store.claimSend(chat('1'), noon + 9);
      assert.deepEqual([row?.id, row?.attempts, row?.expiresAt], ['o', 1, noon + 99]);
      assert.equal(await store.retryDead('a', noon + 9, noon + 99), true);
      assert.equal((await claim(store))?.run.id, 'run-a');

      assert.equal(await store.clearDead(null, 'nobody'), 0);
      assert.equal(await store.clearDead(null), 1);
      assert.deepEqual((await store.deadLetters(null, { limit: 9 })).items, []);
      assert.equal((await store.trace('b'))?.inbox.state, 'dead', 'its story can still be told');
      assert.equal(await store.deadLetter(null, 'b'), null);
    });

    test('housekeeping frees old keys, forgets refused messages and keeps the rest', async (t) => {
      const store = await openEmpty(t);
      const old = { receivedAt: noon - 1000 };
      await store.commitInbound([
        inboundRow('refused', { ...old, state: 'refused', reason: 'x' }),
        inboundRow('event', { ...old, channel: 'telegram', state: 'handled' }),
        inboundRow('waiting', { ...old, dedupe: 'key-2', bodyHash: 'ff', sessionKey: 's2' }),
      ]);
      await answered(store, 'keyed', { ...old, dedupe: 'key-1', bodyHash: 'ff' });
      await answered(store, 'platform', old);
      const limits = { ...housekeeping, keysBefore: noon, refusedBefore: noon, batch: 100 };
      assert.equal(await store.maintain(limits), false);
      assert.equal(await store.inbound('refused'), null);
      assert.equal(await store.inbound('event'), null);
      assert.deepEqual(await store.refusedSenders(9), []);
      const [again] = (await store.commitInbound([inboundRow('new', { dedupe: 'key-1', bodyHash: 'aa' })])).rows;
      assert.equal(again?.inserted, true, 'the key is free');
      assert.equal((await store.inbound('keyed'))?.text, 'text of keyed', 'its message is not removed');
      for (const dedupe of ['key-2', 'platform']) {
        const [row] = (await store.commitInbound([inboundRow(`n-${dedupe}`, { dedupe })])).rows;
        assert.equal(row?.inserted, false, `${dedupe} is kept`);
      }
    });

    test('housekeeping works in bounded steps until there is nothing left', async (t) => {
      const store = await openEmpty(t);
      const refused = Array.from({ length: 25 }, (_, i) =>
        inboundRow(`r${i}`, { state: 'refused', receivedAt: noon - 1, sender: { native: `${i}`, display: 'x' } }),
      );
      await store.commitInbound(refused);
      const limits = { ...housekeeping, refusedBefore: noon };
      assert.deepEqual(
        [await store.maintain(limits), await store.maintain(limits), await store.maintain(limits)],
        [true, true, false],
      );
      assert.equal(await store.inbound('r24'), null);
    });

    test('long histories lose their oldest messages, idle sessions begin anew', async (t) => {
      const store = await openEmpty(t);
      for (let i = 0; i < 5; i++) await answered(store, `m${i}`);
      while (await store.maintain({ ...housekeeping, maxMessages: 3, batch: 4 }));
      const { items } = await store.listMessages(key, { limit: 20 });
      assert.deepEqual(
        items.map((message) => message.seq),
        [8, 9, 10],
      );
      assert.equal((await store.session(key, null))?.messageCount, 3);
      await store.maintain({ ...housekeeping, sessionsBefore: noon + 86_400_000 });
      await store.commitInbound([inboundRow('next')]);
      assert.deepEqual(
        (await claim(store))?.history.map((message) => message.id),
        ['next'],
      );
    });

    test('stale sessions begin anew, only those of the owner, and never one that is in use', async (t) => {
      const store = await openEmpty(t);
      for (const [id, more] of Object.entries({
        mine: { sessionKey: 'mine' },
        theirs: { sessionKey: 'theirs', owner: 'other' },
        running: { sessionKey: 'running' },
        queued: { sessionKey: 'queued' },
        late: { sessionKey: 'late', receivedAt: noon + 60_000 },
      })) {
        await answered(store, id, more);
      }
      await store.commitInbound([inboundRow('again', { sessionKey: 'running' })]);
      await claim(store, { sessionKey: 'running' });
      await store.commitInbound([inboundRow('waits', { sessionKey: 'queued' })]);
      const before = noon + 60_000;
      assert.equal(await store.closeStale(noon, null, 10), 0);
      assert.equal(await store.closeStale(before, 'owner', 10), 1);
      assert.equal(await store.closeStale(before, 'owner', 10), 0, 'once');
      assert.equal(await store.closeStale(before, null, 10), 1);
      assert.equal(await store.closeStale(before + 1, null, 10), 1);
      const history = async (sessionKey: string): Promise<string[] | undefined> => {
        await store.commitInbound([inboundRow(`next-${sessionKey}`, { sessionKey })]);
        return (await claim(store, { sessionKey }))?.history.map(({ id }) => id);
      };
      assert.deepEqual(await history('mine'), ['next-mine']);
      assert.equal((await store.session('mine', 'owner'))?.messageCount, 3, 'what was said stays');
    });

    test('counts tell what there is to do and who was here today', async (t) => {
      const store = await openEmpty(t);
      await store.ensurePerson({ id: 'owner', name: 'Owner', role: 'owner', language: null, createdAt: noon });
      await answered(store, 'a');
      await store.commitInbound([
        inboundRow('b', { sessionKey: 's2', owner: 'other' }),
        inboundRow('c', { sessionKey: 's3' }),
        inboundRow('yesterday', { sessionKey: 's4', owner: 'third', receivedAt: noon - 86_400_000 }),
        inboundRow('no', { state: 'refused', owner: 'fourth' }),
      ]);
      await claim(store, { sessionKey: 's2' });
      assert.deepEqual(await store.counts(noon - 43_200_000), {
        inboxQueued: 2,
        inboxRunning: 1,
        outboxPending: 0,
        dead: 0,
        uncertain: 0,
        sessions: 4,
        people: 1,
        messagesToday: 3,
        activePeopleToday: 2,
        activeChannelsToday: 1,
      });
    });
  });
}
