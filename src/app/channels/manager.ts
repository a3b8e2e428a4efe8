import { ClankerError, notFound } from '../../core/errors.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type {
  Channel,
  ChannelCapabilities,
  ChannelHealth,
  HookRequest,
  HookResponse,
} from '../../core/ports/channel.ts';
import type { ChannelStatus } from '../../core/ports/gateway.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log, Metrics } from '../../core/ports/system.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { StreamMode } from '../delivery/reply-stream.ts';
import type { ReplyLimits } from '../runs/reply-plan.ts';
import type { Ingress } from '../ingress/ingress.ts';
import { inTurn } from '../lifecycle/in-turn.ts';

const stopDeadlineMs = 3000;
const watchEveryMs = 1000;
/** An account that could not be started is tried again this often: the reason may have been the store or the disk. */
const retryEveryMs = 30_000;
/** What a platform is told to wait before it delivers again to an account that does not run. */
const hookRetryMs = 10_000;
const webhookType = 'webhook';
/** Used while a channel that once existed is not configured any more. */
const plainLimits = { maxLength: 2000, maxSpans: 50 };

/** One account as configured; `fingerprint` tells whether a reload changed it. */
export interface ChannelPlan {
  id: string;
  fingerprint: string;
  /** Whether a reply shows while it is written, and in which way. */
  stream: StreamMode;
  /** Loads the adapter and builds the channel; only called when it is to run. */
  create: () => Promise<Channel>;
}

interface Running {
  plan: ChannelPlan;
  channel: Channel;
  stop: AbortController;
}

/**
 * The channel accounts of the configuration: built, started, paused and replaced one by one. A channel that cannot be
 * built or breaks is shown as such and never takes anything else down.
 */
export class ChannelManager {
  readonly #deps: { store: Store; bus: Bus; clock: Clock; log: Log; ingress: Ingress; delivery: Delivery };
  readonly #plans = new Map<string, ChannelPlan>();
  readonly #running = new Map<string, Running>();
  readonly #failed = new Map<string, string>();
  /** Of the accounts that have run; those that are not configured any more are forgotten. */
  readonly #capabilities = new Map<string, ChannelCapabilities>();
  readonly #paused = new Set<string>();
  readonly #stop = new AbortController();
  /** False until the accounts are known for the first time. */
  #configured = false;
  /** Accounts are begun and ended one after the other, so that none ever runs twice. */
  readonly #inTurn = inTurn();

