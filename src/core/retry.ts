/**
 * What to do after a failed model call: pure, so that every line of the table can be tested. Two rules stand above it:
 * once output was visible a step is never generated again, and what a provider may have accepted (and billed) is
 * repeated at most once.
 */
import type { ProviderError, ProviderErrorKind } from './ports/provider.ts';

/** Requests to one candidate model within one call. */
export const maxAttempts = 3;
/** A longer hint of a provider is not waited for: the candidate rests for all of it instead. */
export const maxWaitMs = 60_000;
const firstBackoffMs = 500;
const maxBackoffMs = 20_000;

interface Rule {
  /** Repeats on the same candidate when the provider certainly did not accept the request. */
  retries: number;
  /** Whether another candidate may answer instead. */
  failover: boolean;
}

const rules: Record<ProviderErrorKind, Rule> = {
  rate_limited: { retries: maxAttempts - 1, failover: true },
  overloaded: { retries: maxAttempts - 1, failover: true },
  network: { retries: maxAttempts - 1, failover: true },
  server: { retries: 1, failover: true },
  timeout_headers: { retries: 1, failover: true },
  timeout_first: { retries: 1, failover: true },
  timeout_idle: { retries: 1, failover: true },
  stream_incomplete: { retries: 1, failover: true },
  bad_response: { retries: 1, failover: true },
  auth: { retries: 0, failover: true },
  permission: { retries: 0, failover: true },
  billing: { retries: 0, failover: true },
  quota_exhausted: { retries: 0, failover: true },
  request_too_large: { retries: 0, failover: true },
  model_not_found: { retries: 0, failover: true },
  // The same request would be refused everywhere, or asking elsewhere would go round a refusal.
  context_overflow: { retries: 0, failover: false },
  invalid_request: { retries: 0, failover: false },
  content_refused: { retries: 0, failover: false },
  tools_unsupported: { retries: 0, failover: false },
  aborted: { retries: 0, failover: false },
  deadline: { retries: 0, failover: false },
};

export interface AttemptSituation {
  /** Failed attempts of this call on this candidate, the one at hand included. */
  failures: number;
  /** Those of them that the provider may have accepted, the one at hand included. */
  maybeAccepted: number;
  /** Something of this step was already seen outside: no second generation. */
  visible: boolean;
  /** Milliseconds until the deadline of the run or the end of the call's waiting budget, whichever comes first. */
  remainingMs: number;
  /** The request carried tools; without them it may still be answered. */
  hadTools: boolean;
  /** Uniform in [0, 1). */
  unit: number;
}

export type RetryDecision =
  | { action: 'retry'; delayMs: number; withoutTools: boolean }
  /** The next candidate, if there is one. */
  | { action: 'fallback' }
  | { action: 'fail' };

/** Full jitter under a doubling ceiling, the hint (plus up to a tenth, so that a herd spreads) as its floor. */
export function retryDelayMs(failures: number, hintMs: number, unit: number): number {
  const ceiling = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (failures - 1));
  return Math.ceil(Math.max(hintMs * (1 + unit / 10), unit * ceiling));
}

export function decideRetry(error: ProviderError, situation: AttemptSituation): RetryDecision {
  const rule = rules[error.kind];
  if (situation.visible) return { action: 'fail' };
  if (error.kind === 'tools_unsupported') {
    return situation.hadTools ? { action: 'retry', delayMs: 0, withoutTools: true } : { action: 'fail' };
  }
  if (error.mended === true && situation.failures < maxAttempts) {
    return { action: 'retry', delayMs: 0, withoutTools: false };
  }
  const giveUp: RetryDecision = { action: rule.failover ? 'fallback' : 'fail' };
  if (situation.failures > rule.retries) return giveUp;
  if (error.accepted !== 'no' && situation.maybeAccepted > 1) return giveUp;
  const hintMs = error.retryAfterMs ?? 0;
  if (hintMs > maxWaitMs) return giveUp;
  const delayMs = retryDelayMs(situation.failures, hintMs, situation.unit);
  if (delayMs >= situation.remainingMs) return giveUp;
  return { action: 'retry', delayMs, withoutTools: false };
}

/** Whether the same call may succeed later without anybody changing anything. */
export const isTransient = (kind: ProviderErrorKind): boolean => rules[kind].retries > 0;
