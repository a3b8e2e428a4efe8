/**
 * When a candidate model rests: pure transitions of one state per candidate. Three things make it rest: the provider
 * asked for a long wait, its credential was refused, or it failed again and again (a circuit breaker). Only real
 * answers of a provider change the state; a call that was skipped because of a rest never does, and a rest that has
 * begun is never prolonged by calls that were still under way.
 *
 * Times are monotonic milliseconds.
 */
import type { ProviderError, ProviderErrorKind } from './ports/provider.ts';
import { isTransient, maxWaitMs } from './retry.ts';

/** Calls that gave up within the window before the breaker opens. */
export const breakerFailures = 5;
const breakerWindowMs = 60_000;
/** How long the breaker stays open: the first time, the second, and from then on. */
const breakerRestsMs = [30_000, 60_000, 300_000] as const;
const credentialRestMs = 600_000;

export interface Cooldown {
  /** Not asked before this; null: it never rested since its last success. */
  until: number | null;
  /** Why it rests. */
  kind: ProviderErrorKind;
  /** Rests in a row without a success between. */
  failures: number;
  /** Times of the newest failures, at most `breakerFailures`. */
  recent: number[];
}

export const noCooldown: Cooldown = { until: null, kind: 'server', failures: 0, recent: [] };

/**
 * `open`: ask. `resting`: do not ask. `probe`: the rest is over but nothing succeeded since: one call may try, the
 * others wait for what it finds.
 */
export type Admission = 'open' | 'resting' | 'probe';

export function admission(cooldown: Cooldown, now: number): Admission {
  if (cooldown.until === null) return 'open';
  return now < cooldown.until ? 'resting' : 'probe';
}

const credentialKinds: readonly ProviderErrorKind[] = ['auth', 'permission', 'billing'];

/**
 * A refused credential concerns every model of its provider. Such a rest only gives way to other candidates: where
 * there is none the provider is asked all the same, so that a mended key or a paid bill works at once.
 */
export const isCredentialRest = (kind: ProviderErrorKind): boolean => credentialKinds.includes(kind);

/**
 * The rest that a failure by itself imposes, or null. An exhausted quota without a reset time is a matter of billing.
 * A hint that fits into the call is waited for there; `waited` says that it was not (too long for the call, or the
 * attempts were used up).
 */
export function restAfter(error: ProviderError, waited: boolean): { kind: ProviderErrorKind; ms: number } | null {
  const hintMs = error.retryAfterMs ?? 0;
  if (isCredentialRest(error.kind)) return { kind: error.kind, ms: Math.max(hintMs, credentialRestMs) };
  if (error.kind === 'quota_exhausted') {
    return hintMs > 0 ? { kind: error.kind, ms: hintMs } : { kind: 'billing', ms: credentialRestMs };
  }
  if (hintMs > 0 && (hintMs > maxWaitMs || !waited)) return { kind: error.kind, ms: hintMs };
  return null;
}

/** Begins a rest. One that has begun is only ever prolonged by a provider that asks for more. */
export function rest(cooldown: Cooldown, kind: ProviderErrorKind, ms: number, now: number): Cooldown {
  const until = now + ms;
  if (cooldown.until !== null && now < cooldown.until) {
    return until > cooldown.until && !isCredentialRest(kind) ? { ...cooldown, until, kind } : cooldown;
  }
  return { until, kind, failures: cooldown.failures + 1, recent: [] };
}

/**
 * Counts a call that gave up on the candidate before any output. The fifth within a minute opens the breaker; a failed
 * probe opens it at once, for longer. A provider that was answering when it broke off is not down and not counted.
 */
export function afterFailure(cooldown: Cooldown, error: ProviderError, now: number): Cooldown {
  const state = admission(cooldown, now);
  if (state === 'resting' || !isTransient(error.kind)) return cooldown;
  const recent = [...cooldown.recent, now].filter((at) => now - at < breakerWindowMs).slice(-breakerFailures);
  if (state === 'open' && (error.phase === 'mid_output' || recent.length < breakerFailures)) {
    return { ...cooldown, recent };
  }
  const restMs = breakerRestsMs[Math.min(cooldown.failures, breakerRestsMs.length - 1)] ?? breakerRestsMs[0];
  return rest({ ...cooldown, recent }, error.kind, restMs, now);
}
