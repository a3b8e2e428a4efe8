import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { askKind } from '../../../../src/app/tasks/kinds/ask.ts';
import { cancelled, stopped } from '../../../../src/app/tasks/aborted.ts';
import { noLimits } from '../../../../src/core/budget.ts';
import type { TaskOutcome } from '../../../../src/core/ports/task-kind.ts';
import { ownerPerson } from '../../../../src/core/principal.ts';
import { jobSessionKey } from '../../../../src/core/session-key.ts';
import { answering, calling, calls } from '../../../support/asking.ts';
import { inChat, jobs } from '../../../support/jobs.ts';
import { failing, finish, start } from '../../../support/scripted-provider.ts';

const news = { kind: 'ask', prompt: 'What is new?' } as const;

test('the answer is the result, with its own session, and no person ever said what the job asks', async (t) => {
  const rig = await jobs(t, [answering('Nothing much.')]);
  const result = await rig.carryOut(askKind(rig), news, { id: 'task_1' });
  assert.deepEqual(result, { text: 'Nothing much.', files: [], outside: null });
  const [session] = (await rig.store.listSessions(ownerPerson, { limit: 10 })).items;
  assert.equal(session?.key, jobSessionKey(ownerPerson, 'task_1'));
  assert.equal(session.conversation, null);
  assert.deepEqual(rig.channel.shown, []);
});

test('a run of a job knows what the one before said, and another job does not', async (t) => {
  const rig = await jobs(t, [answering('one'), answering('two'), answering('three')]);
  for (const jobId of ['job_a', 'job_a', 'job_b']) await rig.carryOut(askKind(rig), news, { jobId });
  const seen = rig.provider.requests.map(({ messages }) => messages.length);
  assert.deepEqual(seen, [1, 3, 1]);
});

test('another attempt is never a second run: it hears the answer that there is', async (t) => {
  const rig = await jobs(t, [answering('once'), answering('twice')]);
  const row = await rig.task(news);
  const first = await askKind(rig).run(rig.workOf(row));
  const again = await askKind(rig).run(rig.workOf(row, { again: true }));
  assert.deepEqual([first.text, again.text, rig.provider.hits], ['once', 'once', 1]);
});

test('two attempts at the same time share one run', async (t) => {
  const rig = await jobs(t, [answering('once'), answering('twice')]);
  const row = await rig.task(news);
  const both = await Promise.all([askKind(rig).run(rig.workOf(row)), askKind(rig).run(rig.workOf(row))]);
  assert.deepEqual([...both.map(({ text }) => text), rig.provider.hits], ['once', 'once', 1]);
});

test('an outage is tried again later, by the same message', async (t) => {
  const rig = await jobs(t, [failing('invalid_request'), answering('back')]);
  const row = await rig.task(news);
  await assert.rejects(askKind(rig).run(rig.workOf(row)), { kind: 'provider' });
  assert.equal((await askKind(rig).run(rig.workOf(row))).text, 'back');
  const key = jobSessionKey(ownerPerson, row.id);
  const { items } = await rig.store.listMessages(key, { limit: 10 });
  assert.equal(items.filter(({ role }) => role === 'user').length, 1);
});

test('what a provider asks to be waited for reaches the task', async (t) => {
  const rig = await jobs(t, [failing('rate_limited', { retryAfterMs: 7_200_000, status: 429 })]);
  const error = await rig.carryOut(askKind(rig), news).then(
    () => assert.fail('it was answered'),
    (thrown: { retryable: boolean; retryAfterMs?: number }) => thrown,
  );
  assert.equal(error.retryable, true);
  assert.ok((error.retryAfterMs ?? 0) >= 7_000_000, String(error.retryAfterMs));
});

test('a task that is cancelled ends its run; one that the gateway stops leaves it to go on', async (t) => {
  for (const [reason, state] of [
    [cancelled(), 'aborted'],
    [stopped(), 'running'],
  ] as const) {
    const rig = await jobs(t, [[start, 'hang']]);
    const row = await rig.task(news);
    const controller = new AbortController();
    const running: Promise<TaskOutcome | Error> = askKind(rig)
      .run(rig.workOf(row, { signal: controller.signal }))
      .catch((error: Error) => error);
    const { runId } = await rig.event('run.started');
    controller.abort(reason);
    assert.equal(rig.provider.signals[0]?.aborted, state === 'aborted');
    if (state === 'aborted') assert.ok((await running) instanceof Error);
    assert.equal((await rig.store.run(runId))?.state, state);
  }
});

test('a stop of the gateway is no failure of the task: it waits to be told', async (t) => {
  const rig = await jobs(t, [[start, 'hang']]);
  const row = await rig.task(news);
  const controller = new AbortController();
  let over = false;
  const running = askKind(rig)
    .run(rig.workOf(row, { signal: controller.signal }))
    .catch(() => undefined)
    .finally(() => (over = true));
  await rig.event('run.started');
  await rig.runs.stop(0);
  await setImmediate();
  assert.equal(over, false);
  controller.abort(stopped());
  await running;
  assert.equal((await rig.store.queuedSessions(10)).length, 1, 'the run goes on after the restart');
});

