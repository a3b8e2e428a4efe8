import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ModelEvent } from '../../../src/core/ports/provider.ts';
import { messagePath, principal, said } from '../../support/message-path.ts';
import { answer, failing, finish, start, text, type Step } from '../../support/scripted-provider.ts';

const refusing = failing('invalid_request');
const long = 'Once upon a time there was a gateway that could be depended on.';

test('a dead letter of a chat that is retried is answered there, though its failure was told before', async (t) => {
  const path = await messagePath(t, [refusing, answer]);
  path.attach();
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('Hi')]);
  await path.event('run.failed');
  const { seq } = await path.event('delivery.sent');
  assert.match(path.channel.shown[0]?.texts[0] ?? '', /^I could not answer/);
  const { items } = await path.store.deadLetters(null, { limit: 5 });
  assert.equal(items.length, 1);
  await path.dead.retry(null, items[0]?.row.id ?? '');
  await path.event('delivery.sent', (event) => event.seq > seq);
  assert.deepEqual(path.channel.shown.map(({ texts }) => texts.at(-1)).slice(1), ['Hello']);
});

test('while a model answers nothing holds what it was asked', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const path = await messagePath(t);
  const heldBy = async (turns: number): Promise<boolean> => {
    const { promise: over, resolve: answerNow } = Promise.withResolvers<void>();
    const { promise: asked, resolve: wasAsked } = Promise.withResolvers<WeakRef<object>>();
    path.provider.stream = (request, _signal, emit) => {
      assert.equal(request.messages.length, 2 * turns + 1);
      wasAsked(new WeakRef(request.messages[0]?.parts ?? []));
      return over.then(() => {
        for (const event of answer) emit(event as ModelEvent);
      });
    };
    const ticket = await path.chat.chat(principal, { text: 'a question'.repeat(100) });
    const parts = await asked;
    for (let turn = 0; turn < 10 && parts.deref() !== undefined; turn++) {
      await setImmediate();
      collect();
    }
    const held = parts.deref() !== undefined;
    answerNow();
    await ticket.answer;
    return held;
  };
  assert.equal(await heldBy(0), false);
  assert.equal(await heldBy(1), false);
  assert.ok(!path.failing.calls.includes('sessionHistory'), 'a turn without tools reads its history once');
});

test('every end leaves exactly one end in the store, on the bus and with who waits', async (t) => {
  const ends: [string, Step[], string][] = [
    ['finished', answer, 'finished'],
    ['refused', refusing, 'failed'],
    ['empty', [start, finish], 'finished'],
    ['throwing', [start, { throws: 'a bug' }], 'failed'],
  ];
  for (const [name, script, state] of ends) {
    const path = await messagePath(t, [script]);
    const ticket = await path.chat.chat(principal, { text: 'Hi' });
    const told = await ticket.answer.then(
      () => 'finished',
      () => 'failed',
    );
    await path.event(told === 'finished' ? 'run.finished' : 'run.failed');
    assert.equal(told, state, name);
    assert.equal((await path.store.run(ticket.runId))?.state, state, name);
    assert.equal(path.events.filter(({ type }) => type === 'run.finished' || type === 'run.failed').length, 1, name);
    const { items } = await path.store.listMessages(ticket.sessionKey, { limit: 10 });
    assert.deepEqual(
      items.map(({ role }) => role),
      state === 'finished' ? ['user', 'assistant'] : ['user'],
      name,
    );
  }
});

test('an answer that was complete when the abort came is kept', async (t) => {
  const path = await messagePath(t, [answer]);
  path.attach();
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  path.channel.gate = hold;
  path.provider.scripts = [[start, text(long), finish]];
  await path.ingress.sinkFor('scripted', 'main').commit([said('Hi')]);
  const { runId } = await path.event('run.started');
  while (!path.channel.calls.some(({ method }) => method === 'send')) await path.clock.sleep(50);
  while (path.provider.running > 0) await setImmediate();
  await path.clock.sleep(1000);
  path.runs.abortRun(runId, null, 'requested', 'too late');
  release();
  await path.event('run.finished');
  await path.event('delivery.sent');
  assert.deepEqual(
    path.channel.shown.map(({ texts }) => texts.at(-1)),
    [long],
  );
});

