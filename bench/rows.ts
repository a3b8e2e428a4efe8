/** One function per bench; each starts what it needs, measures, and leaves nothing behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runCli, type Daemon } from '../tests/support/daemon.ts';
import { ask } from '../tests/support/gateway-client.ts';
import { startMockOpenAi, type MockOpenAi, type Pace } from '../tests/support/mock-openai.ts';
import { connected, fourPlatforms } from '../tests/e2e/proofs/channels.ts';
import { inDirectory, withGateway } from './gateway.ts';
import { installSize } from './install-size.ts';
import { jobs } from './jobs.ts';
import { anonymousMemory, cpuMs, endedChildrenCpuMs, watchMemory } from './machine.ts';
import { runSessions, type SessionsOptions, type SessionsResult } from './sessions.ts';
import { startFloor } from './start-floor.ts';
import { judged, megabytes, percentile, percentiles, type Row } from './table.ts';

export interface BenchOptions {
  idleSeconds: number;
  sessions: number;
  /** The gateway's; the floor has as much again. */
  loadMs: number;
  /** How often floor and gateway take turns within it. */
  rounds: number;
  /** Jobs in the database. */
  storedJobs: number;
  /** How many starts the start-up figures are the median of. */
  starts: number;
}

export const benches = { start, idle, hello, sessions, saturated, channels, jobs, status, install };
export type BenchName = keyof typeof benches;

const mebibyte = 2 ** 20;
/** Processor time of a turn: absolute on a machine that is quick, else as a multiple of what the floor needs beside it. */
const maxTurnCpuMs = 2;
const maxTimesFloor = 2.1;
const median = (values: readonly number[]): number => percentile(values, 0.5);
const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
const ms = (value: number, digits = 1): string => `${value.toFixed(digits)} ms`;

/** A gateway whose one model is the mock, with limits that a load driver does not run into. */
function withModel<T>(pace: Partial<Pace>, work: (daemon: Daemon, mock: MockOpenAi) => Promise<T>): Promise<T> {
  return inDirectory(async (dir) => {
    const mock = await startMockOpenAi(pace);
    const config = `
[server.limits]
requests_per_second = 100000
connections = 2000
[providers]
default = "mock/mock-1"
[providers.mock]
api = "openai-chat"
base_url = "${mock.baseUrl}"
api_key = "bench-key-of-the-mock"
model = "mock-1"
max_concurrency = 500
[logging]
level = "warn"
`;
    try {
      return await withGateway({ dir, config }, (daemon) => work(daemon, mock));
    } finally {
      await mock.close();
    }
  });
}

/** exec → /ready 200: the data directory exists and the file cache is warm, as at every start but the first. */
function start({ starts }: BenchOptions): Promise<Row[]> {
  return inDirectory(async (dir) => {
    const wall: number[] = [];
    const cpu: number[] = [];
    for (let n = 0; n <= starts; n++) {
      await withGateway({ dir }, (daemon) => {
        // The first start creates the store and fills the caches.
        if (n > 0) {
          wall.push(daemon.readyMs);
          cpu.push(cpuMs(daemon.pid));
        }
        return Promise.resolve();
      });
    }
    const wallMs = median(wall);
    const cpuUsedMs = median(cpu);
    const of = `median of ${starts}`;
    return [
      judged('exec → /ready', 'timing', `${ms(wallMs, 0)}, ${of}`, {
        name: 'wallMs',
        value: wallMs,
        limit: 300,
        budget: '≤ 300 ms on a quiet core',
      }),
      judged('exec → /ready, CPU', 'cpu', `${ms(cpuUsedMs, 0)}, ${of}`, {
        name: 'cpuMs',
        value: cpuUsedMs,
        limit: 400,
        budget: '≤ 400 ms',
      }),
    ];
  });
}

function idle({ idleSeconds }: BenchOptions): Promise<Row[]> {
  return inDirectory((dir) =>
    withGateway({ dir }, async (daemon) => {
      await sleep(idleSeconds * 1000);
      const bytes = anonymousMemory(daemon.pid);
      const budget = { name: 'bytes', value: bytes, limit: 35 * mebibyte, budget: '≤ 35 MB' };
      return [judged(`idle memory after ${idleSeconds} s (RssAnon)`, 'memory', megabytes(bytes), budget)];
    }),
  );
}

/** What Telegram, Discord and Slack cost when they are connected, over the same gateway without them. */
function channels({ idleSeconds }: BenchOptions): Promise<Row[]> {
  const restMs = Math.min(idleSeconds, 15) * 1000;
  const measured = (config: string, count: number): Promise<number> =>
    inDirectory((dir) =>
      withGateway({ dir, config }, async (daemon) => {
        await connected(daemon, count);
        await sleep(restMs);
        return anonymousMemory(daemon.pid);
      }),
    );
  return (async () => {
    const platforms = await fourPlatforms();
    const three = platforms.filter(({ name }) => name !== 'matrix');
    try {
      const without = await measured('', 0);
      const withThree = await measured(three.map(({ config }) => config).join(''), three.length);
      const cost = withThree - without;
      const budget = { name: 'bytes', value: cost, limit: 40 * mebibyte, budget: '≤ +40 MB' };
      return [judged('three channels connected (RssAnon)', 'memory', `+${megabytes(cost)}`, budget)];
    } finally {
      await Promise.all(platforms.map(({ counterpart }) => counterpart.close()));
    }
  })();
}

