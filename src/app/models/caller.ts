import { noLongerNeeded } from '../../core/abort.ts';
import { notFound } from '../../core/errors.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { ProviderStatus } from '../../core/ports/gateway.ts';
import type { ProviderError, ProviderErrorKind, ProviderHealth } from '../../core/ports/provider.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log, Metrics, Random } from '../../core/ports/system.ts';
import type { Budgets } from '../budget/budgets.ts';
import type { CallDeps } from './attempts.ts';
import { ModelCall } from './call.ts';
import {
  chainCandidates,
  namedCandidate,
  type Candidate,
  type Chain,
  type ConfiguredProvider,
  type Desk,
} from './candidates.ts';
import type { CallEnd, CallEvent, CallOptions, MakeRequest } from './events.ts';
import { wordsFor } from './failure.ts';
import { judge, unknownHealth, withCall } from './health.ts';
import { callMetrics } from './measure.ts';
import { Rests } from './rests.ts';
import { Slots } from './slots.ts';

export type { CallEnd, CallEvent, CallOptions, CallRequest, MakeRequest } from './events.ts';
export type { Candidate, Chain, ConfiguredProvider } from './candidates.ts';

export interface ModelCallerDeps {
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
  bus: Bus;
  store: Pick<Store, 'cooldowns' | 'saveCooldown' | 'clearCooldown' | 'saveAttempts'>;
  /** Asked before each request; default: nothing is limited. */
  budgets?: Budgets;
}

const probeTimeoutMs = 5000;
const maxModelsWithoutTools = 200;

/** Failures that are about the request, not about how the provider is doing. */
const notItsFault: readonly ProviderErrorKind[] = [
  'context_overflow',
  'request_too_large',
  'invalid_request',
  'content_refused',
  'tools_unsupported',
];

/**
 * Everything between a run and the providers: which model, one at a time or many, retry, fallback, rests, ledger. The
 * only way to a model.
 */
export class ModelCaller {
  readonly #deps: ModelCallerDeps;
  readonly #rests: Rests;
  readonly #callDeps: CallDeps;
  readonly #withoutTools = new Set<string>();
  #desks: ReadonlyMap<string, Desk> = new Map();
  #chain: readonly Candidate[] = [];

  constructor(deps: ModelCallerDeps) {
    const log = deps.log.with({ component: 'models' });
    this.#deps = { ...deps, log };
    this.#rests = new Rests(deps.clock, log, deps.store);
    this.#callDeps = {
      ...this.#deps,
      metrics: callMetrics(deps.metrics),
      rests: this.#rests,
      budgets: deps.budgets ?? null,
      withoutTools: {
        has: ({ name }) => this.#withoutTools.has(name),
        add: (candidate) => this.#rememberWithoutTools(candidate),
      },
      judged: (candidate, error) => this.#judged(candidate, error),
    };
    const perProvider = (read: (desk: Desk) => number): (() => [Record<string, string>, number][]) => {
      return () => [...this.#desks.values()].map((desk) => [{ provider: desk.id }, read(desk)]);
    };
    deps.metrics.observe(
      'provider_active',
      'Requests that run, by provider.',
      perProvider(({ slots }) => slots.active),
    );
    deps.metrics.observe(
      'provider_waiting',
      'Calls that wait for their turn, by provider.',
      perProvider(({ slots }) => slots.waiting),
    );
  }

