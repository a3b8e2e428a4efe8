import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { conversationSessionKey } from '../../../../src/core/session-key.ts';
import type { OpenEmpty } from '../conformance.ts';
import { answered, chat, claim, inboundRow, noon, outboundRow } from '../rows.ts';
import { addJob, fire, fired, jobOf, newTask, taskOf } from '../schedule-rows.ts';

export function outboundConformance(engine: string, openEmpty: OpenEmpty): void {
  describe(`${engine}: outbound`, () => {
    test('one idempotency key is one row', async (t) => {
      const store = await openEmpty(t);
      const [first] = await store.planOutbound([outboundRow('a')]);
      const [again] = await store.planOutbound([outboundRow('b', { idempotencyKey: 'key-a' })]);
      assert.deepEqual(again, first);
      const { seq, state, attempts, ref, resent, plain, nextAttemptAt, error, finishedAt, ...given } =
        first ?? assert.fail();
      assert.deepEqual(given, outboundRow('a'));
      assert.deepEqual(
        [seq, state, attempts, ref, resent, plain, nextAttemptAt, error, finishedAt],
        [1, 'planned', 0, null, false, false, noon, null, null],
      );
    });

    test('only the head of a line is sent, and other lines do not wait for it', async (t) => {
      const store = await openEmpty(t);
      await store.planOutbound([outboundRow('a1'), outboundRow('a2'), outboundRow('b1', { conversation: chat('2') })]);
      const sending = await store.claimSend(chat('1'), noon);
      assert.deepEqual([sending?.id, sending?.state, sending?.attempts], ['a1', 'sending', 1]);
      assert.equal(await store.claimSend(chat('1'), noon), null, 'the head is on its way');
      assert.deepEqual(await store.dueConversations('telegram', 'main', 9), [
        { conversation: chat('2'), chatType: 'direct', dueAt: noon },
      ]);
      await store.recordSend('a1', { state: 'sent', ref: '5', at: noon });
      assert.equal((await store.claimSend(chat('1'), noon))?.id, 'a2');
      assert.equal(await store.claimSend(chat('1', 'thread'), noon), null, 'a thread is a conversation of its own');
    });

    test('a row that must wait is not due before its time and holds its line', async (t) => {
      const store = await openEmpty(t);
      await store.planOutbound([outboundRow('a'), outboundRow('b')]);
      await store.claimSend(chat('1'), noon);
      const later = await store.recordSend('a', {
        state: 'retry',
        at: noon + 37_000,
        error: 'slow down',
        uncounted: true,
        plain: true,
        resent: true,
      });
      assert.deepEqual([later.state, later.attempts, later.plain, later.resent], ['planned', 0, true, true]);
      assert.equal(await store.claimSend(chat('1'), noon + 36_999), null);
      assert.deepEqual(await store.dueConversations('telegram', 'main', 9), [
        { conversation: chat('1'), chatType: 'direct', dueAt: noon + 37_000 },
      ]);
      const again = await store.claimSend(chat('1'), noon + 37_000);
      assert.deepEqual([again?.id, again?.attempts], ['a', 1]);
      const kept = await store.recordSend('a', { state: 'retry', at: noon, error: 'x' });
      assert.deepEqual([kept.plain, kept.resent, kept.attempts], [true, true, 1]);
    });

    test('a reaction finds its message by chat and id, whatever the topic, and at most 100 are kept', async (t) => {
      const store = await openEmpty(t);
      const places = [chat('1'), chat('1', 'topic'), chat('11'), { ...chat('1'), account: 'other' }];
      for (const [n, conversation] of places.entries()) {
        await store.planOutbound([outboundRow(`m${n}`, { conversation })]);
        await store.claimSend(conversation, noon);
        await store.recordSend(`m${n}`, { state: 'sent', ref: `${n === 1 ? 6 : 5}`, at: noon });
      }
      const react = (sender: string, native: string, value: string, at = noon): ReturnType<typeof store.saveFeedback> =>
        store.saveFeedback({ conversation: chat('1'), native, sender: { native: sender, display: sender }, value, at });
      assert.equal((await react('ada', '5', '👍'))?.id, 'm0');
      assert.equal((await react('ada', '6', '👍'))?.id, 'm1');
      assert.equal(await react('ada', '5', '👍', noon + 1), null, 'nothing new');
      assert.equal(await react('ada', '5', '👎', noon - 1), null, 'older than what is known');
      assert.equal((await react('ada', '5', '', noon + 2))?.id, 'm0');
      assert.equal(await react('ben', '5', ''), null, 'nothing to take back');
      assert.equal(await react('ada', '7', '👍'), null, 'not ours');
      for (let n = 1; n < 100; n++) assert.ok(await react(`p${n}`, '5', '👍'));
      assert.equal(await react('one too many', '5', '👍'), null);
    });

    test('uncertain and dead rows let the line go on, and an end stays the end', async (t) => {
      const store = await openEmpty(t);
      await store.planOutbound([outboundRow('a'), outboundRow('b'), outboundRow('c')]);
      await store.claimSend(chat('1'), noon);
      await store.recordSend('a', { state: 'uncertain', at: noon, error: 'lost' });
      await store.claimSend(chat('1'), noon);
      await store.recordSend('b', { state: 'dead', at: noon, error: 'blocked' });
      assert.equal((await store.claimSend(chat('1'), noon))?.id, 'c');
      const after = await store.recordSend('a', { state: 'retry', at: noon, error: 'late' });
      assert.equal(after.state, 'uncertain');
      const found = await store.recordSend('a', { state: 'sent', ref: '1', at: noon });
      assert.deepEqual([found.state, found.ref], ['uncertain', null]);
      const { dead, uncertain, outboxPending } = await store.counts(0);
      assert.deepEqual([dead, uncertain, outboxPending], [1, 1, 1]);
      await assert.rejects(store.recordSend('nobody', { state: 'sent', ref: '1', at: noon }), { code: 'not_found' });
    });

    test('an edit whose message is gone is sent anew', async (t) => {
      const store = await openEmpty(t);
      await store.openStream(outboundRow('a'));
      await store.setStreamRef('a', '9');
      const row = await store.recordSend('a', { state: 'retry', at: noon, error: 'message is gone', dropRef: true });
      assert.deepEqual([row.state, row.ref], ['planned', null]);
    });

    test('a message that stands on the platform is still known there when its last edit failed', async (t) => {
      const store = await openEmpty(t);
      await store.openStream(outboundRow('a'));
      await store.setStreamRef('a', '9');
      const dead = await store.recordSend('a', { state: 'dead', at: noon, error: 'blocked' });
      assert.deepEqual([dead.state, dead.ref], ['dead', '9']);
      await store.retryDead('a', noon, noon + 1000);
      assert.equal((await store.claimSend(chat('1'), noon))?.ref, '9', 'it is edited, not sent a second time');
    });

    test('a reply grows only at the head of its line, and holds it', async (t) => {
      const store = await openEmpty(t);
      await store.planOutbound([outboundRow('a')]);
      assert.equal(await store.openStream(outboundRow('b')), null);
      assert.equal((await store.openStream(outboundRow('elsewhere', { conversation: chat('2') })))?.state, 'streaming');
      await store.claimSend(chat('1'), noon);
      assert.equal(await store.openStream(outboundRow('b')), null);
      await store.recordSend('a', { state: 'sent', ref: '1', at: noon });
      assert.equal((await store.openStream(outboundRow('b')))?.state, 'streaming');
      await store.planOutbound([outboundRow('c')]);
      assert.equal(await store.claimSend(chat('1'), noon), null);
    });

    test('after a crash, what was being sent and streams nobody saw are given to judge', async (t) => {
      const store = await openEmpty(t);
      await store.planOutbound([outboundRow('a'), outboundRow('b', { conversation: chat('2') })]);
      await store.claimSend(chat('1'), noon);
      await store.openStream(outboundRow('unseen', { conversation: chat('3') }));
      await store.openStream(outboundRow('seen', { conversation: chat('4') }));
      await store.setStreamRef('seen', '1');
      assert.deepEqual(
        (await store.interruptedSends()).map((row) => row.id),
        ['a', 'unseen'],
      );
    });

    test('conversations come soonest first and only those of the account', async (t) => {
      const store = await openEmpty(t);
      await store.planOutbound([
        outboundRow('late', { conversation: chat('1'), createdAt: noon + 10 }),
        outboundRow('soon', { conversation: chat('2'), createdAt: noon }),
        outboundRow('other', { conversation: { ...chat('3'), account: 'second' } }),
      ]);
      const due = await store.dueConversations('telegram', 'main', 9);
      assert.deepEqual(
        due.map((line) => line.conversation.native),
        ['2', '1'],
      );
      assert.equal((await store.dueConversations('telegram', 'main', 1)).length, 1);
    });

    test('a chat that moved takes its session, its waiting messages and its queue along', async (t) => {
      const store = await openEmpty(t);
      const key = 'telegram:main:1';
      const here = { channel: 'telegram', conversation: chat('1'), sessionKey: key };
      await answered(store, 'a', here);
      await store.commitInbound([inboundRow('b', here)]);
      await store.planOutbound([outboundRow('o')]);
      await store.moveConversation(chat('1'), chat('-100'));
      assert.equal(await store.session(key, null), null);
      assert.deepEqual((await store.session('telegram:main:-100', null))?.conversation, chat('-100'));
      assert.deepEqual(await store.queuedSessions(5), ['telegram:main:-100']);
      const claimed = await claim(store, { sessionKey: 'telegram:main:-100' });
      assert.deepEqual(
        claimed?.history.map((message) => message.id),
        ['a', 'reply-run-a', 'b'],
      );
      assert.equal(await store.claimSend(chat('1'), noon), null);
      assert.equal((await store.claimSend(chat('-100'), noon))?.id, 'o');
    });

    test('what is still to be delivered to a chat that moved goes where it is now', async (t) => {
      const store = await openEmpty(t);
      const into = (native: string) =>
        ({
          to: 'conversation',
          conversation: chat(native),
          chatType: 'group',
          sessionKey: conversationSessionKey(chat(native)),
        }) as const;
      const job = await addJob(store, 'j', { deliver: into('1') });
      await addJob(store, 'other', { deliver: into('2') });
      await store.addTask(newTask('t', { deliver: into('1') }), 9);
      await store.moveConversation(chat('1'), chat('-100'));
      assert.deepEqual((await jobOf(store, 'j')).deliver, into('-100'));
      assert.deepEqual((await taskOf(store, 't')).deliver, into('-100'));
      assert.deepEqual((await jobOf(store, 'other')).deliver, into('2'));
      assert.equal(await fire(store, job, [fired(noon)], null), null, 'with the old place');
    });
  });
}
