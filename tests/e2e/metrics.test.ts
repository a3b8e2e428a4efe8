/**
 * Every figure of /metrics moves when the thing happens that it counts. A figure that no drive below names makes this
 * red, and so does docs/METRICS.md when it does not say what is there.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { MemoryBus } from '../../src/adapters/bus/memory.ts';
import { MetricsRegistry } from '../../src/adapters/metrics/index.ts';
import { openStore } from '../../src/adapters/store/sqlite/index.ts';
import { systemClock } from '../../src/adapters/system/index.ts';
import { Supervisor } from '../../src/app/lifecycle/supervisor.ts';
import { migrationsDir, quietLog } from '../adapters/store/open.ts';
import { ask, chatEvents, connect } from '../support/gateway-client.ts';
import { ada, ben, Observed } from '../support/observed.ts';

const root = path.resolve(import.meta.dirname, '../..');
const reference = path.join(root, 'docs/METRICS.md');
const withinMs = 20_000;
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

interface Drive {
  what: string;
  /** Of /metrics: `name` or `name{label="value"}`. Each must change. */
  moves: string[];
  /** Makes it happen, or begins to; what it returns ends it again. */
  drive: (gateway: Observed) => Promise<(() => Promise<unknown>) | void>;
}

const ours = (names: string[]): string[] =>
  names.map((name) => (name.startsWith('process_') ? name : `openclanker_${name}`));

const say = (gateway: Observed, body: object): Promise<unknown> =>
  ask(gateway.target, 'POST', '/api/v1/chat', { text: 'hello', ...body });

const drives: Drive[] = [
  {
    what: 'a message over HTTP',
    moves: [
      'messages_received_total{channel="api"}',
      'messages_today',
      'active_people_today',
      'sessions',
      'turns_total{channel="api",outcome="finished"}',
      'turn_seconds{channel="api"}',
      'provider_calls_total{provider="m",outcome="ok"}',
      'provider_tokens_total{kind="input"}',
      'provider_tokens_total{kind="output"}',
      'provider_cost_usd_total{provider="m"}',
      'provider_first_output_seconds{provider="m"}',
      'http_requests_total{route="/api/v1/chat",status="200"}',
      'http_request_seconds{route="/api/v1/chat"}',
      'http_client_requests_total{outcome="2xx"}',
      'store_commit_seconds',
      'store_batch_operations',
      'bus_events_total{type="run.finished"}',
    ],
    drive: async (gateway) => void (await say(gateway, {})),
  },
  {
    what: 'a streamed answer',
    moves: ['bus_latency_seconds{subscriber="chat"}', 'http_request_seconds{route="/api/v1/chat"}'],
    async drive(gateway) {
      for await (const { event } of chatEvents(gateway.target, { text: 'hello' })) if (event === 'run.finished') break;
    },
  },
  {
    what: 'a model without prices',
    moves: ['provider_price_unknown_total{provider="n"}'],
    drive: async (gateway) => void (await say(gateway, { model: 'n' })),
  },
  {
    what: 'a provider that fails once',
    moves: ['provider_retries_total{provider="m"}', 'provider_calls_total{outcome="server"}'],
    async drive(gateway) {
      gateway.model.next('server-500');
      await say(gateway, {});
    },
  },
  {
    what: 'a model call that fails for good',
    moves: ['turns_total{channel="api",outcome="failed"}', 'http_requests_total{status="502"}'],
    async drive(gateway) {
      gateway.model.next('invalid');
      await say(gateway, { model: 'n' });
    },
  },
  {
    what: 'calls that take long, more than the provider may have at once',
    moves: [
      'provider_active{provider="n"}',
      'provider_waiting{provider="n"}',
      'runs_active',
      'run_queue_depth',
      'inbox_queued',
    ],
    async drive(gateway) {
      gateway.model.answer = { headersDelayMs: withinMs };
      const leave = new AbortController();
      const open = ['slow-a', 'slow-b', 'slow-a'].map((session) =>
        ask(gateway.target, 'POST', '/api/v1/chat', { text: 'hello', session, model: 'n' }, {}, leave.signal).catch(
          () => undefined,
        ),
      );
      return () => {
        gateway.model.answer = {};
        leave.abort();
        return Promise.all(open);
      };
    },
  },
  {
    what: 'an open WebSocket',
    moves: ['http_websockets', 'http_connections'],
    drive: async (gateway) => {
      const socket = await connect(gateway.target);
      return () => socket.close();
    },
  },
  {
    what: 'an open event stream',
    moves: ['http_event_streams'],
    drive: async (gateway) => {
      const leave = new AbortController();
      const headers = { authorization: `Bearer ${gateway.target.token}` };
      await fetch(`${gateway.target.url}/api/v1/events`, { headers, signal: leave.signal });
      return async () => leave.abort();
    },
  },
  {
    what: 'a wrong token',
    moves: ['http_auth_failures_total', 'http_refused_total{reason="unauthorized"}'],
    drive: async (gateway) => void (await ask({ ...gateway.target, token: 'wrong' }, 'GET', '/api/v1/status')),
  },
  {
    what: 'a message on Telegram',
    moves: [
      'messages_received_total{channel="telegram"}',
      'sends_total{channel="telegram",outcome="ok"}',
      'send_seconds{channel="telegram"}',
      'deliveries_total{channel="telegram",outcome="sent"}',
    ],
    drive: (gateway) => gateway.talk('hello'),
  },
  {
    what: 'a stranger',
    moves: ['messages_turned_away_total{channel="telegram",reason="refused"}'],
    drive: async (gateway) => void gateway.telegram.inject({ chatId: 666, text: 'let me in' }),
  },
  {
    what: 'a platform that asks to wait',
    moves: ['send_retries_total{channel="telegram"}', 'sends_total{outcome="rate_limited"}'],
    drive(gateway) {
      const failure = { code: 429, description: 'Too Many Requests', parameters: { retry_after: 1 } };
      gateway.telegram.fail(1, { mode: 'code', ...failure }, 'sendMessage');
      return gateway.talk('hello');
    },
  },
  {
    what: 'a platform that refuses a message',
    moves: ['deliveries_total{outcome="dead"}', 'dead_letters'],
    async drive(gateway) {
      gateway.telegram.fail(
        1,
        { mode: 'code', code: 403, description: 'Forbidden: bot was blocked by the user' },
        'sendMessage',
      );
      gateway.telegram.inject({ chatId: ada, text: 'hello' });
    },
  },
  {
    what: 'a platform that takes messages and loses its answers',
    moves: ['deliveries_total{outcome="uncertain"}', 'outbox_uncertain'],
    async drive(gateway) {
      gateway.telegram.fail(2, { mode: 'lost' }, 'sendMessage');
      gateway.telegram.inject({ chatId: ada, text: 'hello' });
    },
  },
  {
    what: 'a paused channel',
    moves: ['channels{state="connected"}', 'channels{state="stopped"}', 'channel_connected{channel="telegram:main"}'],
    drive: async (gateway) => {
      const act = (action: string): Promise<unknown> =>
        ask(gateway.target, 'POST', `/api/v1/channels/telegram:main/${action}`);
      await act('pause');
      return () => act('resume');
    },
  },
  {
    what: 'a provider that fails while there is another',
    moves: ['provider_fallbacks_total{provider="m"}', 'provider_up{provider="m"}'],
    async drive(gateway) {
      gateway.model.next('unauthorized');
      await say(gateway, {});
    },
  },
  {
    what: 'a process that stands still for a moment, and time that passes',
    moves: [
      'event_loop_delay_seconds{quantile="1"}',
      'uptime_seconds',
      'heap_used_bytes',
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
    ],
    async drive(gateway) {
      gateway.daemon.signal('SIGSTOP');
      await sleep(300);
      gateway.daemon.signal('SIGCONT');
    },
  },
  {
    what: 'a platform that does not answer',
    moves: ['delivery_active', 'outbox_pending'],
    async drive(gateway) {
      gateway.telegram.fail(1, { mode: 'hang' }, 'sendMessage');
      gateway.telegram.inject({ chatId: ben, text: 'hello' });
    },
  },
];

