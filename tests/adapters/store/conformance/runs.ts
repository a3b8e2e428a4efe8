import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NewMessage } from '../../../../src/core/ports/session-store.ts';
import type { OpenEmpty } from '../conformance.ts';
import { answered, attempt, chat, claim, finish, inboundRow, noon, outboundRow, reply, usageOf } from '../rows.ts';

export function runsConformance(engine: string, openEmpty: OpenEmpty): void {
  describe(`${engine}: runs`, () => {
    test('a session runs one message at a time, in the order they came', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a'), inboundRow('b')]);
      const first = await claim(store);
      assert.equal(first?.inbound[0]?.id, 'a');
      assert.equal(first?.inbound[0]?.state, 'running');
      assert.equal(first?.run.starts, 1);
      assert.equal(await claim(store), null, 'a run is active');
      assert.deepEqual(await store.queuedSessions(10), []);
      await store.finishRun(finish('run-a'));
      assert.deepEqual(await store.queuedSessions(10), ['api:owner:main']);
      assert.equal((await claim(store))?.inbound[0]?.id, 'b');
    });

    test('sessions with work come oldest message first', async (t) => {
      const store = await openEmpty(t);
      for (const key of ['s1', 's2', 's3']) await store.commitInbound([inboundRow(key, { sessionKey: key })]);
      await store.commitInbound([inboundRow('again', { sessionKey: 's1' })]);
      assert.deepEqual(await store.queuedSessions(10), ['s1', 's2', 's3']);
      assert.deepEqual(await store.queuedSessions(2), ['s1', 's2']);
      await claim(store, { sessionKey: 's1' });
      await store.finishRun(finish('run-s1'));
      assert.deepEqual(await store.queuedSessions(10), ['s2', 's3', 's1']);
    });

    test('the history is the newest messages after the reset, oldest first, with the question at the end', async (t) => {
      const store = await openEmpty(t);
      await answered(store, 'old');
      await store.resetSession('api:owner:main', noon);
      for (const id of ['a', 'b']) await answered(store, id);
      await store.commitInbound([
        inboundRow('c', {
          attachments: [
            { id: 'file-1', mimeType: 'image/png', name: 'p.png' },
            { native: 'not stored', mimeType: 'image/png' },
          ],
        }),
      ]);
      const claimed = await claim(store, { historyTurns: 2 });
      assert.deepEqual(
        claimed?.history.map((message) => message.id),
        ['b', 'reply-run-b', 'c'],
      );
      assert.deepEqual(claimed?.history[2]?.parts, [
        { type: 'text', text: 'text of c' },
        { type: 'file', file: 'file-1', mimeType: 'image/png', name: 'p.png' },
      ]);
      assert.deepEqual(
        [claimed?.history[2]?.role, claimed?.history[2]?.author, claimed?.history[2]?.seq],
        ['user', 'Owner', 7],
      );
      await store.finishRun(finish('run-c'));
      await store.commitInbound([inboundRow('d')]);
      const all = await claim(store);
      assert.equal(all?.history[0]?.id, 'a', 'what was before the reset is not seen');
    });

    test('after a crash the same run starts again with its journal, and its question is not appended twice', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store);
      const step = { runId: 'run-a', n: 1, kind: 'tool', data: { name: 'send' }, at: noon } as const;
      await store.journal([{ ...step, state: 'started' }]);
      await store.journal([
        { ...step, state: 'started' },
        { ...step, state: 'finished' },
      ]);
      await store.journal([{ ...step, state: 'finished', data: { name: 'other' } }]);
      await store.saveAttempts([attempt('run-a', 1), attempt('run-a', 2)]);
      assert.equal(await store.recoverRuns(), 1);
      assert.equal(await store.recoverRuns(), 0);
      assert.deepEqual(await store.queuedSessions(10), ['api:owner:main']);
      const again = await claim(store);
      assert.equal(again?.run.starts, 2);
      assert.equal(again?.attemptsBefore, 2, 'the ledger counts on');
      assert.deepEqual(
        again?.history.map((message) => message.id),
        ['a'],
      );
      assert.deepEqual(
        again?.journal.map((entry) => [entry.n, entry.state, entry.data['name']]),
        [
          [1, 'started', 'send'],
          [1, 'finished', 'send'],
        ],
        'a step that is there already stays as it is',
      );
    });

    test('a run that was stopped on purpose begins again as often as it takes', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('patient')]);
      for (let stop = 1; stop <= 5; stop++) {
        const claimed = await claim(store, { maxStarts: 3 });
        assert.equal(claimed?.run.starts, 1);
        await store.releaseRun('run-patient');
        assert.deepEqual(await store.queuedSessions(10), ['api:owner:main']);
      }
      await store.releaseRun('run-patient');
      assert.equal((await store.inbound('patient'))?.starts, 0, 'a run that is not active is left alone');
    });

    test('a message that ends the process each time turns dead after its starts, and the next one runs', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('poison'), inboundRow('good')]);
      for (let start = 1; start <= 3; start++) {
        assert.equal((await claim(store, { maxStarts: 3 }))?.run.starts, start);
        if (start === 1) await store.openStream(outboundRow('begun', { runId: 'run-poison' }));
        await store.recoverRuns();
      }
      await store.planOutbound([outboundRow('next')]);
      assert.equal((await claim(store, { maxStarts: 3 }))?.inbound[0]?.id, 'good');
      const dead = await store.inbound('poison');
      assert.deepEqual([dead?.state, dead?.error?.code], ['dead', 'too_many_starts']);
      assert.equal((await store.run('run-poison'))?.state, 'dead');
      assert.equal((await store.counts(0)).dead, 1);
      assert.equal((await store.claimSend(chat('1'), noon))?.id, 'next', 'what it had begun to say holds up nobody');
    });

    test('a claim says whether more of its session waited', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a'), inboundRow('b'), inboundRow('c', { sessionKey: 'other' })]);
      assert.equal((await claim(store))?.more, true);
      await store.finishRun(finish('run-a'));
      assert.equal((await claim(store))?.more, false);
    });

    test('collect answers what waits together, but never passes a command', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([
        inboundRow('a'),
        inboundRow('b'),
        inboundRow('cmd', { kind: 'command', text: '/new' }),
        inboundRow('c'),
      ]);
      const claimed = await claim(store, { mode: 'collect' });
      assert.deepEqual(
        claimed?.inbound.map((row) => [row.id, row.state]),
        [
          ['a', 'running'],
          ['b', 'merged'],
        ],
      );
      assert.deepEqual(
        claimed?.history.map((message) => message.id),
        ['a', 'b'],
      );
      assert.equal((await store.trace('b'))?.mergedInto, 'a');
      assert.equal((await store.trace('b'))?.run?.id, 'run-a');
      await store.recoverRuns();
      const again = await claim(store, { mode: 'collect' });
      assert.deepEqual(
        again?.inbound.map((row) => row.id),
        ['a', 'b'],
        'a crash does not take them apart',
      );
      await store.finishRun(finish('run-a'));
      const command = await claim(store, { mode: 'collect' });
      assert.deepEqual(
        command?.inbound.map((row) => row.id),
        ['cmd'],
      );
      assert.ok(
        command?.history.every((message) => message.id !== 'cmd'),
        'a command is no part of the history',
      );
    });

    test('what is written meanwhile joins a run behind its steps, up to a command, and a crash keeps them together', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store);
      const step = (id: string, role: 'assistant' | 'tool') => ({ id, role, parts: [], author: null, time: noon });
      assert.equal(await store.joinRun('run-a', [step('s1', 'assistant')]), null, 'nobody waits, and nothing changes');
      assert.equal((await store.listMessages('api:owner:main', { limit: 10 })).items.length, 1);
      await store.journal([{ runId: 'run-a', n: 1, kind: 'model', state: 'finished', data: {}, at: noon }]);
      await store.commitInbound([inboundRow('b'), inboundRow('cmd', { kind: 'command' }), inboundRow('c')]);
      const joined = await store.joinRun('run-a', [step('s1', 'assistant'), step('s2', 'tool')]);
      assert.deepEqual(
        joined?.inbound.map((row) => row.id),
        ['b'],
      );
      const stored = (await store.listMessages('api:owner:main', { limit: 10 })).items;
      assert.deepEqual(
        stored.map((message) => message.id),
        ['a', 's1', 's2', 'b'],
      );
      await store.recoverRuns();
      const again = await claim(store);
      assert.deepEqual(
        again?.inbound.map((row) => row.id),
        ['a', 'b'],
      );
      assert.deepEqual(again?.journal, [], 'the steps are in the history, and not done a second time');
      assert.deepEqual(
        again?.history.map((message) => message.id),
        ['a', 's1', 's2', 'b'],
      );
      await store.finishRun(finish('run-a'));
      assert.equal(await store.joinRun('run-a', []), null, 'a run that is over takes nobody');
      assert.deepEqual(
        (await claim(store))?.inbound.map((row) => row.id),
        ['cmd'],
      );
    });

    test('nobody joins the run of somebody else, nor with a file that is still to be fetched', async (t) => {
      const store = await openEmpty(t);
      const chat = { channel: 'telegram', sessionKey: 'telegram:main:-1' };
      const by = (native: string) => ({ ...chat, sender: { native, display: native } });
      await store.commitInbound([inboundRow('a', by('7'))]);
      await claim(store, { sessionKey: chat.sessionKey });
      await store.commitInbound([
        inboundRow('b', by('7')),
        inboundRow('c', { ...by('7'), attachments: [{ id: 'file_1', mimeType: 'text/plain' }] }),
        inboundRow('d', by('8')),
        inboundRow('e', by('7')),
      ]);
      const joined = await store.joinRun('run-a', []);
      assert.deepEqual(
        joined?.inbound.map((row) => row.id),
        ['b', 'c'],
      );
      assert.equal(await store.joinRun('run-a', []), null);
      await store.finishRun(finish('run-a'));
      await claim(store, { sessionKey: chat.sessionKey });
      await store.commitInbound([
        inboundRow('f', { ...by('8'), attachments: [{ native: 'photo', mimeType: 'image/png' }] }),
      ]);
      assert.equal(await store.joinRun('run-d', []), null, 'a run does not pass over what came before');
      await store.finishRun(finish('run-d'));
      await claim(store, { sessionKey: chat.sessionKey });
      await store.finishRun(finish('run-e'));
      const fetched = await claim(store, { sessionKey: chat.sessionKey });
      assert.equal(fetched?.run.id, 'run-f', 'it is fetched by a run of its own');
    });

    test('a run that begins again takes nothing along that it did not begin with', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store, { mode: 'collect' });
      await store.commitInbound([inboundRow('b'), inboundRow('c')]);
      await store.recoverRuns();
      const again = await claim(store, { mode: 'collect' });
      assert.deepEqual(
        again?.inbound.map((row) => row.id),
        ['a'],
      );
      await store.finishRun(finish('run-a'));
      const next = await claim(store, { mode: 'collect' });
      assert.deepEqual(
        next?.inbound.map((row) => row.id),
        ['b', 'c'],
      );
    });

    test('a run that failed keeps what stands before its first step, for when it is tried again', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store);
      const entry = (n: number, kind: 'model' | 'tool') =>
        ({ runId: 'run-a', n, kind, state: 'finished', data: {}, at: noon }) as const;
      await store.journal([entry(1, 'tool'), entry(2, 'model'), entry(3, 'tool')]);
      await store.finishRun(finish('run-a', { state: 'failed', inbox: 'dead' }));
      await store.retryDead('a', noon, noon);
      const again = await claim(store);
      assert.deepEqual(
        again?.journal.map(({ n, kind }) => [n, kind]),
        [[1, 'tool']],
      );
      await store.finishRun(finish('run-a'));
    });

    test('a summary stands for the messages before it until the history begins anew', async (t) => {
      const store = await openEmpty(t);
      for (const id of ['a', 'b', 'c']) {
        await store.commitInbound([inboundRow(id)]);
        await claim(store);
        await store.finishRun(finish(`run-${id}`));
      }
      const summary = { seq: 2, text: 'they said a', outside: 'web page', at: noon };
      await store.saveSummary('api:owner:main', summary);
      await store.saveSummary('api:owner:main', { ...summary, seq: 1, text: 'less' });
      await store.commitInbound([inboundRow('d')]);
      const claimed = await claim(store);
      assert.deepEqual(claimed?.summary, summary);
      assert.equal(claimed?.history[0]?.seq, 3);
      const seen = await store.sessionHistory('api:owner:main', 'owner', { turns: 10, messages: 10 });
      assert.deepEqual([seen?.summary, seen?.history[0]?.seq], [summary, 3]);
      assert.equal(await store.sessionHistory('api:owner:main', 'other', { turns: 10, messages: 10 }), null);
      await store.finishRun(finish('run-d'));
      await store.resetSession('api:owner:main', noon);
      await store.commitInbound([inboundRow('e')]);
      assert.equal((await claim(store))?.summary, null);
    });

    test('a summary of a session that was deleted meanwhile is none of the next one of its name', async (t) => {
      const store = await openEmpty(t);
      for (const id of ['a', 'b', 'c']) await answered(store, id);
      await store.deleteSession('api:owner:main');
      await store.commitInbound([inboundRow('d')]);
      await store.saveSummary('api:owner:main', { seq: 3, text: 'what was deleted', outside: null, at: noon });
      const claimed = await claim(store);
      assert.deepEqual([claimed?.summary, claimed?.history.length], [null, 1]);
    });

    test("a recording is its person's, and is forgotten in time", async (t) => {
      const store = await openEmpty(t);
      const row = (n: number) => ({ runId: 'run-a', n, owner: 'owner', sessionKey: 's', data: { n }, at: noon });
      await store.saveRecording([row(1), row(0)]);
      assert.deepEqual(
        (await store.recording('run-a', 'owner')).map(({ n }) => n),
        [0, 1],
      );
      assert.equal((await store.recording('run-a', null)).length, 2);
      assert.deepEqual(await store.recording('run-a', 'other'), []);
    });

    test('the end of a run is one transaction, and said twice it is the same end', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store);
      const end = finish('run-a', {
        outbox: [outboundRow('o', { runId: 'run-a' })],
        attempts: [attempt('run-a', 1, { finishedAt: noon, outcome: 'ok', usage: usageOf(10, 5), cost: 0.5 })],
        usage: usageOf(10, 5),
        cost: 0.5,
      });
      assert.equal(await store.finishRun(end), 2);
      assert.equal((await store.outbound('o'))?.state, 'planned');
      assert.equal(await store.finishRun(end), 2);
      const other = { ...end, state: 'failed', inbox: 'failed', finishReason: null } as const;
      assert.equal(await store.finishRun(other), 2, 'the first end holds');
      assert.equal((await store.run('run-a'))?.state, 'finished');
      const { items } = await store.listMessages('api:owner:main', { limit: 10 });
      assert.deepEqual(
        items.map(({ id, seq }) => [id, seq]),
        [
          ['a', 1],
          ['reply-run-a', 2],
        ],
      );
      assert.deepEqual(await store.runReply('run-a'), { run: await store.run('run-a'), said: items.slice(1) });
      assert.equal((await store.inbound('a'))?.state, 'done');
      assert.equal((await store.session('api:owner:main', null))?.messageCount, 2);
      assert.equal((await store.usage(noon, 'owner'))[0]?.calls, 1, 'the ledger counts it once');
      await assert.rejects(store.finishRun(finish('nobody')), { code: 'not_found' });
    });

    test('a finish that cannot be stored changes nothing', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store);
      const bad = outboundRow('o', { owner: null as unknown as string });
      await assert.rejects(store.finishRun(finish('run-a', { outbox: [bad] })));
      assert.equal((await store.run('run-a'))?.state, 'running');
      assert.equal((await store.listMessages('api:owner:main', { limit: 10 })).items.length, 1);
    });

    test('the open stream of a run becomes its final edit', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store);
      const row = outboundRow('stream', { runId: 'run-a', idempotencyKey: 'a/0' });
      assert.equal((await store.openStream(row))?.state, 'streaming');
      assert.equal((await store.openStream({ ...row, id: 'other' }))?.id, 'stream', 'the key exists');
      await store.setStreamRef('stream', '77');
      await store.recoverRuns();
      assert.equal((await claim(store))?.stream?.ref, '77');
      assert.deepEqual(await store.dueConversations('telegram', 'main', 5), [], 'a stream is not for the queue');
      await store.finishRun(
        finish('run-a', {
          outbox: [
            outboundRow('x', { idempotencyKey: 'a/0', body: { text: 'whole', spans: [] } }),
            outboundRow('y', { idempotencyKey: 'a/1' }),
          ],
        }),
      );
      assert.deepEqual(
        [await store.outbound('stream'), await store.outbound('y')].map((part) => [
          part?.id,
          part?.state,
          part?.ref,
          part?.attempts,
          part?.body.text,
        ]),
        [
          ['stream', 'planned', '77', 0, 'whole'],
          ['y', 'planned', null, 0, 'body of y'],
        ],
      );
      assert.equal((await store.claimSend(chat('1'), noon + 5000))?.id, 'stream');
    });

    test('a stream that its run leaves behind does not hold the line', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store);
      await store.openStream(outboundRow('shown', { runId: 'run-a' }));
      await store.setStreamRef('shown', '1');
      await store.openStream(outboundRow('unsent', { runId: 'run-a', conversation: chat('2') }));
      await store.planOutbound([outboundRow('next')]);
      assert.equal(await store.claimSend(chat('1'), noon), null);
      await store.finishRun(finish('run-a', { state: 'aborted', inbox: 'failed', messages: [], replyId: null }));
      assert.equal((await store.outbound('shown'))?.state, 'sent');
      assert.equal((await store.outbound('unsent'))?.state, 'dead');
      assert.equal((await store.claimSend(chat('1'), noon))?.id, 'next');
    });

    test('an attempt cut by a crash stays open, a completed one is never rewritten, and days are summed', async (t) => {
      const store = await openEmpty(t);
      await store.saveAttempts([attempt('r', 1), attempt('r', 2)]);
      const done = attempt('r', 1, { finishedAt: noon, outcome: 'ok', usage: usageOf(10, 5), cost: 0.25 });
      await store.saveAttempts([done]);
      await store.saveAttempts([{ ...done, outcome: 'network', cost: 9 }]);
      await store.saveAttempts([
        attempt('q', 1, { finishedAt: noon, outcome: 'ok', usage: usageOf(1, 1), owner: 'other' }),
        attempt('q', 2, { finishedAt: noon, outcome: 'server', startedAt: noon - 5 * 86_400_000 }),
      ]);
      assert.deepEqual(await store.usage(noon, 'owner'), [
        {
          day: '2026-01-15',
          owner: 'owner',
          provider: 'openai',
          model: 'small',
          calls: 1,
          input: 10,
          cacheRead: 1,
          cacheWrite: 0,
          output: 5,
          cost: 0.25,
          unpriced: 0,
        },
      ]);
      assert.deepEqual(
        (await store.usage(0, null)).map((line) => [line.day, line.owner, line.cost]),
        [
          ['2026-01-15', 'other', null],
          ['2026-01-15', 'owner', 0.25],
          ['2026-01-10', 'owner', null],
        ],
      );
    });

    test('a message can be traced to its run, attempts and deliveries', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      await claim(store);
      await store.saveAttempts([attempt('run-a', 1)]);
      await store.finishRun(
        finish('run-a', { messages: [reply('r')], outbox: [outboundRow('o', { runId: 'run-a' })] }),
      );
      const story = await store.trace('a');
      assert.deepEqual(
        [
          story?.inbox.state,
          story?.run?.state,
          story?.attempts.length,
          story?.outbox.map((row) => row.id),
          story?.mergedInto,
        ],
        ['done', 'finished', 1, ['o'], null],
      );
      assert.equal(await store.trace('nobody'), null);
    });

    test('the trace of a message tells its calls, and no call of another message', async (t) => {
      const store = await openEmpty(t);
      const results = (message: string, ...calls: [string, boolean][]): NewMessage => ({
        id: message,
        role: 'tool',
        parts: calls.map(([name, isError]) => ({ type: 'tool_result', callId: name, name, text: '', isError })),
        author: null,
        time: noon,
      });
      await store.commitInbound([inboundRow('a'), inboundRow('b')]);
      const sessionKey = 'api:owner:main';
      await claim(store);
      const question = {
        id: 'appr-1',
        owner: 'owner',
        runId: 'run-a',
        callId: 'send_message',
        sessionKey,
        agent: null,
        role: 'owner',
        channel: 'api',
        tool: 'send_message',
        args: {},
        digest: 'ab'.repeat(32),
        effects: ['send'],
        reason: '',
        tainted: null,
        createdAt: noon,
        expiresAt: noon + 9000,
      } as const;
      await store.askApproval(question, 10);
      const said = [results('r1', ['notes_save', false], ['exec', true], ['send_message', true]), reply('reply-run-a')];
      await store.finishRun(finish('run-a', { messages: said }));
      await claim(store);
      const answer = { sessionKey, digest: 'abababab', approve: false, by: 'owner', forOthers: false };
      await store.decideApproval({ ...answer, id: 'appr-1', at: noon + 5, where: 'api', runId: 'run-b' });
      await store.finishRun(
        finish('run-b', { messages: [results('r2', ['calculator', false]), reply('reply-run-b')] }),
      );
      const calls = async (id: string): Promise<string[] | undefined> =>
        (await store.trace(id))?.calls.map(({ tool, outcome }) => `${tool} ${outcome}`);
      assert.deepEqual(await calls('a'), ['notes_save done', 'exec failed', 'send_message asked']);
      assert.deepEqual(await calls('b'), ['send_message denied', 'calculator done']);
    });
  });
}
