/**
 * Every figure of /metrics moves when the thing happens that it counts. A figure that no drive names makes this
 * red, and so does docs/METRICS.md when it does not say what is there.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it, type TestContext } from 'node:test';
import { MemoryBus } from '../../src/adapters/bus/memory.ts';
import { MetricsRegistry } from '../../src/adapters/metrics/index.ts';
import { openStore } from '../../src/adapters/store/sqlite/index.ts';
import { systemClock } from '../../src/adapters/system/index.ts';
import { Supervisor } from '../../src/app/lifecycle/supervisor.ts';
import { migrationsDir, quietLog } from '../adapters/store/open.ts';
import { ask, chatEvents } from '../support/gateway-client.ts';
import { openMcp, rogue } from '../support/mcp-rig.ts';
import { Observed } from '../support/observed.ts';
import { askAndAnswer } from './metrics/approvals.ts';
import { drives, ours } from './metrics/drives.ts';

const root = path.resolve(import.meta.dirname, '../..');
const reference = path.join(root, 'docs/METRICS.md');
const withinMs = 60_000;
/** Between two looks: /metrics must not be what keeps the gateway busy. */
const pauseMs = 25;

type Samples = Map<string, number>;

/** The sum over every series of a metric (of a histogram: its count) that carries the given labels. */
function figure(samples: Samples, wanted: string): number {
  const [name = '', labels] = wanted.split(/[{}]/);
  let sum = 0;
  for (const [series, value] of samples) {
    const [full = '', own = ''] = series.split(/[{}]/);
    if (full !== name && full !== `${name}_count`) continue;
    if ((labels ?? '').split(',').every((label) => own.includes(label))) sum += value;
  }
  return sum;
}

/** They stand from the start and need not move. */
const constants = ours(['process_start_time_seconds', 'heap_size_bytes', 'build_info']);

/** What a daemon shows only when something of its own breaks is driven with the part that shows it. */
async function drivenInside(t: TestContext, folder: string): Promise<MetricsRegistry> {
  const metrics = new MetricsRegistry();
  const bus = new MemoryBus(systemClock, metrics);
  const reader = bus.subscribe('events', {}, 1);
  for (let i = 0; i < 3; i++) bus.publish({ type: 'config.reloaded', changed: [] });
  const text = metrics.render();
  assert.match(text, /^openclanker_bus_dropped_total\{subscriber="events"\} 2$/m);
  assert.match(text, /^openclanker_bus_queue_depth\{subscriber="events"\} 1$/m);
  t.after(() => reader.close());

  const supervisor = new Supervisor({ clock: systemClock, log: quietLog, metrics });
  supervisor.run('broken', () => Promise.reject(new Error('it broke')));
  await Promise.resolve();
  await supervisor.stop();
  assert.match(metrics.render(), /^openclanker_service_restarts_total\{service="broken"\} 1$/m);

  const mcp = openMcp(t, { metrics });
  await mcp.configure({ bad: rogue('crash') });
  await mcp.up('bad');
  assert.match(metrics.render(), /^openclanker_mcp_server_up\{server="bad"\} 1$/m);
  assert.match(metrics.render(), /^openclanker_mcp_tools\{server="bad"\} 1$/m);
  await mcp.call('mcp_bad__work');
  assert.match(metrics.render(), /^openclanker_mcp_calls_total\{outcome="failed",server="bad"\} 1$/m);
  await mcp.until(() => /^openclanker_mcp_restarts_total\{server="bad"\} [1-9]/m.test(metrics.render()));

  const store = await openStore({
    path: path.join(folder, 'x.db'),
    migrationsDir,
    log: quietLog,
    metrics,
    clock: systemClock,
  });
  try {
    const orphan = store.recordSend('out_of_nowhere', { state: 'sent', ref: '1', at: 0 });
    assert.match(metrics.render(), /^openclanker_store_queue_depth 1$/m);
    await assert.rejects(orphan);
    assert.match(metrics.render(), /^openclanker_store_failures_total\{code="\w+"\} 1$/m);
    await askAndAnswer({ store, bus, metrics });
    assert.match(metrics.render(), /^openclanker_approvals_requested_total\{tool="post"\} 1$/m);
    assert.match(metrics.render(), /^openclanker_approvals_resolved_total\{outcome="denied"\} 1$/m);
  } finally {
    await store.close();
  }
  return metrics;
}

interface Described {
  type: string;
  help: string;
  labels: Set<string>;
}

/** What a text of /metrics says about each metric. */
function described(text: string, into: Map<string, Described>): void {
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    const entry = into.get(name) ?? { type: '', help: '', labels: new Set<string>() };
    if (kind !== undefined) into.set(name, entry);
    if (kind === 'HELP') entry.help = rest;
    if (kind === 'TYPE') entry.type = rest;
    const [series = '', labels = ''] = line.split(/[{}]/);
    const owner = into.get(series) ?? into.get(series.replace(/_(?:bucket|sum|count)$/, ''));
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) if (label !== 'le') owner?.labels.add(label);
  }
}

