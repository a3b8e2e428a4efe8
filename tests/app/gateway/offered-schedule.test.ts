/** Schedules through the door for the agents of others, with the real service and policy. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { OfferedTools } from '../../../src/app/gateway/offered-tools.ts';
import type { Scope } from '../../../src/core/principal.ts';
import { answering, from } from '../../support/asking.ts';
import { agent } from '../../support/message-path.ts';
import { scheduling } from '../../support/scheduling.ts';

async function open(t: TestContext) {
  const rig = await scheduling(t, [answering('hello')]);
  await rig.say('hello');
  await rig.say('hello', from('8'));
  const offered = new OfferedTools({
    ...rig,
    channelTypes: new Set(['scripted']),
    agent: () => agent,
    // The clock of tests is a hundred times faster than the machine.
    limits: () => ({ timeoutMs: 3_600_000, maxResult: 10_000 }),
  });
  const person = await rig.personOf('7');
  const by = (scope: Scope) => ({ kind: 'token', id: 'tok_1', person, scope, name: 'agent' }) as const;
  const call = (name: string, args: object, scope: Scope = 'manage', session?: string) =>
    offered.call(by(scope), {
      name,
      args: JSON.parse(JSON.stringify(args)),
      signal: new AbortController().signal,
      ...(session === undefined ? {} : { session }),
    });
  return { ...rig, offered, by, call };
}
const daily = { do: 'say', what: 'tea', when: 'every day at 17:00' };

test('another agent sees schedules with read, and changes them with manage only', async (t) => {
  const rig = await open(t);
  const names = async (scope: Scope): Promise<string[]> =>
    (await rig.offered.list(rig.by(scope))).map(({ name }) => name).filter((name) => name.startsWith('schedule'));
  assert.deepEqual(await names('read'), ['schedule_list']);
  assert.deepEqual(await names('send'), ['schedule_list']);
  assert.deepEqual((await names('manage')).toSorted(), ['schedule_add', 'schedule_change', 'schedule_list']);
  for (const scope of ['read', 'send'] as const)
    await assert.rejects(rig.call('schedule_add', daily, scope), { code: 'forbidden' });
  assert.match((await rig.call('schedule_add', daily)).text, /every day at 17:00/);
  assert.match((await rig.call('schedule_list', {}, 'read')).text, /"tea"/);
  const [{ job } = assert.fail()] = await rig.jobsOf();
  assert.deepEqual(job.deliver, { to: 'session', sessionKey: `api:${job.owner}:main` });
  assert.equal((await rig.call('schedule_change', { id: job.id, action: 'remove' })).text, 'Removed.');
});

test('what needs a person is not done over this door, and a guest has nothing there', async (t) => {
  const rig = await open(t);
  const { text, isError } = await rig.call('schedule_add', { ...daily, to: 'scripted:main:7' });
  assert.equal(isError, true);
  assert.match(text, /wants a person/);
  await rig.setRole('7', 'guest');
  assert.deepEqual(await rig.offered.list(rig.by('admin')), []);
  await assert.rejects(rig.call('schedule_add', daily), { code: 'not_found' });
  assert.deepEqual(await rig.jobsOf(), []);
});

test('nothing is put into the history of somebody else’s chat, and their jobs are not there', async (t) => {
  const rig = await open(t);
  for (const session of ['scripted:main:8', 'api:somebody:main', 'scripted:main:99'])
    await assert.rejects(rig.call('schedule_add', daily, 'manage', session), { code: 'not_found' }, session);
  assert.deepEqual(await rig.jobsOf(), []);
  const theirs = await rig.schedule.addJob(await rig.principalOf('8'), {
    every: '1h',
    payload: { kind: 'text', text: 'x' },
  });
  assert.equal((await rig.call('schedule_list', {}, 'admin')).text, 'There are none.');
  await assert.rejects(rig.call('schedule_change', { id: theirs.job.id, action: 'pause' }, 'admin'), {
    code: 'not_found',
  });
});