test('silent means that the word for nothing is nothing, however it is dressed, and only then', async (t) => {
  const said = ['NOTHING', '**Nothing.**', '`nothing`', 'Nothing happened at the harbour.'];
  const rig = await jobs(t, said.map(answering));
  const texts: string[] = [];
  for (const _ of said) texts.push((await rig.carryOut(askKind(rig), { ...news, silent: true })).text);
  assert.deepEqual(texts, ['', '', '', 'Nothing happened at the harbour.']);
  assert.match(JSON.stringify(rig.provider.requests[0]?.messages), /NOTHING/);
  const loud = await jobs(t, [answering('NOTHING')]);
  assert.equal((await loud.carryOut(askKind(loud), news)).text, 'NOTHING');
});

test('a model that says nothing at all gives an empty result, not words about it', async (t) => {
  const rig = await jobs(t, [[start, finish]]);
  assert.equal((await rig.carryOut(askKind(rig), { ...news, silent: true })).text, '');
});

test('a job may do what its owner may by now, and never more than it was made with', async (t) => {
  const rig = await jobs(t, [calling(calls('save', { text: 'x' })), answering('done')]);
  await rig.say('hello');
  const owner = await rig.personOf('7');
  const origin = { kind: 'sender', id: 'scripted:main', role: 'member', tainted: null } as const;
  await rig.setRole('7', 'guest');
  await assert.rejects(rig.carryOut(askKind(rig), news, { owner, origin }), { code: 'not_allowed' });
  await rig.setRole('7', 'owner');
  const row = await rig.task(news, { owner, origin });
  const [, inbound] = [
    await askKind(rig).run(rig.workOf(row)),
    (await rig.store.listMessages(jobSessionKey(owner, row.id), { limit: 1 })).items[0],
  ];
  const asked = await rig.store.inbound(inbound?.id ?? '');
  assert.ok(asked !== null);
  assert.deepEqual(await rig.rights.whois(asked), { person: owner, role: 'member' });
});

test('a message that claims to be of a task that is not there, or somebody else’s, has the rights of a guest', async (t) => {
  const rig = await jobs(t, [answering('x')]);
  const row = await rig.task(news);
  await askKind(rig).run(rig.workOf(row));
  const { items } = await rig.store.listMessages(jobSessionKey(ownerPerson, row.id), { limit: 1 });
  const asked = await rig.store.inbound(items[0]?.id ?? '');
  assert.ok(asked !== null);
  for (const forged of [
    { ...asked, owner: 'per_other' },
    { ...asked, dedupe: 'task:' },
    { ...asked, dedupe: 'task:task_none' },
  ])
    assert.equal((await rig.rights.whois(forged)).role, 'guest');
});

test('nothing is asked when nobody may be told the answer', async (t) => {
  const rig = await jobs(t, [answering('x')]);
  rig.policy.users = new Set();
  await assert.rejects(rig.carryOut(askKind(rig), news, { deliver: inChat }), { code: 'target_not_allowed' });
  assert.equal(rig.provider.hits, 0);
});

test('a call that needs a person makes their question the result, which says how to answer', async (t) => {
  const rig = await jobs(t, [calling(calls('post', { to: 'bob', text: 'hi' }))]);
  const { text } = await rig.carryOut(askKind(rig), { ...news, silent: true });
  assert.match(text, /May I\?[^]*in any chat with me/);
  assert.ok(text.includes(await rig.command('approve')) && text.includes(await rig.command('deny')));
  assert.deepEqual(rig.done, []);
});

test('what was read outside marks the result', async (t) => {
  const rig = await jobs(t, [calling(calls('page')), answering('The page says hi.')]);
  assert.equal((await rig.carryOut(askKind(rig), news)).outside, 'web page');
});

test('agents and models that are not there are refused before anything is stored', async (t) => {
  const rig = await jobs(t, [answering('x')]);
  const problem = (more: object): Promise<string | null> | undefined =>
    askKind(rig).problem?.({ ...news, ...more }, ownerPerson);
  assert.equal(await problem({}), null);
  assert.equal(await problem({ agent: 'brief' }), null);
  assert.match((await problem({ agent: 'none' })) ?? '', /no agent "none"/);
  assert.notEqual(await problem({ model: 'none/none' }), null);
});

test('what jobs cost is counted for their channel, and a limit of it holds', async (t) => {
  const rig = await jobs(t, [answering('x')]);
  await rig.carryOut(askKind(rig), news);
  assert.equal((await rig.store.usage(0, ownerPerson, 'job'))[0]?.calls, 1);
  assert.equal((await rig.store.usage(0, ownerPerson, 'api')).length, 0);
  const roles = { owner: noLimits, member: noLimits, guest: noLimits };
  const budgets = { total: noLimits, roles, channels: { job: { ...noLimits, tokensDay: 1 } }, job: noLimits };
  const limited = await jobs(t, [answering('x')], { budgets });
  await assert.rejects(limited.carryOut(askKind(limited), news), { code: 'budget_exceeded', retryable: true });
  assert.equal(limited.provider.hits, 0);
});

test('what a job asks for a group is held to what may be said before a group', async (t) => {
  const rig = await jobs(t, [answering('x')]);
  const conversation = { channel: 'scripted', account: 'main', native: '-1' };
  const deliver = { to: 'conversation', conversation, chatType: 'group', sessionKey: 'scripted:main:-1' } as const;
  const row = await rig.task(news, { deliver });
  await askKind(rig).run(rig.workOf(row));
  const { items } = await rig.store.listMessages(jobSessionKey(ownerPerson, row.id), { limit: 1 });
  assert.equal((await rig.store.inbound(items[0]?.id ?? ''))?.chatType, 'group');
});
