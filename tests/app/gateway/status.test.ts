import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessPolicy } from '../../../src/app/access/authorize.ts';
import { ChannelManager } from '../../../src/app/channels/manager.ts';
import { Status } from '../../../src/app/gateway/status.ts';
import { CountedMetrics } from '../../support/door.ts';
import { messagePath, said } from '../../support/message-path.ts';

function statusOf(
  path: Awaited<ReturnType<typeof messagePath>>,
  policy: AccessPolicy,
  metrics = new CountedMetrics(),
  configError: string | null = null,
): Status {
  const channels = new ChannelManager({ ...path, metrics: new CountedMetrics() });
  return new Status({
    ...path,
    version: '0',
    storeHealth: () => ({ open: true, detail: '' }),
    eventLoopDelay: () => ({ p50: 0, p99: 0, max: 0 }),
    channels,
    mcp: () => [],
    model: () => ({ name: 'scripted/m1', source: 'a test' }),
    configError: () => configError,
    schedulerEnabled: () => true,
    policy: () => policy,
    metrics,
  });
}

test('a refused sender is shown with the line that would allow them, until that line stands there', async (t) => {
  const users = new Set(['7']);
  const policy: AccessPolicy = { users, chats: new Set() };
  const path = await messagePath(t, undefined, { policy });
  const status = statusOf(path, policy);
  const conversation = { channel: 'scripted', account: 'main', native: '9' };
  const sender = { native: '9', display: 'Grace', isBot: false };
  await path.ingress.sinkFor('scripted', 'main').commit([said('hello', { conversation, sender })]);
  const { refused } = await status.status();
  assert.deepEqual(
    refused.map(({ display, allowLine }) => [display, allowLine]),
    [['Grace', '[channels.scripted] allowed_user_ids = [7, 9]']],
  );
  users.add('9');
  assert.deepEqual((await status.status()).refused, []);
});

test('who is let in by what their group is part of is not shown as refused any more', async (t) => {
  const chats = new Set<string>();
  const policy: AccessPolicy = { users: new Set(), chats };
  const path = await messagePath(t, undefined, { policy });
  const status = statusOf(path, policy);
  const conversation = { channel: 'scripted', account: 'main', native: '70' };
  const chat = { type: 'group' as const, addressed: true, parents: ['80', '90'] };
  await path.ingress.sinkFor('scripted', 'main').commit([said('hello', { conversation, chat })]);
  assert.match((await status.status()).refused[0]?.allowLine ?? '', /allowed_chat_ids = \[70\]/);
  chats.add('90');
  assert.deepEqual((await status.status()).refused, []);
});

test('jobs and tasks are counted, and when the next job is due is told', async (t) => {
  const policy: AccessPolicy = { users: new Set(), chats: new Set() };
  const path = await messagePath(t, undefined, { policy });
  const metrics = new CountedMetrics();
  const status = statusOf(path, policy, metrics);
  const schedule = { enabled: true, jobs: 0, nextDueAt: null, queued: 0, running: 0, failed: 0 };
  assert.deepEqual((await status.status()).schedule, schedule);
  const at = path.clock.now();
  const work = {
    name: 'tea',
    owner: 'owner',
    payload: { kind: 'text', text: 'tea' },
    deliver: { to: 'nowhere' },
    origin: { kind: 'token', id: 'tok_1', role: 'owner', tainted: null },
    maxAttempts: 1,
    createdAt: at,
  } as const;
  const timing = {
    schedule: { type: 'at', at: at + 60_000 },
    zone: 'UTC',
    except: [],
    endAt: null,
    maxRuns: null,
  } as const;
  const missed = { policy: 'once', max: 1, maxLatenessMs: null } as const;
  await path.store.addJob({ ...work, ...timing, id: 'job_1', missed, jitterMs: 0, nextAt: at + 60_000 }, 10);
  await path.store.addTask({ ...work, id: 'task_1', jobId: null, due: null, trigger: 'request', runAt: at + 1000 }, 10);
  assert.deepEqual((await status.status()).schedule, { ...schedule, jobs: 1, nextDueAt: at + 60_000, queued: 1 });
  assert.match(metrics.render(), /^jobs 1\n/m);
  assert.match(metrics.render(), /^tasks_queued 1\n/m);
});

test('what is wrong with a configuration is for those who may see the status, not for everybody', async (t) => {
  const policy: AccessPolicy = { users: new Set(), chats: new Set() };
  const path = await messagePath(t, undefined, { policy });
  const status = statusOf(path, policy, undefined, '/etc/x.toml:3:1: no');
  assert.match((await status.status()).warnings.join(), /rejected and the one before is in force: \/etc\/x\.toml/);
  const { warnings } = await status.readiness();
  assert.match(warnings.join(), /rejected and the one before is in force$/);
  assert.doesNotMatch(warnings.join(), /x\.toml/);
});
