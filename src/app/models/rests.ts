import {
  admission,
  afterFailure,
  isCredentialRest,
  noCooldown,
  rest,
  restAfter,
  type Cooldown,
} from '../../core/cooldown.ts';
import type { ProviderError, ProviderErrorKind } from '../../core/ports/provider.ts';
import type { CooldownRow } from '../../core/ports/cooldown-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { isTransient } from '../../core/retry.ts';

/** Model names come from clients, so the states of all candidates are bounded; the oldest go first. */
const maxStates = 500;
/** Stands for every model of a provider: a refused credential concerns them all. */
const everyModel = '*';
/** Kinds that a restart forgets: it is how an operator makes a mended key count. */
const forgottenAtStart: readonly string[] = ['auth', 'permission'];

/** One (provider, model) and whether it may be asked now. */
export interface Standing {
  /** `asked`: another call is probing it right now. */
  state: 'open' | 'resting' | 'probe' | 'asked';
  /** The rest is only one of its credential: it gives way to others but may be asked when there are none. */
  yielding: boolean;
  /** Milliseconds until the rest is over; 0 when it does not rest. */
  restMs: number;
  kind: ProviderErrorKind;
}

/** What nothing is held against. */
const open: Standing = { state: 'open', yielding: false, restMs: 0, kind: noCooldown.kind };

/** The right to be the one call that tries whether a candidate is back. */
export interface Probe {
  done(): void;
}

/**
 * Which candidates rest, since when and why: the memory of core/cooldown.ts, kept over restarts by the store. Writing
 * it never delays a call.
 */
export class Rests {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #store: Pick<Store, 'cooldowns' | 'saveCooldown' | 'clearCooldown'>;
  readonly #states = new Map<string, Cooldown>();
  readonly #probes = new Map<string, { over: Promise<void>; done: () => void }>();

  constructor(clock: Clock, log: Log, store: Pick<Store, 'cooldowns' | 'saveCooldown' | 'clearCooldown'>) {
    this.#clock = clock;
    this.#log = log;
    this.#store = store;
  }

  async load(): Promise<void> {
    for (const row of (await this.#store.cooldowns()).slice(0, maxStates)) {
      if (forgottenAtStart.includes(row.kind)) {
        this.#persist(this.#store.clearCooldown(row.provider, row.model));
        continue;
      }
      const until = this.#clock.monotonic() + (row.until - this.#clock.now());
      const kind = row.kind as ProviderErrorKind;
      this.#states.set(keyOf(row.provider, row.model), { until, kind, failures: row.failures, recent: [] });
    }
  }

  standing(provider: string, model: string): Standing {
    if (this.#states.size === 0) return open;
    const now = this.#clock.monotonic();
    const own = this.#state(provider, model);
    const shared = this.#state(provider, everyModel);
    const resting = [own, shared].filter((cooldown) => admission(cooldown, now) === 'resting');
    const [reason] = resting.toSorted((a, b) => (b.until ?? 0) - (a.until ?? 0));
    if (reason !== undefined) {
      const yielding = resting.every((cooldown) => isCredentialRest(cooldown.kind));
      return { state: 'resting', yielding, restMs: Math.max(0, (reason.until ?? 0) - now), kind: reason.kind };
    }
    const probe = this.#probeKey(provider, model);
    const state = probe === null ? 'open' : this.#probes.has(probe) ? 'asked' : 'probe';
    return { state, yielding: false, restMs: 0, kind: own.kind };
  }

  /** Takes the probe of a candidate whose standing is `probe`; `done` must be called whatever comes of it. */
  probe(provider: string, model: string): Probe {
    const key = this.#probeKey(provider, model) ?? keyOf(provider, model);
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => {
      if (this.#probes.get(key)?.over === promise) this.#probes.delete(key);
      resolve();
    };
    this.#probes.set(key, { over: promise, done });
    return { done };
  }

  /** Resolves when the probe that goes on for a candidate is over. */
  async probed(provider: string, model: string): Promise<void> {
    const key = this.#probeKey(provider, model);
    if (key !== null) await this.#probes.get(key)?.over;
  }

  /**
   * A real answer: whatever was held against the candidate is gone, but for a rest that began while this call was under
   * way (it proves nothing about what the provider asked for since).
   */
  succeeded(provider: string, model: string): void {
    this.#clear(provider, everyModel);
    if (admission(this.#state(provider, model), this.#clock.monotonic()) !== 'resting') this.#clear(provider, model);
  }

  /**
   * A real failure. `waited`: the call goes on after the hinted wait; `gaveUp`: it will not ask this candidate again,
   * which is what the breaker counts, so that retries of one call are not taken for an outage.
   */
  failed(
    provider: string,
    model: string,
    error: ProviderError,
    { waited, gaveUp }: { waited: boolean; gaveUp: boolean },
  ): void {
    // People stop calls, and runs have deadlines; neither says anything about the provider.
    if (error.kind === 'aborted' || error.kind === 'deadline') return;
    const now = this.#clock.monotonic();
    const imposed = restAfter(error, waited);
    if (imposed !== null) {
      const scope = isCredentialRest(imposed.kind) ? everyModel : model;
      const before = this.#state(provider, scope);
      this.#set(provider, scope, before, rest(before, imposed.kind, imposed.ms, now));
      return;
    }
    if (!isTransient(error.kind)) {
      // It answered, only not to our liking: it is up.
      this.succeeded(provider, model);
      return;
    }
    const before = this.#state(provider, model);
    const probing = this.#probeKey(provider, model) !== null;
    if (gaveUp || probing) this.#set(provider, model, before, afterFailure(before, error, now));
  }

  /** The provider was configured anew: what was held against it may be mended. */
  forget(provider: string): void {
    for (const key of this.#states.keys()) {
      const [of, model] = splitKey(key);
      if (of === provider) this.#clear(provider, model);
    }
  }

  #state(provider: string, model: string): Cooldown {
    return this.#states.get(keyOf(provider, model)) ?? noCooldown;
  }

  /** The state whose rest is over without a success since, or null. */
  #probeKey(provider: string, model: string): string | null {
    const now = this.#clock.monotonic();
    const key = [everyModel, model].find((scope) => admission(this.#state(provider, scope), now) === 'probe');
    return key === undefined ? null : keyOf(provider, key);
  }

  #set(provider: string, model: string, before: Cooldown, after: Cooldown): void {
    if (after === before) return;
    const key = keyOf(provider, model);
    this.#states.delete(key);
    this.#states.set(key, after);
    const [oldest] = this.#states.keys();
    if (this.#states.size > maxStates && oldest !== undefined) this.#clear(...splitKey(oldest));
    if (after.until === null || after.until === before.until) return;
    const restMs = after.until - this.#clock.monotonic();
    this.#log.warn('a model rests', { provider, model, kind: after.kind, rest_ms: Math.round(restMs) });
    const row: CooldownRow = {
      provider,
      model,
      until: Math.round(this.#clock.now() + restMs),
      kind: after.kind,
      failures: after.failures,
    };
    this.#persist(this.#store.saveCooldown(row));
  }

  #clear(provider: string, model: string): void {
    const key = keyOf(provider, model);
    const state = this.#states.get(key);
    if (state === undefined) return;
    this.#states.delete(key);
    if (state.until !== null) this.#persist(this.#store.clearCooldown(provider, model));
  }

  #persist(write: Promise<void>): void {
    write.catch((error: unknown) => this.#log.error('a cooldown could not be stored', { error }));
  }
}

/** Provider names hold no `/`. */
const keyOf = (provider: string, model: string): string => `${provider}/${model}`;

function splitKey(key: string): [provider: string, model: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}
