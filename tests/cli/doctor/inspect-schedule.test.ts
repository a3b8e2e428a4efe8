import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspectSchedule } from '../../../src/cli/doctor/inspect-schedule.ts';
import { ScriptedGateway } from '../scripted-gateway.ts';

const base = { state: 'active', reason: null, kind: 'text', deliver: { to: 'nowhere' } };
const hook = { kind: 'webhook', name: 'ops' };
const jobs = [
  { ...base, id: 'job_1', name: 'big page', state: 'paused', reason: 'crashed' },
  { ...base, id: 'job_2', name: 'rests', state: 'paused', reason: 'by hand' },
  { ...base, id: 'job_3', name: 'posts', kind: 'webhook' },
  { ...base, id: 'job_4', name: 'steps', kind: 'workflow' },
  { ...base, id: 'job_5', name: 'told there', deliver: { to: 'webhook', name: 'team' } },
  { ...base, id: 'job_6', name: 'over', kind: 'webhook', state: 'finished' },
  { ...base, id: 'chore-vacuum', name: 'vacuum', kind: 'chore' },
];
const failed = { id: 'task_1', name: 'news', error: { message: 'The model failed.' } };

/** A gateway that answers whatever day it is. */
async function gatewayWith(t: { after(end: () => Promise<void>): void }): Promise<ScriptedGateway> {
  const gateway = await ScriptedGateway.listen();
  t.after(() => gateway[Symbol.asyncDispose]());
  gateway.json('GET /api/v1/jobs?limit=200', 200, { jobs });
  gateway.json('GET /api/v1/jobs/job_3', 200, { ...jobs[2], payload: hook });
  const steps = [
    { id: 'a', do: { kind: 'text', text: 'x' } },
    { id: 'b', do: { ...hook, name: 'team' }, undo: hook },
  ];
  gateway.json('GET /api/v1/jobs/job_4', 200, { ...jobs[3], payload: { kind: 'workflow', steps } });
  return gateway;
}

test('jobs that crashed, tasks that failed and webhooks that are missing are found, and nothing else', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 2) });
  const gateway = await gatewayWith(t);
  const since = encodeURIComponent('2026-01-01T00:00:00.000Z');
  gateway.json(`GET /api/v1/tasks?state=failed&from=${since}&limit=200`, 200, { tasks: [failed] });
  assert.deepEqual(await inspectSchedule(gateway.url, 'oc_token', { team: {} }), {
    jobs: 5,
    crashed: [{ id: 'job_1', name: 'big page' }],
    failed: [{ id: 'task_1', name: 'news', reason: 'The model failed.' }],
    lackWebhook: [
      { id: 'job_3', name: 'posts', webhook: 'ops' },
      { id: 'job_4', name: 'steps', webhook: 'ops' },
    ],
  });
  assert.ok(gateway.asked.every(({ authorization }) => authorization === 'Bearer oc_token'));
  const unknown = await inspectSchedule(gateway.url, null, null);
  assert.deepEqual(unknown?.lackWebhook, [], 'nothing is said of a configuration that cannot be read');
});

test('a gateway that does not tell leaves nothing to judge', async (t) => {
  const gateway = await gatewayWith(t);
  assert.equal(await inspectSchedule(gateway.url, null, {}), null);
});
