import type { GatewayStatus, McpServerStatus, Readiness, RefusedSender } from '../../core/ports/gateway.ts';
import type { StoreCounts } from '../../core/ports/overview-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log, Metrics } from '../../core/ports/system.ts';
import { allowLine, refusal, type AccessPolicy } from '../access/authorize.ts';
import type { Directory } from '../access/directory.ts';
import type { ChannelManager } from '../channels/manager.ts';
import type { ModelCaller } from '../models/caller.ts';

const refreshEveryMs = 15_000;
/** A scrape counts anew what is older, and waits for it no longer than this. */
const freshMs = 1000;
const maxRefreshWaitMs = 250;
const maxRefusedShown = 20;
const maxWaitingCounted = 1000;
const nothingScheduled: Omit<GatewayStatus['schedule'], 'enabled'> = {
  jobs: 0,
  nextDueAt: null,
  queued: 0,
  running: 0,
  failed: 0,
};
const noCounts: StoreCounts = {
  inboxQueued: 0,
  inboxRunning: 0,
  outboxPending: 0,
  dead: 0,
  uncertain: 0,
  sessions: 0,
  people: 0,
  messagesToday: 0,
  activePeopleToday: 0,
  activeChannelsToday: 0,
};

export interface StatusDeps {
  version: string;
  store: Store;
  storeHealth: () => { open: boolean; detail: string };
  /** Seconds, over the last minute or two. */
  eventLoopDelay: () => { p50: number; p99: number; max: number };
  clock: Clock;
  log: Log;
  metrics: Metrics;
  channels: ChannelManager;
  models: ModelCaller;
  /** The MCP servers and how they fare. */
  mcp: () => McpServerStatus[];
  /** Which model answers by default, and why that one. */
  model: () => { name: string; source: string };
  configError: () => string | null;
  /** Whether jobs run. */
  schedulerEnabled: () => boolean;
  /** What further parts have to say, one sentence each. */
  warnings?: () => readonly string[];
  policy: (channel: string, account: string) => AccessPolicy;
  directory: Pick<Directory, 'find'>;
}

/** What runs, how it fares, and what a person should do about it. */
export class Status {
  readonly #deps: StatusDeps;
  readonly #startedAt: number;
  readonly #startedMonotonic: number;
  #counts = noCounts;
  #schedule = nothingScheduled;
  #countedAt = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | null = null;
  #damage: string[] = [];