/** What a model is sent for a bare "hello", counted as a quarter of the bytes of its messages and tools as JSON. */
function hello(): Promise<Row[]> {
  return withModel({}, async (daemon, mock) => {
    await ask({ url: daemon.url, token: daemon.token() }, 'POST', '/api/v1/chat', { text: 'hello' });
    const body = JSON.parse((await mock.report()).lastBody) as { messages: unknown; tools?: unknown };
    const text = JSON.stringify(body.messages) + (body.tools === undefined ? '' : JSON.stringify(body.tools));
    const tokens = Math.ceil(Buffer.byteLength(text) / 4);
    const budget = { name: 'tokens', value: tokens, limit: 700, budget: '≤ 700' };
    return [judged('tokens sent for "hello" (bytes ÷ 4)', 'size', String(tokens), budget)];
  });
}

/**
 * Sessions that stream at the pace of a quick model: 100 ms to the first delta, 20 deltas, 20 ms apart. The floor and
 * the gateway take turns under the same load, so that what the machine does to one it does to the other.
 */
function sessions(options: BenchOptions): Promise<Row[]> {
  return withModel({ ttftMs: 100, deltas: 20, gapMs: 20, stamps: true }, (daemon, mock) =>
    inDirectory(async (dir) => {
      const floor = await startFloor(mock.baseUrl, dir);
      const target = { url: daemon.url, token: daemon.token() };
      const memory = watchMemory(daemon.pid);
      const load = { sessions: options.sessions, forMs: options.loadMs / options.rounds, spreadMs: 500 };
      const floorRounds: Round[] = [];
      const rounds: Round[] = [];
      try {
        for (let n = 0; n < options.rounds; n++) {
          const ofFloor = async (): Promise<unknown> =>
            floorRounds.push(await round(floor.pid, { ...load, url: floor.url, token: 'none' }));
          const ofGateway = async (): Promise<unknown> => rounds.push(await round(daemon.pid, { ...load, ...target }));
          for (const one of n % 2 === 0 ? [ofFloor, ofGateway] : [ofGateway, ofFloor]) await one();
        }
      } finally {
        await floor.stop();
      }
      const peak = memory.stop();
      const status = await ask<{ eventLoopDelayMs?: { p99: number } }>(target, 'GET', '/api/v1/status');
      const loopP99 = status.body.eventLoopDelayMs?.p99 ?? Number.NaN;
      // In the first third code is compiled, which a start costs and not a turn.
      const warm = Math.floor(options.rounds / 3);
      const cpuOf = (each: readonly Round[]): number[] => each.slice(warm).map(({ cpuPerTurn }) => cpuPerTurn);
      const [ours, floors] = [cpuOf(rounds), cpuOf(floorRounds)];
      const [cpu, floorCpu] = [median(ours), median(floors)];
      // Of what was measured next to each other, as a machine is quick at one minute and slow at the next.
      const timesFloor = median(ours.map((each, n) => each / (floors[n] ?? Number.NaN)));
      const added = percentiles(rounds.flatMap((each) => each.added));
      const floorAdded = percentiles(floorRounds.flatMap((each) => each.added));
      const delta = percentiles(rounds.flatMap((each) => each.delta));
      const ack = percentiles(rounds.flatMap((each) => each.ack));
      const three = ({ p50, p95, p99 }: typeof added): string => `${ms(p50)} / ${ms(p95)} / ${ms(p99)}`;
      const who = `${options.sessions} sessions`;
      const late = Math.max(added.p50 / 5, added.p95 / 20, added.p99 / 50);
      return [
        judged(`${who} streaming, peak (RssAnon)`, 'memory', megabytes(peak), {
          name: 'bytes',
          value: peak,
          limit: 50 * mebibyte,
          budget: '≤ 50 MB',
        }),
        judged(
          `${who}, latency added to a turn p50/p95/p99`,
          'timing',
          three(added),
          { name: 'worstShareOfBudget', value: late, limit: 1, budget: '≤ 5 / 20 / 50 ms' },
          { p50Ms: added.p50, p95Ms: added.p95, p99Ms: added.p99 },
        ),
        shown(`${who}, the same of the floor`, three(floorAdded), { p50Ms: floorAdded.p50, p99Ms: floorAdded.p99 }),
        shown(`${who}, latency of a delta p50/p95/p99`, three(delta), { p50Ms: delta.p50, p99Ms: delta.p99 }),
        shown(`${who}, send → ack (fsynced) p50/p95/p99`, three(ack), { p50Ms: ack.p50, p99Ms: ack.p99 }),
        judged(
          `${who}, CPU per 20-delta turn`,
          'cpu',
          `${ms(cpu, 2)}; the floor ${ms(floorCpu, 2)}, × ${timesFloor.toFixed(2)}`,
          {
            name: 'shareOfBudget',
            value: Math.min(cpu / maxTurnCpuMs, timesFloor / maxTimesFloor),
            limit: 1,
            budget: `≤ ${maxTurnCpuMs} ms or × ${maxTimesFloor}`,
          },
          { cpuMs: cpu, floorCpuMs: floorCpu, timesFloor },
        ),
        judged(`${who}, event-loop delay p99`, 'timing', ms(loopP99), {
          name: 'p99Ms',
          value: loopP99,
          limit: 20,
          budget: '≤ 20 ms',
        }),
        ...throughput(who, {
          turns: sum(rounds.map(({ turns }) => turns)),
          failed: sum(rounds.map(({ failed }) => failed)),
          elapsedMs: sum(rounds.map(({ elapsedMs }) => elapsedMs)),
        }),
      ];
    }),
  );
}

