import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunQueue, type ActiveRun } from '../../../src/app/runs/queue.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { hasty, messagePath, principal, said } from '../../support/message-path.ts';
import { answer, finish, start, text } from '../../support/scripted-provider.ts';

const hanging = [start, text('I begin'), 'hang' as const];

test('three hundred sessions at once are all answered, and never more than the bound at a time', async (t) => {
  const slow = [start, text('Hello'), { wait: 300 }, finish];
  const path = await messagePath(t, [slow], { maxConcurrency: 1000 });
  let peak = 0;
  const tickets = await Promise.all(
    Array.from({ length: 300 }, (_, n) => path.chat.chat(principal, { text: 'Hi', session: `s${n}` })),
  );
  peak = Math.max(peak, path.runs.active);
  const answers = await Promise.all(tickets.map(({ answer }) => answer));
  assert.equal(answers.filter(({ reply }) => reply.text === 'Hello').length, 300);
  assert.ok(peak <= 256 && path.provider.peak <= 256, `at most 256 at once, were ${path.provider.peak}`);
});

test('messages of one session are answered one at a time, in their order', async (t) => {
  const path = await messagePath(
    t,
    ['a', 'b', 'c'].map((word) => [start, text(word), { wait: 500 }, finish]),
  );
  const tickets = [];
  for (const word of ['1', '2', '3']) tickets.push(await path.chat.chat(principal, { text: word }));
  const answers = await Promise.all(tickets.map(({ answer }) => answer));
  assert.deepEqual(
    answers.map(({ reply }) => reply.text),
    ['a', 'b', 'c'],
  );
  assert.equal(path.provider.peak, 1);
});

test('a store that cannot be asked for the next message is asked again', async (t) => {
  const path = await messagePath(t);
  path.failing.fail('claimRun', 3);
  const ticket = await path.chat.chat(principal, { text: 'Hi' });
  assert.equal((await ticket.answer).reply.text, 'Hello');
});

test('an end that the store cannot take is offered until it can, and is told once', async (t) => {
  const path = await messagePath(t);
  path.failing.fail('finishRun', 2);
  const ticket = await path.chat.chat(principal, { text: 'Hi' });
  assert.equal((await ticket.answer).reply.text, 'Hello');
  const next = await path.chat.chat(principal, { text: 'And again' });
  await next.answer;
  await path.event('run.finished', ({ runId }) => runId === next.runId);
  assert.equal(path.provider.hits, 2, 'the model was not asked again for what it had answered');
  assert.equal(path.events.filter(({ type }) => type === 'run.finished').length, 2);
});

test('a client does not wait for ever for a disk that stays full, and gets the answer when it repeats', async (t) => {
  const path = await messagePath(t);
  path.failing.fail('finishRun', 6);
  const request = { text: 'Hi', idempotencyKey: 'k' };
  const ticket = await path.chat.chat(principal, request);
  await assert.rejects(ticket.answer, { code: 'not_stored', retryable: true });
  const repeat = await path.chat.chat(principal, request);
  assert.equal((await repeat.answer).reply.text, 'Hello');
  assert.equal(path.provider.hits, 1);
});

test('an end that the store refuses for what it contains fails in words and frees the session', async (t) => {
  const path = await messagePath(t);
  path.attach();
  path.failing.fail('finishRun', 1, new Error('constraint'));
  await path.ingress.sinkFor('scripted', 'main').commit([said('Hi')]);
  await path.event('run.failed');
  await path.event('delivery.sent');
  assert.match(path.channel.shown[0]?.texts.at(-1) ?? '', /could not keep my answer/);
  await path.ingress.sinkFor('scripted', 'main').commit([said('Hi again')]);
  await path.event('run.finished');
});

test('a command that throws is answered and does not hold its session', async (t) => {
  const path = await messagePath(t);
  path.attach();
  path.failing.fail('resetSession', 1, new Error('a bug'));
  await path.ingress.sinkFor('scripted', 'main').commit([said('/new'), said('Hi')]);
  await path.event('run.failed');
  await path.event('run.finished');
  assert.match(path.channel.shown[0]?.texts[0] ?? '', /I could not answer/);
});

test('a run that is given up before it begins never reaches the model', async (t) => {
  const path = await messagePath(t, [hanging, answer]);
  const first = await path.chat.chat(principal, { text: 'long', idempotencyKey: 'first' });
  await path.event('run.started');
  const second = await path.chat.chat(principal, { text: 'short' });
  second.leave();
  path.runs.abortRun(first.runId, null, 'requested', 'stop');
  await path.event('run.failed', ({ runId }) => runId === second.runId);
  assert.equal(path.provider.hits, 1);
  assert.equal((await path.store.run(second.runId))?.state, 'aborted');
});

