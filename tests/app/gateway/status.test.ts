import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessPolicy } from '../../../src/app/access/authorize.ts';
import { ChannelManager } from '../../../src/app/channels/manager.ts';
import { Status } from '../../../src/app/gateway/status.ts';
import { CountedMetrics } from '../../support/door.ts';
import { messagePath, said } from '../../support/message-path.ts';

test('a refused sender is shown with the line that would allow them, until that line stands there', async (t) => {
  const users = new Set(['7']);
  const policy: AccessPolicy = { users, chats: new Set() };
  const path = await messagePath(t, undefined, { policy });
  const channels = new ChannelManager({ ...path, metrics: new CountedMetrics() });
  const status = new Status({
    ...path,
    version: '0',
    storeHealth: () => ({ open: true, detail: '' }),
    eventLoopDelay: () => ({ p50: 0, p99: 0, max: 0 }),
    channels,
    model: () => ({ name: 'scripted/m1', source: 'a test' }),
    configError: () => null,
    policy: () => policy,
    metrics: new CountedMetrics(),
  });
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