  constructor(deps: {
    store: Store;
    bus: Bus;
    clock: Clock;
    log: Log;
    metrics: Metrics;
    ingress: Ingress;
    delivery: Delivery;
  }) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'channels' }) };
    deps.metrics.observe('channels', 'Channel accounts, by state.', () => {
      const states = new Map<string, number>();
      for (const { health } of this.status()) states.set(health.state, (states.get(health.state) ?? 0) + 1);
      return [...states].map(([state, count]) => [{ state }, count]);
    });
    deps.metrics.observe('channel_connected', 'Whether a channel account receives (1) or not (0), by account.', () =>
      this.status().map(({ id, health }) => [{ channel: id }, health.state === 'connected' ? 1 : 0]),
    );
  }

  /** They are known from now on, and begin later: who asks for one of them hears that it does not run yet, not that there is none. */
  expect(plans: readonly ChannelPlan[]): void {
    for (const plan of plans) this.#plans.set(plan.id, plan);
  }

  /** Makes the running accounts those of the plans: what did not change keeps running untouched. */
  configure(plans: ChannelPlan[]): Promise<void> {
    return this.#inTurn(() => this.#configure(plans));
  }

  async #configure(plans: ChannelPlan[]): Promise<void> {
    const wanted = new Map(plans.map((plan) => [plan.id, plan]));
    for (const [id, { plan }] of this.#running) {
      if (wanted.get(id)?.fingerprint !== plan.fingerprint) await this.#halt(id);
    }
    this.#plans.clear();
    this.#failed.clear();
    for (const plan of plans) this.#plans.set(plan.id, plan);
    for (const id of this.#capabilities.keys()) if (!wanted.has(id)) this.#capabilities.delete(id);
    this.#configured = true;
    for (const plan of plans) {
      const running = this.#running.get(plan.id);
      if (running !== undefined) running.plan = plan;
      else if (!this.#paused.has(plan.id)) await this.#begin(plan);
    }
  }

  /** Publishes every change of an account's state and tries again what could not be started; ends with the manager. */
  async watch(): Promise<void> {
    const { clock } = this.#deps;
    const told = new Map<string, string>();
    let triedAt = clock.monotonic();
    while (!this.#stop.signal.aborted) {
      this.#tellChanges(told);
      if (clock.monotonic() - triedAt >= retryEveryMs) {
        triedAt = clock.monotonic();
        await this.#inTurn(() => this.#retryFailed());
      }
      await clock.sleep(watchEveryMs, this.#stop.signal).catch(() => undefined);
    }
  }

  #tellChanges(told: Map<string, string>): void {
    const { bus, log } = this.#deps;
    for (const id of told.keys()) {
      if (this.#plans.has(id)) continue;
      told.delete(id);
      log.info(`${id} is not configured any more`, { channel: id });
    }
    for (const { id, health } of this.status()) {
      const { state, detail } = health;
      const now = `${state} ${detail}`;
      if (now === (told.get(id) ?? 'starting ')) continue;
      told.set(id, now);
      const level = state === 'fatal' ? 'error' : state === 'degraded' ? 'warn' : 'info';
      log[level](`${id} is ${state}`, { channel: id, state, ...(detail === '' ? {} : { detail }) });
      bus.publish({ type: 'channel.state', channel: id, state, detail });
    }
  }

  async #retryFailed(): Promise<void> {
    for (const id of this.#failed.keys()) {
      const plan = this.#plans.get(id);
      if (plan !== undefined && !this.#paused.has(id)) await this.#begin(plan);
    }
  }

  get(id: string): Channel | null {
    return this.#running.get(id)?.channel ?? null;
  }

  /** The account a person means by `telegram` or `telegram:main`. */
  resolve(name: string): Channel {
    const id = name.includes(':') ? name : `${name}:main`;
    const channel = this.get(id);
    if (channel !== null) return channel;
    if (!this.#plans.has(id)) throw notFound(`channel "${name}"`);
    throw new ClankerError(
      'channel',
      'channel_stopped',
      `The channel ${id} is not running; see \`open-clanker status\`.`,
      { retryable: true },
    );
  }

  /** Hands a request to the account it is for; null when none takes hooks under this name. */
  async hook(name: string, request: HookRequest): Promise<HookResponse | null> {
    // `orders` is the webhook channel of that name, `slack/main` an account of a platform.
    const [type = '', account] = name.split('/');
    if (account !== undefined && type === webhookType) return null;
    const id = account === undefined ? `${webhookType}:${type}` : `${type}:${account}`;
    const running = this.#running.get(id);
    if (running !== undefined) return (await running.channel.hook?.(request, running.stop.signal)) ?? null;
    if (this.#configured && !this.#plans.has(id)) return null;
    throw new ClankerError('channel', 'unavailable', 'The channel does not run now; send it again later.', {
      retryable: true,
      retryAfterMs: hookRetryMs,
    });
  }

  limits(channel: string, account: string): ReplyLimits {
    const id = `${channel}:${account}`;
    const running = this.#running.get(id);
    // An answer that is written while its account is paused must still be one that the account can send.
    const capabilities = running?.channel.capabilities ?? this.#capabilities.get(id);
    if (capabilities === undefined) return { text: plainLimits, stream: false };
    const { text, edit, files, correlates = false, buttons } = capabilities;
    return { text, files, stream: running !== undefined && edit.supported && running.plan.stream, correlates, buttons };
  }

  act(id: string, action: 'start' | 'stop' | 'pause' | 'resume'): Promise<ChannelStatus> {
    return this.#inTurn(() => this.#act(id, action));
  }

  async #act(id: string, action: 'start' | 'stop' | 'pause' | 'resume'): Promise<ChannelStatus> {
    const plan = this.#plans.get(id);
    if (plan === undefined) throw notFound(`channel "${id}"`);
    if (action === 'pause' || action === 'stop') {
      this.#paused.add(id);
      await this.#halt(id);
    } else {
      this.#paused.delete(id);
      if (!this.#running.has(id)) await this.#begin(plan);
    }
    const status = this.status().find((entry) => entry.id === id);
    if (status === undefined) throw notFound(`channel "${id}"`);
    return status;
  }

  status(): ChannelStatus[] {
    return [...this.#plans.keys()].map((id) => {
      const [type = '', account = ''] = id.split(':');
      return { id, type, account, paused: this.#paused.has(id), health: this.#healthOf(id) };
    });
  }

  #healthOf(id: string): ChannelHealth {
    const idle = { lastReceiveAt: null, lastEventAt: null, identity: null };
    const running = this.#running.get(id);
    const failure = this.#failed.get(id);
    if (running !== undefined) {
      try {
        return running.channel.health();
      } catch (error) {
        // A broken channel must not break what shows it.
        const words = error instanceof Error ? error.message : 'unknown error';
        return { ...idle, state: 'degraded', detail: `its health cannot be told: ${words}` };
      }
    }
    if (failure !== undefined) return { ...idle, state: 'fatal', detail: failure };
    return {
      ...idle,
      state: 'stopped',
      detail: this.#paused.has(id) ? 'Nothing comes in or goes out until it is resumed.' : 'stopped',
    };
  }

  /** Nothing comes in any more; what was answered can still go out. */
  async stopReceiving(deadlineMs: number): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ channel }) => channel.stop(deadlineMs)));
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stop.abort(new Error('stopping'));
    await Promise.all([...this.#running.keys()].map((id) => this.#halt(id, deadlineMs)));
  }

  async #begin(plan: ChannelPlan): Promise<void> {
    const { store, ingress, delivery, clock, log } = this.#deps;
    try {
      const channel = await plan.create();
      const cursors = await store.cursors(channel.type, channel.account);
      if (this.#stop.signal.aborted) return;
      const stop = new AbortController();
      this.#running.set(plan.id, { plan, channel, stop });
      this.#capabilities.set(plan.id, channel.capabilities);
      channel.start(ingress.sinkFor(channel.type, channel.account), {
        signal: stop.signal,
        cursors: new Map(cursors.map(({ key, value }) => [key, value])),
        clock,
        log: log.with({ component: plan.id }),
      });
      delivery.attach(channel, stop.signal);
      this.#failed.delete(plan.id);
    } catch (error) {
      this.#running.delete(plan.id);
      this.#failed.set(plan.id, error instanceof Error ? error.message : 'It could not be started.');
      log.error('a channel could not be started', { channel: plan.id, error });
    }
  }

  async #halt(id: string, deadlineMs = stopDeadlineMs): Promise<void> {
    const running = this.#running.get(id);
    if (running === undefined) return;
    this.#running.delete(id);
    await running.channel
      .stop(deadlineMs)
      .catch((error: unknown) => this.#deps.log.warn('a channel did not stop cleanly', { channel: id, error }));
    running.stop.abort(new Error('the channel was stopped'));
  }
}