test('a run that waits for its turn can be aborted, and who waits for it hears at once', async (t) => {
  const path = await messagePath(t, [hanging, answer]);
  const first = await path.chat.chat(principal, { text: 'long' });
  await path.event('run.started');
  const second = await path.chat.chat(principal, { text: 'short', idempotencyKey: 'k' });
  assert.equal(path.chat.abortQueued(second.runId, 'per_other', 'mine?'), false, 'not by somebody else');
  assert.equal(path.chat.abortQueued(second.runId, principal.person, 'The run was aborted.'), true);
  await assert.rejects(second.answer, { code: 'aborted' });
  path.runs.abortRun(first.runId, null, 'requested', 'stop');
  await path.event('run.failed', ({ runId }) => runId === second.runId);
  assert.equal(path.provider.hits, 1);
  const again = await path.chat.chat(principal, { text: 'short', idempotencyKey: 'k' });
  assert.equal(again.runId, second.runId);
  assert.equal((await again.answer).reply.text, 'Hello', 'who asks again is not aborted again');
});

test('nobody aborts the run of somebody else', async (t) => {
  const path = await messagePath(t, [hanging]);
  const { runId, answer } = await path.chat.chat(principal, { text: 'long' });
  await path.event('run.started');
  assert.equal(path.runs.abortRun(runId, 'per_other', 'requested', 'mine?'), false);
  assert.equal(path.runs.abortRun(runId, principal.person, 'requested', 'mine'), true);
  await assert.rejects(answer, { code: 'aborted' });
});

test('ten thousand runs that have not begun can be cancelled at a time, and the oldest is forgotten first', async () => {
  const aborted: string[] = [];
  const ids = ['run_0', 'run_1'];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const queue = new RunQueue({
    store: {
      claimRun: async () => {
        const id = ids.shift();
        if (id === undefined) resolve();
        return id === undefined ? null : { run: { id, owner: 'owner' }, inbound: [{ seq: 1 }], more: true };
      },
    } as never,
    clock: hasty,
    log: new KeptLog(),
    metrics: new CountedMetrics(),
    crash: () => undefined,
    historyTurns: () => 1,
    queueMode: () => 'followup',
    execute: async ({ claimed, signal }) => void (signal.aborted && aborted.push(claimed.run.id)),
  });
  for (let n = 0; n <= 10_000; n++) queue.cancel(`run_${n}`, 'requested', 'not needed');
  queue.wake('main');
  await done;
  await queue.stop(0);
  assert.deepEqual(aborted, ['run_1']);
});

test('a stopping queue leaves what runs to the next start and tells who waits', async (t) => {
  const path = await messagePath(t, [hanging]);
  const ticket = await path.chat.chat(principal, { text: 'long', idempotencyKey: 'k' });
  await path.event('run.started');
  await path.runs.stop(0);
  await assert.rejects(ticket.answer, { code: 'restarting', retryable: true });
  const stored = await path.store.inbound(ticket.messageId);
  assert.deepEqual([stored?.state, stored?.starts], ['queued', 0], 'a stop on purpose does not count as a start');
  assert.deepEqual(await path.store.queuedSessions(10), [ticket.sessionKey]);
});

test('a run that does not even end when it is aborted does not hold up the stop', async () => {
  const never: ActiveRun[] = [];
  const claimed = { run: { id: 'run_1', owner: 'owner' }, inbound: [{ seq: 1 }] };
  const queue = new RunQueue({
    store: { claimRun: () => Promise.resolve(claimed) } as never,
    clock: hasty,
    log: new KeptLog(),
    metrics: new CountedMetrics(),
    crash: () => undefined,
    historyTurns: () => 1,
    queueMode: () => 'followup',
    execute: (run) => {
      never.push(run);
      return new Promise(() => undefined);
    },
  });
  queue.wake('main');
  await systemClock.sleep(0);
  await queue.stop(10);
  assert.equal(never[0]?.signal.aborted, true);
  assert.equal(never[0]?.stopping.aborted, true);
});

/** A queue over sessions that each have one message to claim. `done` resolves when none is left. */
function queueOver(all: readonly string[], refusals: number) {
  const left = new Set(all);
  const metrics = new CountedMetrics();
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const queue = new RunQueue({
    store: {
      claimRun: async ({ sessionKey }: { sessionKey: string }) => {
        left.delete(sessionKey);
        if (left.size === 0) resolve();
        return null;
      },
      queuedSessions: async (limit: number) => {
        if (refusals-- > 0) throw new Error('the disk is slow');
        return [...left].slice(0, limit);
      },
    } as never,
    clock: hasty,
    log: new KeptLog(),
    metrics,
    crash: () => undefined,
    historyTurns: () => 1,
    queueMode: () => 'followup',
    execute: () => Promise.resolve(),
  });
  return { queue, metrics, done };
}

test('sessions that did not fit into memory are looked up again, also when the store fails at first', async () => {
  const all = Array.from({ length: 10_300 }, (_, n) => `s${n}`);
  const { queue, metrics, done } = queueOver(all, 2);
  for (const key of all) queue.wake(key);
  assert.match(metrics.render(), /^run_queue_depth 10000$/m);
  await done;
  await queue.stop(0);
});

