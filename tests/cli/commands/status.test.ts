/** What `open-clanker status` shows to a person. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusLines } from '../../../src/cli/commands/status.ts';
import type { ChannelHealth, ChannelState } from '../../../src/core/ports/channel.ts';
import type { ChannelStatus, GatewayStatus } from '../../../src/core/ports/gateway.ts';

const now = 1_000_000;

function channel(account: string, state: ChannelState, more: Partial<ChannelHealth> = {}): ChannelStatus {
  const health = { state, detail: '', lastReceiveAt: null, lastEventAt: null, identity: null, ...more };
  return { id: `telegram:${account}`, type: 'telegram', account, paused: false, health };
}

const status: GatewayStatus = {
  version: '0.1.0',
  pid: 7,
  startedAt: 0,
  uptimeMs: 61_000,
  model: { name: 'demo/demo', source: 'nothing else' },
  channels: [],
  providers: [],
  mcp: [],
  queues: { inbox: 0, running: 0, outbox: 0, uncertain: 0, dead: 0 },
  sessions: 0,
  schedule: { enabled: true, jobs: 0, nextDueAt: null, queued: 0, running: 0, failed: 0 },
  memory: { rssBytes: 1e8, heapBytes: 1e7 },
  eventLoopDelayMs: { p50: 1, p99: 1, max: 1 },
  refused: [],
  waiting: 0,
  configError: null,
  warnings: [],
};

test('what is wrong with a channel is told in its own line, and not once more as a warning', () => {
  const lines = statusLines(
    {
      ...status,
      channels: [
        channel('main', 'connected', { identity: '@clanker', lastReceiveAt: now - 2000 }),
        channel('second', 'fatal', { detail: 'Telegram does not know this bot token.' }),
      ],
      warnings: ['telegram:second: Telegram does not know this bot token.', 'The demo model answers.'],
    },
    now,
  );
  assert.deepEqual(
    lines.filter((line) => /telegram|Warning/.test(line)),
    [
      '  telegram:main: connected, as @clanker, heard 2s ago',
      '  telegram:second: fatal. Telegram does not know this bot token.',
      'Warning: The demo model answers.',
    ],
  );
});

test('MCP servers are shown with what they do, and why one is not there, said once', () => {
  const server = { name: 'dice', state: 'up' as const, detail: '', tools: 2, restarts: 0, calls: 7, failedCalls: 0 };
  const gone = {
    ...server,
    name: 'web',
    state: 'waiting' as const,
    detail: 'It was not found.',
    tools: 0,
    restarts: 3,
  };
  const lines = statusLines({ ...status, mcp: [server, gone], warnings: ['MCP server web is not there.'] }, now);
  assert.deepEqual(
    lines.filter((line) => /MCP|dice|web/.test(line)),
    [
      'MCP servers:',
      '  dice: up, 2 tools, 7 calls',
      '  web: not there, 0 tools, 7 calls, started again 3×. It was not found.',
    ],
  );
});

test('who was turned away is shown with the line that lets them in', () => {
  const allowLine = '[channels.telegram] allowed_user_ids = [42]';
  const where = { channel: 'telegram:main', conversation: '42' };
  const sender = { ...where, sender: '42', display: 'Ada', count: 3, lastAt: now - 1000, allowLine };
  const lines = statusLines({ ...status, refused: [sender] }, now);
  assert.deepEqual(lines.slice(-3), [
    'Turned away:',
    '  Ada (42) on telegram:main, 3×, last 1s ago. To allow them:',
    `    ${allowLine}`,
  ]);
});

test('jobs and tasks have a line: how many, when the next is due, and what failed', () => {
  const line = (schedule: Partial<GatewayStatus['schedule']>): string | undefined =>
    statusLines({ ...status, schedule: { ...status.schedule, ...schedule } }, now).find((text) =>
      text.startsWith('Jobs'),
    );
  assert.equal(line({}), 'Jobs: 0. Tasks: 0 waiting, 0 running, 0 failed');
  assert.equal(
    line({ jobs: 3, nextDueAt: now + 61_000, queued: 2, running: 1, failed: 4 }),
    'Jobs: 3, the next in 1m 1s. Tasks: 2 waiting, 1 running, 4 failed (see: open-clanker tasks list --state failed)',
  );
  assert.equal(line({ jobs: 1, nextDueAt: now })?.startsWith('Jobs: 1, the next due now.'), true);
  assert.match(
    line({ jobs: 1, nextDueAt: now, enabled: false }) ?? '',
    /none of which runs: scheduler\.enabled is false/,
  );
});
