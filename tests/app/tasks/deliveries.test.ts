import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { resolveDelivery } from '../../../src/app/tasks/deliveries.ts';
import { ClankerError } from '../../../src/core/errors.ts';
import type { Here } from '../../../src/core/ports/schedule-gateway.ts';
import { ownerPerson, type PersonRole } from '../../../src/core/principal.ts';
import type { TaskDelivery } from '../../../src/core/task.ts';
import { answering, from } from '../../support/asking.ts';
import { inChat, jobs } from '../../support/jobs.ts';

async function open(t: TestContext) {
  const rig = await jobs(t, [answering('hello')]);
  await rig.say('hello');
  await rig.say('hello', from('8'));
  const [ada, bob] = [await rig.personOf('7'), await rig.personOf('8')];
  const resolve = (
    written: string | undefined,
    by: { person: string; role: PersonRole } = { person: ada, role: 'member' },
    here: Here | null = null,
  ): Promise<TaskDelivery> => resolveDelivery(by, written, here, { ...rig.destination, webhooks: () => ['ops'] });
  return { ...rig, ada, bob, resolve };
}

const owner = { person: ownerPerson, role: 'owner' } as const;

test('here is where it is asked: a chat, a session of the API, or the person’s own direct chat', async (t) => {
  const rig = await open(t);
  const { to: _, ...here } = inChat;
  assert.deepEqual(await rig.resolve('here', owner, here), inChat);
  assert.deepEqual(await rig.resolve(undefined, owner, here), inChat);
  const session = { conversation: null, chatType: 'direct', sessionKey: 'api:owner:main' } as const;
  assert.deepEqual(await rig.resolve('here', owner, session), { to: 'session', sessionKey: 'api:owner:main' });
  assert.deepEqual(await rig.resolve('here'), inChat);
  assert.deepEqual(await rig.resolve('here', owner), { to: 'nowhere' });
  rig.policy.users = new Set();
  assert.deepEqual(await rig.resolve('here'), { to: 'nowhere' });
});

test('while the account of one’s direct chat does not run, a job is refused for now and does not go nowhere for good', async (t) => {
  const rig = await open(t);
  const channels = {
    ...rig.destination.channels,
    resolve: () => {
      throw new ClankerError('channel', 'channel_stopped', 'It does not run.', { retryable: true });
    },
  };
  const by = { person: rig.ada, role: 'member' } as const;
  const deps = { ...rig.destination, channels, webhooks: () => [] };
  await assert.rejects(resolveDelivery(by, undefined, null, deps), { code: 'channel_stopped', retryable: true });
});

test('members name their own places, and nobody else’s', async (t) => {
  const rig = await open(t);
  assert.deepEqual(await rig.resolve('scripted:main:7'), inChat);
  await assert.rejects(rig.resolve('scripted:main:8'), { code: 'unknown_place' });
  await assert.rejects(rig.resolve('scripted:main:-1'), { code: 'unknown_place' });
  await assert.rejects(rig.resolve('webhook:ops'), { code: 'not_allowed' });
});

test('owners name everybody who is let in, and nobody who is not', async (t) => {
  const rig = await open(t);
  const eight = await rig.resolve('scripted:main:8', owner);
  assert.equal(eight.to === 'conversation' && eight.conversation.native, '8');
  await assert.rejects(rig.resolve('scripted:main:99', owner), { code: 'target_not_allowed' });
  await assert.rejects(rig.resolve('nothing of that name', owner), { code: 'unknown_place' });
});

test('a webhook is one of the configuration', async (t) => {
  const rig = await open(t);
  assert.deepEqual(await rig.resolve('webhook:ops', owner), { to: 'webhook', name: 'ops' });
  await assert.rejects(rig.resolve('webhook:other', owner), { code: 'unknown_place' });
  await assert.rejects(rig.resolve('webhook:', owner), { code: 'unknown_place' });
});

test('nowhere is nowhere', async (t) => {
  const rig = await open(t);
  assert.deepEqual(await rig.resolve(' nowhere ', owner), { to: 'nowhere' });
});