test('typing is shown while a run is at work, and no longer', async (t) => {
  const { promise: seen, resolve: goOn } = Promise.withResolvers<void>();
  const path = await messagePath(t, [[start, { until: seen }, text('Hello'), finish]]);
  path.attach();
  await path.ingress.sinkFor('scripted', 'main').commit([said('Hi')]);
  const typed = (): number => path.channel.calls.filter(({ method }) => method === 'typing').length;
  while (typed() < 2) await path.clock.sleep(1000);
  goOn();
  await path.event('delivery.sent');
  const before = typed();
  await path.clock.sleep(20_000);
  assert.equal(typed(), before);
});

test('what a stopped answer showed stays, marked, and is no part of the history', async (t) => {
  const path = await messagePath(t, [[start, text(long), 'hang']]);
  path.attach();
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('Hi')]);
  while (path.channel.shown.length === 0) await path.clock.sleep(50);
  await sink.commit([said('/stop')]);
  await path.event('run.failed', ({ error }) => error.code === 'aborted');
  await path.event('run.finished');
  await path.event('delivery.sent', ({ seq }) => seq > 0);
  while (path.channel.shown.length < 2) await path.clock.sleep(50);
  assert.equal(path.channel.shown[0]?.texts.at(-1), `${long}\n\n(stopped)`);
  assert.equal(path.channel.shown[1]?.texts.at(-1), 'Stopped.');
  const [session] = (await path.store.listSessions(null, { limit: 1 })).items;
  const { items } = await path.store.listMessages(session?.key ?? '', { limit: 10 });
  assert.ok(items.every(({ role }) => role === 'user'));
});

test('a provider that fails after words were shown leaves them, marked, with the reason', async (t) => {
  const { promise: wordsSeen, resolve: goOn } = Promise.withResolvers<void>();
  const path = await messagePath(t, [[start, text(long), { until: wordsSeen }, ...refusing]]);
  path.attach();
  await path.ingress.sinkFor('scripted', 'main').commit([said('Hi')]);
  while (path.channel.shown.length === 0) await path.clock.sleep(50);
  goOn();
  await path.event('run.failed');
  await path.event('delivery.sent');
  const shown = path.channel.shown[0]?.texts.at(-1) ?? '';
  assert.ok(shown.startsWith(long));
  assert.match(shown, /\(interrupted\)/);
  assert.equal(path.channel.shown.length, 1);
});

test('text of an attempt that failed is void, for the reader and in the history', async (t) => {
  const path = await messagePath(t, [[start, text('Wro'), ...failing('server', { phase: 'mid_output' })], answer]);
  const ticket = await path.chat.chat(principal, { text: 'Hi' });
  assert.equal((await ticket.answer).reply.text, 'Hello');
  await path.event('run.retrying');
});

test('streamed thinking is stored as one part per opaque item, before the text', async (t) => {
  const reasoning = (words: string, replay?: string): Step => ({
    type: 'reasoning',
    text: words,
    ...(replay === undefined ? {} : { replay }),
  });
  const path = await messagePath(t, [
    [start, reasoning('I '), reasoning('think', 'signed'), reasoning('so'), text('Hello'), finish],
  ]);
  const ticket = await path.chat.chat(principal, { text: 'Hi' });
  await ticket.answer;
  const { items } = await path.store.listMessages(ticket.sessionKey, { limit: 10 });
  assert.deepEqual(
    items[1]?.parts.map((part) => (part.type === 'reasoning' || part.type === 'text' ? part.text : '')),
    ['I think', 'so', 'Hello'],
  );
});