  /**
   * Takes effect for calls that begin from now on; running ones keep what they have. A provider whose `provider` object
   * is the same keeps its health and rests, a new object starts afresh: its key or address may be mended. Throws
   * invalid_input, and changes nothing, when the chain names what is not there.
   */
  configure(providers: ReadonlyMap<string, ConfiguredProvider>, chain: Chain): void {
    const desks = new Map<string, Desk>();
    const renewed: string[] = [];
    for (const [id, configured] of providers) {
      const known = this.#desks.get(id);
      const same = known?.configured.provider === configured.provider;
      const slots = known?.slots ?? new Slots(id, configured.maxConcurrency);
      const { health, told } =
        same && known !== undefined ? known : { health: unknownHealth, told: 'unknown' as const };
      desks.set(id, { id, configured, slots, health, told });
      if (known !== undefined && !same) renewed.push(id);
    }
    const candidates = chainCandidates(chain, desks);
    this.#desks = desks;
    this.#chain = candidates;
    for (const { slots, configured } of desks.values()) slots.limit = configured.maxConcurrency;
    for (const id of renewed) {
      this.#rests.forget(id);
      for (const name of this.#withoutTools) if (name.startsWith(`${id}/`)) this.#withoutTools.delete(name);
    }
  }

  /** Loads the rests that were imposed before the restart. */
  async start(): Promise<void> {
    await this.#rests.load();
  }

  /**
   * Whom to ask: null for the default chain, else exactly the one that was named (`provider/model`, a provider, or its
   * default model), without fallback. Throws invalid_input `unknown_model`.
   */
  resolve(wanted: string | null): Candidate[] {
    return wanted === null ? [...this.#chain] : [namedCandidate(wanted, this.#desks)];
  }

  /**
   * Hands every event to `emit` in the moment it comes, see CallEvent for the protocol, and resolves with the one end;
   * nothing comes after it. Never rejects: an `emit` that throws fails the call.
   */
  call(make: MakeRequest, options: CallOptions, emit: (event: CallEvent) => void): Promise<CallEnd> {
    return new ModelCall(this.#callDeps, make, options, emit).run();
  }

  status(): ProviderStatus[] {
    return [...this.#desks.values()].map((desk) => this.#statusOf(desk));
  }

  /** Asks the provider itself, without tokens, at most 5 s; not while it rests. */
  async probe(providerId: string, signal: AbortSignal): Promise<ProviderHealth> {
    const desk = this.#desks.get(providerId);
    if (desk === undefined) throw notFound('provider');
    const { clock } = this.#deps;
    const standing = this.#rests.standing(desk.id, desk.configured.model);
    if (standing.state === 'resting' && !standing.yielding) {
      return { ok: false, detail: wordsFor(standing.kind, { provider: desk.id, model: desk.configured.model }) };
    }
    const over = new AbortController();
    const timer = new AbortController();
    const late = clock.sleep(probeTimeoutMs, timer.signal).then((): ProviderHealth => {
      over.abort(noLongerNeeded);
      return { ok: false, detail: wordsFor('timeout_headers', { provider: desk.id, model: desk.configured.model }) };
    });
    late.catch(() => undefined);
    try {
      const health = await Promise.race([
        desk.configured.provider.health(AbortSignal.any([signal, over.signal])),
        late,
      ]);
      desk.health = { ...desk.health, probe: health };
      this.#tell(desk);
      return health;
    } finally {
      timer.abort(noLongerNeeded);
    }
  }

  #statusOf(desk: Desk): ProviderStatus {
    const { model } = desk.configured;
    const standing = this.#rests.standing(desk.id, model);
    return {
      id: desk.id,
      dialect: desk.configured.provider.dialect,
      model,
      ...judge(desk.health, standing),
      cooldownUntil: standing.state === 'resting' ? Math.round(this.#deps.clock.now() + standing.restMs) : null,
      active: desk.slots.active,
    };
  }

  #judged(candidate: Candidate, error: ProviderError | null): void {
    if (error?.kind === 'aborted' || error?.kind === 'deadline') return;
    const { desk } = candidate;
    const ok = error === null || notItsFault.includes(error.kind);
    desk.health = withCall(desk.health, ok, ok ? '' : wordsFor(error.kind, candidate));
    this.#tell(desk);
  }

  #tell(desk: Desk): void {
    const { state, detail } = this.#statusOf(desk);
    if (state === desk.told) return;
    // The first answer of all is no news.
    const level = state !== 'up' ? 'warn' : desk.told === 'unknown' ? 'debug' : 'info';
    desk.told = state;
    this.#deps.log[level](`${desk.id} is ${state}`, { provider: desk.id, state, ...(detail === '' ? {} : { detail }) });
    this.#deps.bus.publish({ type: 'provider.state', provider: desk.id, state, detail });
  }

  #rememberWithoutTools({ name }: Candidate): void {
    if (this.#withoutTools.size >= maxModelsWithoutTools) this.#withoutTools.clear();
    this.#withoutTools.add(name);
    this.#deps.log.warn('a model cannot call tools and is asked without them', { model: name });
  }
}