type Round = SessionsResult & { cpuPerTurn: number };

/** One load on a process; its processor time counts from the moment when every session is warm. */
async function round(pid: number, load: SessionsOptions): Promise<Round> {
  let cpuBefore = 0;
  const result = await runSessions(load, () => (cpuBefore = cpuMs(pid)));
  return { ...result, cpuPerTurn: (cpuMs(pid) - cpuBefore) / result.turns };
}

/** The same sessions against a model that answers at once: what the gateway can carry when nothing waits. */
function saturated(options: BenchOptions): Promise<Row[]> {
  return withModel({ ttftMs: 0, deltas: 20, gapMs: 0 }, async (daemon) => {
    const target = { url: daemon.url, token: daemon.token() };
    const memory = watchMemory(daemon.pid);
    const load = { ...target, sessions: options.sessions, forMs: options.loadMs / 6, spreadMs: 0 };
    const result = await round(daemon.pid, load);
    const { cpuPerTurn } = result;
    const who = `${options.sessions} sessions, saturated`;
    return [
      ...throughput(who, result),
      shown(`${who}, CPU per turn`, ms(cpuPerTurn, 2), { cpuMs: cpuPerTurn }),
      shown(`${who}, peak (RssAnon)`, megabytes(memory.stop()), {}),
    ];
  });
}

function throughput(who: string, result: { turns: number; failed: number; elapsedMs: number }): Row[] {
  const perSecond = (result.turns / result.elapsedMs) * 1000;
  const row = shown(`${who}, turns a second`, `${perSecond.toFixed(0)} (${result.failed} failed)`, {
    perSecond,
    failed: result.failed,
  });
  return [result.failed > 0 ? { ...row, verdict: 'over', budget: '0 failed' } : row];
}

const shown = (what: string, measured: string, figures: Record<string, number>): Row => ({
  what,
  measured,
  budget: '',
  verdict: 'shown',
  figures,
});

/** `open-clanker status` against a running gateway. */
function status({ starts }: BenchOptions): Promise<Row[]> {
  return inDirectory((dir) =>
    withGateway({ dir }, async (daemon) => {
      const env = { OPEN_CLANKER_URL: daemon.url };
      await runCli({ dir, env }, 'status');
      const wall: number[] = [];
      const cpuBefore = endedChildrenCpuMs();
      for (let n = 0; n < starts; n++) {
        const begun = performance.now();
        const { code, stderr } = await runCli({ dir, env }, 'status');
        wall.push(performance.now() - begun);
        if (code !== 0) throw new Error(`open-clanker status ended with ${code}: ${stderr}`);
      }
      const cpuUsedMs = (endedChildrenCpuMs() - cpuBefore) / starts;
      const budget = { name: 'wallMs', value: median(wall), limit: 250, budget: '≤ 250 ms' };
      return [
        judged('open-clanker status', 'timing', `${ms(median(wall), 0)}, median of ${starts}`, budget, {
          cpuMs: cpuUsedMs,
        }),
        shown('open-clanker status, CPU', ms(cpuUsedMs, 0), { cpuMs: cpuUsedMs }),
      ];
    }),
  );
}

function install(): Promise<Row[]> {
  const { packages, bytes, scripts } = installSize();
  return Promise.resolve([
    judged('production install, size', 'size', megabytes(bytes), {
      name: 'bytes',
      value: bytes,
      limit: 30 * mebibyte,
      budget: '≤ 30 MB',
    }),
    judged('production install, packages', 'size', String(packages), {
      name: 'packages',
      value: packages,
      limit: 10,
      budget: '≤ 10',
    }),
    judged('production install, install scripts', 'size', scripts === 0 ? 'none' : String(scripts), {
      name: 'scripts',
      value: scripts,
      limit: 0,
      budget: 'none',
    }),
  ]);
}