  constructor(deps: StatusDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'status' }) };
    this.#startedAt = deps.clock.now();
    this.#startedMonotonic = deps.clock.monotonic();
    this.#register(deps.metrics);
  }

  /** Keeps the slow figures fresh and checks the database once, after the gateway is ready. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#deps;
    store.quickCheck().then(
      (found) => {
        this.#damage = found;
        if (found.length > 0) log.error('the database is damaged; restore a backup', { found: found.slice(0, 5) });
      },
      (error: unknown) => log.warn('the database could not be checked', { error }),
    );
    while (!signal.aborted) {
      await this.#count().catch((error: unknown) => log.warn('figures could not be read', { error }));
      await clock.sleep(refreshEveryMs, signal).catch(() => undefined);
    }
  }

  async status(): Promise<GatewayStatus> {
    const { version, clock, channels, models, model, configError } = this.#deps;
    await this.#count();
    const memory = process.memoryUsage();
    const counts = this.#counts;
    return {
      version,
      pid: process.pid,
      startedAt: this.#startedAt,
      uptimeMs: Math.round(clock.monotonic() - this.#startedMonotonic),
      model: model(),
      channels: channels.status(),
      providers: models.status(),
      mcp: this.#deps.mcp(),
      queues: {
        inbox: counts.inboxQueued,
        running: counts.inboxRunning,
        outbox: counts.outboxPending,
        uncertain: counts.uncertain,
        dead: counts.dead,
      },
      sessions: counts.sessions,
      schedule: { enabled: this.#deps.schedulerEnabled(), ...this.#schedule },
      memory: { rssBytes: memory.rss, heapBytes: memory.heapUsed },
      eventLoopDelayMs: inMs(this.#deps.eventLoopDelay()),
      refused: await this.#refused(),
      waiting: (await this.#deps.store.openRequests(clock.now(), maxWaitingCounted)).length,
      configError: configError(),
      warnings: this.#warnings(`the one before is in force: ${configError()}`),
    };
  }

  async readiness(): Promise<Readiness> {
    const { clock, channels, models, storeHealth } = this.#deps;
    const providers = models.status();
    const failing: Readiness['failing'] = [];
    if (!storeHealth().open) failing.push('store');
    if (!providers.some(({ state }) => state !== 'down')) failing.push('providers');
    return {
      ready: failing.length === 0,
      failing,
      // Not what stands in the configuration: anybody may read this.
      warnings: this.#warnings('the one before is in force'),
      uptimeMs: Math.round(clock.monotonic() - this.#startedMonotonic),
      channels: channels.status(),
      providers,
    };
  }

  /** `rejected`: what is said of a configuration that was. */
  #warnings(rejected: string): string[] {
    const { storeHealth, channels, model, configError } = this.#deps;
    const warnings: string[] = [];
    const { name, source } = model();
    if (name.startsWith('demo/'))
      warnings.push(
        `The demo model answers (${source}); connect a real one with OPENAI_API_KEY, ANTHROPIC_API_KEY, Ollama or the configuration.`,
      );
    for (const { id, health } of channels.status()) {
      if (health.state === 'degraded' || health.state === 'fatal') warnings.push(`${id}: ${health.detail}`);
    }
    // Not why: anybody may read this, and the reason may be the server's own words or hold a path.
    for (const { name, state } of this.#deps.mcp()) {
      if (state === 'waiting') warnings.push(`MCP server ${name} is not there.`);
    }
    if (this.#damage.length > 0)
      warnings.push(`The database is damaged: ${this.#damage[0]}. Stop the gateway and restore a backup.`);
    const store = storeHealth();
    if (!store.open) warnings.push(`The store does not work: ${store.detail}`);
    if (configError() !== null) warnings.push(`The last configuration was rejected and ${rejected}`);
    warnings.push(...(this.#deps.warnings?.() ?? []));
    return warnings;
  }

  async #refused(): Promise<RefusedSender[]> {
    const rows = await this.#deps.store.refusedSenders(maxRefusedShown);
    const refused: RefusedSender[] = [];
    for (const { channel, account, sender, display, conversation, chatType, parents, count, lastAt } of rows) {
      const policy = this.#deps.policy(channel, account);
      const known = await this.#deps.directory.find({ channel, account, native: sender });
      const reason = refusal(policy, { sender, conversation, chatType, parents }, known);
      // Let in since then, or turned away for another reason than the lists.
      if (reason === null) continue;
      const line = allowLine(policy, { channel, account, sender, conversation, reason });
      const id = `${channel}:${account}`;
      refused.push({ channel: id, sender, display, conversation, count, lastAt, allowLine: line });
    }
    return refused;
  }

  /** A store that hangs must not take the figures away that would tell of it. */
  async refreshFigures(): Promise<void> {
    const { clock } = this.#deps;
    if (clock.monotonic() - this.#countedAt < freshMs) return;
    const enough = new AbortController();
    this.#counting ??= this.#count().finally(() => {
      this.#counting = null;
    });
    const late = clock.sleep(maxRefreshWaitMs, enough.signal);
    await Promise.race([this.#counting, late]).catch(() => undefined);
    enough.abort(new Error('counted'));
    await late.catch(() => undefined);
  }

  async #count(): Promise<void> {
    const { store, clock } = this.#deps;
    const day = new Date(clock.now());
    day.setHours(0, 0, 0, 0);
    const [counts, tasks, nextDueAt] = await Promise.all([
      store.counts(day.getTime()),
      store.taskCounts(),
      store.nextDue(),
    ]);
    this.#counts = counts;
    this.#schedule = { ...tasks, nextDueAt };
    this.#countedAt = clock.monotonic();
  }

  #register(metrics: Metrics): void {
    const { version, models } = this.#deps;
    metrics.observe('build_info', 'Always 1; the label is the version that runs.', () => [[{ version }, 1]]);
    metrics.observe('provider_up', 'Whether a provider is usable (1) or known to be down (0), by provider.', () =>
      models.status().map(({ id, state }) => [{ provider: id }, state === 'down' ? 0 : 1]),
    );
    const gauge = (name: string, help: string, read: () => number): void => metrics.observe(name, help, read);
    gauge('inbox_queued', 'Messages waiting for a run.', () => this.#counts.inboxQueued);
    gauge('outbox_pending', 'Outbox rows not yet settled.', () => this.#counts.outboxPending);
    gauge('outbox_uncertain', 'Messages of which nobody knows whether they arrived.', () => this.#counts.uncertain);
    gauge('dead_letters', 'Dead letters waiting for a person.', () => this.#counts.dead);
    gauge('sessions', 'Stored sessions.', () => this.#counts.sessions);
    gauge('jobs', "Jobs that are not over, the gateway's own among them.", () => this.#schedule.jobs);
    gauge('tasks_queued', 'Tasks that wait to begin.', () => this.#schedule.queued);
    gauge(
      'tasks_failed',
      'Tasks that failed for good and that nobody retried or cleared.',
      () => this.#schedule.failed,
    );
    gauge('messages_today', 'Messages received since local midnight.', () => this.#counts.messagesToday);
    gauge('active_people_today', 'People who wrote since local midnight.', () => this.#counts.activePeopleToday);
    gauge(
      'active_channels_today',
      'Kinds of channels, `api` among them, on which somebody wrote since local midnight.',
      () => this.#counts.activeChannelsToday,
    );
    gauge(
      'uptime_seconds',
      'Seconds since the gateway started.',
      () => (this.#deps.clock.monotonic() - this.#startedMonotonic) / 1000,
    );
  }
}

const inMs = ({ p50, p99, max }: { p50: number; p99: number; max: number }): GatewayStatus['eventLoopDelayMs'] => ({
  p50: Math.round(p50 * 1e6) / 1e3,
  p99: Math.round(p99 * 1e6) / 1e3,
  max: Math.round(max * 1e6) / 1e3,
});
