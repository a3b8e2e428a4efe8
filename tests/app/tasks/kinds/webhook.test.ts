import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { webhookKind } from '../../../../src/app/tasks/kinds/webhook.ts';
import { ClankerError } from '../../../../src/core/errors.ts';
import type { WebhookPoster } from '../../../../src/core/ports/webhook-poster.ts';
import { ownerPerson } from '../../../../src/core/principal.ts';
import { jobs } from '../../../support/jobs.ts';
import { hasty } from '../../../support/message-path.ts';

async function open(t: TestContext, refuse: ClankerError | null = null) {
  const rig = await jobs(t, []);
  const posted: { name: string; id: string; body: Record<string, unknown> }[] = [];
  const poster: WebhookPoster = {
    names: () => ['ops'],
    post(name, { id, body }) {
      posted.push({ name, id, body: JSON.parse(body) as Record<string, unknown> });
      return refuse === null ? Promise.resolve() : Promise.reject(refuse);
    },
  };
  const { rights, directory } = rig;
  return { ...rig, posted, kind: webhookKind({ poster, clock: hasty, rights, directory }) };
}

const ping = { kind: 'webhook', name: 'ops', body: { level: 1 } } as const;

test('what is posted says what it is of, under the key of the work, and nobody is told anything', async (t) => {
  const rig = await open(t);
  const result = await rig.carryOut(rig.kind, ping, { id: 'task_1', jobId: 'job_1' });
  assert.deepEqual(result, { text: '', files: [], outside: null });
  const [{ id, name, body } = assert.fail('nothing was posted')] = rig.posted;
  const { at, ...rest } = body;
  assert.ok(!Number.isNaN(Date.parse(String(at))));
  assert.deepEqual(
    [id, name, rest],
    [
      'task_1',
      'ops',
      { type: 'task.finished', job: 'job_1', task: 'task_1', name: 'the job', text: null, data: { level: 1 } },
    ],
  );
});

test('a result on its way to a webhook is told as that of the task it came from', async (t) => {
  const rig = await open(t);
  const result = { task: 'task_1', text: 'Tea' };
  await rig.carryOut(rig.kind, { kind: 'webhook', name: 'ops', result }, { id: 'task_2' });
  const [{ id, body } = assert.fail('nothing was posted')] = rig.posted;
  assert.deepEqual([id, body['task'], body['text'], body['data']], ['task_2', 'task_1', 'Tea', null]);
});

test('what the receiver answers decides whether it is tried again', async (t) => {
  const refused = new ClankerError('network', 'webhook_refused', 'HTTP 500', { retryable: true, retryAfterMs: 7000 });
  const rig = await open(t, refused);
  await assert.rejects(rig.carryOut(rig.kind, ping), { retryable: true, retryAfterMs: 7000 });
});

test('only owners have something posted, and only where there is a receiver', async (t) => {
  const rig = await open(t);
  assert.equal(await rig.kind.problem?.(ping, ownerPerson), null);
  assert.match((await rig.kind.problem?.({ ...ping, name: 'other' }, ownerPerson)) ?? '', /there are ops\.$/);
  await rig.store.setRole(ownerPerson, 'member');
  rig.directory.forget();
  assert.match((await rig.kind.problem?.(ping, ownerPerson)) ?? '', /Only owners/);
});

test('an owner who is a member by now has nothing posted by an old job', async (t) => {
  const rig = await open(t);
  await rig.store.setRole(ownerPerson, 'member');
  rig.directory.forget();
  await assert.rejects(rig.carryOut(rig.kind, ping), { code: 'not_allowed', retryable: false });
  assert.deepEqual(rig.posted, []);
});
