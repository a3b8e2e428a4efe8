import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClankerError } from '../../../src/core/errors.ts';
import type { GatewayEvent } from '../../../src/core/events.ts';
import { messagePath, principal } from '../../support/message-path.ts';
import { answer, failing, finish, start, text } from '../../support/scripted-provider.ts';

const hanging = [start, text('I begin'), 'hang' as const];
const refusing = failing('invalid_request');
const keyed = { text: 'Hi', idempotencyKey: 'k' };

test('twenty requests at once with one key are one run and get one answer', async (t) => {
  const path = await messagePath(t, [[start, text('Hello'), { wait: 500 }, finish]]);
  const tickets = await Promise.all(Array.from({ length: 20 }, () => path.chat.chat(principal, keyed)));
  const answers = await Promise.all(tickets.map((ticket) => ticket.answer));
  assert.equal(new Set(answers.map((one) => JSON.stringify(one))).size, 1);
  assert.equal(tickets.filter(({ joined }) => !joined).length, 1);
  assert.equal(path.provider.hits, 1);
  const later = await path.chat.chat(principal, keyed);
  assert.deepEqual(await later.answer, answers[0], 'also from the store');
  assert.equal(path.provider.hits, 1);
});

test('a key that was used for something else is a conflict, whatever became of it', async (t) => {
  const path = await messagePath(t, [hanging]);
  await path.chat.chat(principal, keyed);
  for (const other of [{ text: 'Other' }, { session: 'elsewhere' }, { model: 'scripted/other' }])
    await assert.rejects(path.chat.chat(principal, { ...keyed, ...other }), { code: 'idempotency_conflict' });
});

test('the same key of two people is two requests, and neither gets the answer of the other', async (t) => {
  const path = await messagePath(t, [
    [start, text('for the owner'), finish],
    [start, text('for Ada'), finish],
  ]);
  const ada = { ...principal, id: 'tok_2', person: 'per_ada', scope: 'send' as const };
  const first = await path.chat.chat(principal, keyed);
  assert.equal((await first.answer).reply.text, 'for the owner');
  const second = await path.chat.chat(ada, keyed);
  assert.equal((await second.answer).reply.text, 'for Ada');
  assert.equal(second.joined, false);
});

test('after a failure the same stored message runs again, and nobody hears of the old failure', async (t) => {
  const path = await messagePath(t, [refusing, [start, text('Hello'), { wait: 500 }, finish]]);
  const first = await path.chat.chat(principal, keyed);
  await assert.rejects(first.answer, ClankerError);
  const repeats = await Promise.all(Array.from({ length: 10 }, () => path.chat.chat(principal, keyed)));
  for (const repeat of repeats) {
    assert.equal(repeat.messageId, first.messageId);
    assert.equal((await repeat.answer).reply.text, 'Hello');
  }
  assert.equal(path.provider.hits, 2);
});

test('a request that was aborted runs again when it is repeated with its key', async (t) => {
  const path = await messagePath(t, [hanging, answer]);
  const first = await path.chat.chat(principal, keyed);
  await path.event('run.started');
  assert.equal(path.runs.abortRun(first.runId, principal.person, 'requested', 'stop'), true);
  await assert.rejects(first.answer, { code: 'aborted' });
  const repeat = await path.chat.chat(principal, keyed);
  assert.equal((await repeat.answer).reply.text, 'Hello');
});

test('a run that joins late still hears its events, and leaving does not abort what a key holds', async (t) => {
  const { promise: joined, resolve: goOn } = Promise.withResolvers<void>();
  const path = await messagePath(t, [[start, text('Hel'), { until: joined }, text('lo'), finish]]);
  const first = await path.chat.chat(principal, keyed);
  await path.event('run.delta');
  const joiner = await path.chat.chat(principal, keyed);
  const heard: GatewayEvent['type'][] = [];
  joiner.follow(({ type }) => heard.push(type));
  const leaver = await path.chat.chat(principal, keyed);
  leaver.leave();
  first.leave();
  goOn();
  assert.equal((await joiner.answer).reply.text, 'Hello');
  assert.deepEqual(heard.slice(-2), ['run.delta', 'run.finished']);
});

test('when the owner of a request without a key leaves, its run is aborted and its message kept', async (t) => {
  const path = await messagePath(t, [hanging]);
  const ticket = await path.chat.chat(principal, { text: 'Hi' });
  await path.event('run.started');
  ticket.leave();
  await path.event('run.failed', ({ error }) => error.code === 'aborted');
  const { items } = await path.store.listMessages(ticket.sessionKey, { limit: 10 });
  assert.deepEqual(
    items.map(({ role }) => role),
    ['user'],
  );
});

test('no subscription is left behind, whether its events were read or not and however the request ended', async (t) => {
  const path = await messagePath(t, [answer, refusing, hanging]);
  let open = 0;
  const subscribe = path.bus.subscribe.bind(path.bus);
  path.bus.subscribe = (name, ...about) => {
    const subscription = subscribe(name, ...about);
    if (name !== 'chat') return subscription;
    open += 1;
    const close = subscription.close.bind(subscription);
    let closed = false;
    subscription.close = () => {
      if (!closed) open -= 1;
      closed = true;
      close();
    };
    return subscription;
  };
  const good = await path.chat.chat(principal, { ...keyed, session: 'a' });
  await good.answer;
  await (
    await path.chat.chat(principal, { ...keyed, session: 'a' })
  ).answer;
  await assert.rejects(path.chat.chat(principal, { ...keyed, text: 'Other' }));
  const bad = await path.chat.chat(principal, { text: 'Hi', session: 'b' });
  await assert.rejects(bad.answer);
  path.failing.fail('commitInbound');
  await assert.rejects(path.chat.chat(principal, { text: 'Hi', session: 'c' }), { code: 'storage_full' });
  path.failing.fail('inbound');
  await assert.rejects(path.chat.chat(principal, { ...keyed, session: 'a' }), { code: 'storage_full' });
  const left = await path.chat.chat(principal, { text: 'Hi', session: 'd' });
  left.leave();
  await path.event('run.failed', ({ runId }) => runId === left.runId);
  assert.equal(open, 0);
});

test('what waits in a session that is deleted hears of it', async (t) => {
  const path = await messagePath(t, [hanging]);
  await path.chat.chat(principal, { text: 'long', idempotencyKey: 'at work' });
  await path.event('run.started');
  const waiting = await path.chat.chat(principal, { text: 'short', idempotencyKey: 'k' });
  await path.sessions.remove(principal, 'main');
  await assert.rejects(waiting.answer, { code: 'aborted' });
  assert.equal(path.provider.signals[0]?.aborted, true, 'the model is not asked on for nobody');
  const again = await path.chat.chat(principal, { text: 'short', idempotencyKey: 'k' });
  await assert.rejects(again.answer, { kind: 'not_found' });
});

test('what is at work in a session that begins anew is stopped', async (t) => {
  const path = await messagePath(t, [hanging]);
  const { answer } = await path.chat.chat(principal, { text: 'long', idempotencyKey: 'k' });
  await path.event('run.started');
  await path.sessions.reset(principal, 'main');
  await assert.rejects(answer, { code: 'aborted' });
});