/** They stand from the start and need not move. */
const constants = ours(['process_start_time_seconds', 'heap_size_bytes', 'build_info']);

/** What a daemon shows only when something of its own breaks is driven with the part that shows it. */
async function drivenInside(folder: string): Promise<MetricsRegistry> {
  const metrics = new MetricsRegistry();
  const bus = new MemoryBus(systemClock, metrics);
  const reader = bus.subscribe('events', {}, 1);
  for (let i = 0; i < 3; i++) bus.publish({ type: 'config.reloaded', changed: [] });
  const text = metrics.render();
  assert.match(text, /^openclanker_bus_dropped_total\{subscriber="events"\} 2$/m);
  assert.match(text, /^openclanker_bus_queue_depth\{subscriber="events"\} 1$/m);
  reader.close();

  const supervisor = new Supervisor({ clock: systemClock, log: quietLog, metrics });
  supervisor.run('broken', () => Promise.reject(new Error('it broke')));
  await Promise.resolve();
  await supervisor.stop();
  assert.match(metrics.render(), /^openclanker_service_restarts_total\{service="broken"\} 1$/m);

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

  it('what stands from the start stands there', async () => {
    const samples = await gateway.samples();
    for (const name of constants) assert.ok(figure(samples, name) > 0, name);
  });

  it('what only breakage shows is shown by the part that breaks', async () => {
    described((await drivenInside(folder)).render(), seen);
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

  it('no metric is there that nothing above drives', () => {
    const driven = new Set([
      ...drives.flatMap(({ moves }) => ours(moves.map((name) => name.split('{')[0] ?? ''))),
      ...constants,
      ...ours([
        'bus_dropped_total',
        'bus_queue_depth',
        'service_restarts_total',
        'store_queue_depth',
        'store_failures_total',
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