test('a start takes up all that waits, also when it is more than fits into memory', async () => {
  const all = Array.from({ length: 10_300 }, (_, n) => `s${n}`);
  const { queue, done } = queueOver(all, 0);
  await queue.takeUp();
  await done;
  await queue.stop(0);
});

test('messages that come while a run is at work are answered together, as a reply to the newest', async (t) => {
  const { promise: all, resolve: goOn } = Promise.withResolvers<void>();
  const long = [start, text('first'), { until: all }, finish];
  const group = { type: 'group' as const, addressed: true };
  const conversation = { channel: 'scripted', account: 'main', native: '-1' };
  const path = await messagePath(t, [long, answer], { queueMode: 'collect' });
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('one', { chat: group, conversation })]);
  await path.event('run.started');
  const last = said('three', { chat: group, conversation });
  await sink.commit([said('two', { chat: group, conversation }), last]);
  goOn();
  await path.event('run.finished', ({ answer }) => answer.reply.text === 'Hello');
  assert.equal(path.provider.hits, 2);
  const asked = JSON.stringify(path.provider.requests[1]?.messages);
  assert.match(asked, /two/);
  assert.match(asked, /three/);
  path.attach();
  await path.event('delivery.sent');
  const rows = (await path.store.listSessions(null, { limit: 10 })).items;
  assert.equal(rows.length, 1);
  const { items } = await path.store.listMessages(rows[0]?.key ?? '', { limit: 10 });
  assert.deepEqual(
    items.map(({ role }) => role),
    ['user', 'assistant', 'user', 'user', 'assistant'],
  );
});

test('a newer message interrupts the answer to the older one and is answered itself', async (t) => {
  const path = await messagePath(t, [hanging, answer], { queueMode: 'interrupt' });
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('one')]);
  await path.event('run.started');
  await sink.commit([said('two')]);
  await path.event('run.failed', ({ error }) => error.code === 'aborted');
  await path.event('run.finished', ({ answer }) => answer.reply.text === 'Hello');
});

test('a newer message also interrupts a run that is just being claimed', async () => {
  const { promise: claimed, resolve: claim } = Promise.withResolvers<unknown>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<ActiveRun>();
  const queue = new RunQueue({
    store: { claimRun: () => claimed } as never,
    clock: hasty,
    log: new KeptLog(),
    metrics: new CountedMetrics(),
    crash: () => undefined,
    historyTurns: () => 1,
    queueMode: () => 'interrupt',
    execute: async (run) => begin(run),
  });
  queue.wake('main');
  queue.interrupt('main', 2);
  claim({ run: { id: 'run_1', owner: 'owner' }, inbound: [{ seq: 1 }], more: false });
  assert.equal((await begun).signal.aborted, true);
  await queue.stop(0);
});

test('a message is never interrupted by itself, when its run is claimed before its arrival is told', async (t) => {
  const path = await messagePath(t, [answer], { queueMode: 'interrupt' });
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('first')]);
  let { seq, sessionKey = '' } = await path.event('run.finished');
  // The queue asks for the session's next message while the store holds one of which the ingress does not know yet.
  path.failing.asked = (name) => name === 'commitInbound' && path.runs.wake(sessionKey);
  for (let n = 0; n < 10; n++) {
    await sink.commit([said(`message ${n}`)]);
    const before = seq;
    ({ seq } = await path.event('run.finished', (event) => event.seq > before));
  }
  assert.ok(!path.events.some(({ type }) => type === 'run.failed'));
});

test('a message that ended the process five times is given up in words, and its session goes on', async (t) => {
  const path = await messagePath(t);
  await path.runs.stop(0);
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('poison'), said('harmless')]);
  const [session] = await path.store.queuedSessions(1);
  assert.ok(session !== undefined);
  for (let n = 0; n < 5; n++) {
    await path.store.claimRun({
      sessionKey: session,
      mode: 'followup',
      maxStarts: 6,
      historyTurns: 10,
      historyLimit: 100,
      at: n,
    });
    await path.store.recoverRuns();
  }
  const queue = new RunQueue({
    store: path.store,
    clock: hasty,
    log: path.log,
    metrics: new CountedMetrics(),
    crash: () => undefined,
    historyTurns: () => 10,
    queueMode: () => 'followup',
    execute: (run) => path.executor.execute(run),
  });
  path.attach();
  await queue.recover();
  await queue.takeUp();
  const { error } = await path.event('run.failed');
  assert.equal(error.code, 'too_many_starts');
  await path.event('run.finished');
  await path.event('delivery.sent');
  assert.equal(path.provider.hits, 1);
  assert.match(path.channel.shown[0]?.texts[0] ?? '', /started 5 times/);
  assert.equal((await path.store.deadLetters(null, { limit: 5 })).items.length, 1);
  await queue.stop(0);
});