describe('metrics', () => {
  const seen = new Map<string, Described>();
  let folder = '';
  let gateway: Observed;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'clanker-metrics-'));
    gateway = await Observed.open({
      provider: 'api_key = "a-key-of-the-model"\nprices = { input = 1.0, output = 10.0 }',
      telegram: 'stream = false',
      fallback: 'n',
      tail: (model) => `
[providers.n]
base_url = "${model}"
api_key = "another-key-of-it"
model = "n-1"
max_concurrency = 1
[providers.narrow]
base_url = "${model}"
api_key = "a-third-key-of-it"
model = "narrow-1"
context_window = 2048
[logging]
level = "warn"
`,
    });
    await gateway.telegram.until(() => gateway.telegram.calls('getUpdates').length > 0);
  });
  after(async () => {
    await gateway.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const { what, moves, drive } of drives) {
    it(`${what} moves what counts it`, async () => {
      const start = await gateway.samples();
      const end = await drive(gateway);
      const still = new Set(ours(moves));
      const deadline = performance.now() + withinMs;
      while (still.size > 0) {
        assert.ok(
          performance.now() < deadline,
          `these did not move: ${[...still].join(', ')}\n${await gateway.metrics()}`,
        );
        const now = await gateway.samples();
        await sleep(pauseMs);
        for (const name of still) if (figure(now, name) !== figure(start, name)) still.delete(name);
      }
      described(await gateway.metrics(), seen);
      await end?.();
    });
  }

  it('an answer that is not streamed loses no events, however long it is', async () => {
    const start = await gateway.samples();
    gateway.model.answer = { text: 'word '.repeat(3000), deltas: 3000 };
    await ask(gateway.target, 'POST', '/api/v1/chat', { text: 'hello', session: 'long', model: 'm' });
    gateway.model.answer = {};
    const end = await gateway.samples();
    const dropped = 'openclanker_bus_dropped_total';
    assert.equal(figure(end, dropped), figure(start, dropped));
  });

  it('a streamed answer loses no events either when all of it comes at once', async (t) => {
    const piece = 'data: {"choices":[{"delta":{"content":"w"}}]}\n\n';
    const end = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
    const burst = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(piece.repeat(6000) + end);
    }).listen(0, '127.0.0.1');
    await once(burst, 'listening');
    const { port } = burst.address() as AddressInfo;
    const hasty = await Observed.open({
      tail: `[providers.burst]\nbase_url = "http://127.0.0.1:${port}/v1"\napi_key = "a-key-of-it"\nmodel = "b"`,
    });
    t.after(async () => {
      await hasty.close();
      burst.close();
      burst.closeAllConnections();
    });
    let text = '';
    let last = '';
    for await (const { event, data } of chatEvents(hasty.target, { text: 'hello', model: 'burst' })) {
      last = event;
      if (event === 'run.delta') text += data.text ?? '';
    }
    assert.equal(last, 'run.finished');
    assert.equal(text, 'w'.repeat(6000));
    assert.equal(figure(await hasty.samples(), 'openclanker_bus_dropped_total'), 0);
  });

  it('what stands from the start stands there', async () => {
    const samples = await gateway.samples();
    for (const name of constants) assert.ok(figure(samples, name) > 0, name);
  });

  it('what only breakage shows is shown by the part that breaks', async (t) => {
    described((await drivenInside(t, folder)).render(), seen);
  });

  it('lines of the log that cannot be written are counted', async (t) => {
    const mute = await Observed.open({
      env: { OPEN_CLANKER_LOGGING__OUTPUT: 'file', OPEN_CLANKER_LOGGING__FILE: 'not-a-file' },
      prepare: (dir) => mkdirSync(path.join(dir, 'data/not-a-file'), { recursive: true }),
    });
    t.after(() => mute.close());
    while (figure(await mute.samples(), 'openclanker_log_dropped_total') === 0) await sleep(pauseMs);
    described(await mute.metrics(), seen);
  });

  it('no metric is there that nothing drives', () => {
    const driven = new Set([
      ...drives.flatMap(({ moves }) => ours(moves.map((name) => name.split('{')[0] ?? ''))),
      ...constants,
      ...ours([
        'bus_dropped_total',
        'bus_queue_depth',
        'service_restarts_total',
        'store_queue_depth',
        'store_failures_total',
        'mcp_server_up',
        'mcp_tools',
        'mcp_restarts_total',
        'mcp_calls_total',
        'approvals_requested_total',
        'approvals_resolved_total',
      ]),
      ...ours(['log_dropped_total']),
    ]);
    assert.deepEqual(
      [...seen.keys()].filter((name) => !driven.has(name)),
      [],
    );
    assert.deepEqual(
      [...driven].filter((name) => !seen.has(name)),
      [],
    );
  });

  it('no metric is named in the source that was never seen', () => {
    const named = globSync('src/**/*.ts', { cwd: root }).flatMap((file) =>
      [...readFileSync(path.join(root, file), 'utf8').matchAll(/\b(?:counter|gauge|histogram)\(\s*'([a-z_]+)'/g)].map(
        ([, name = '']) => name,
      ),
    );
    assert.ok(named.length > 0);
    assert.deepEqual(
      ours(named).filter((name) => !seen.has(name)),
      [],
    );
  });

  it('names have one prefix and end in their unit', () => {
    for (const [name, { type, help }] of seen) {
      assert.match(name, /^(?:openclanker|process)_[a-z][a-z0-9_]*$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.match(help, /^[A-Z].*\.$/, name);
    }
  });

  it('docs/METRICS.md names every metric with its type, labels and meaning, and no other', () => {
    const rows = readFileSync(reference, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const expected = [...seen].map(([name, { type, help, labels }]) => {
      const shown = [...labels]
        .sort()
        .map((label) => `\`${label}\``)
        .join(', ');
      return `| \`${name}\` | ${type} | ${shown} | ${help} |`;
    });
    assert.deepEqual([...rows].sort(), [...expected].sort());
  });
});
