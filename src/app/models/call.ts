/**
 * One model call from its first attempt to its one end: chooses whom to ask, waits for a slot, and on a failure does
 * what core/retry.ts decides. It holds no state of its own beyond the call.
 */
import { noLongerNeeded } from '../../core/abort.ts';
import { ClankerError } from '../../core/errors.ts';
import type { ProviderError } from '../../core/ports/provider.ts';
import { decideRetry } from '../../core/retry.ts';
import type { BudgetRefusal } from '../budget/budgets.ts';
import { Attempts, type CallDeps } from './attempts.ts';
import type { Candidate } from './candidates.ts';
import type { CallEnd, CallEvent, CallOptions, MakeRequest } from './events.ts';
import { failureOf, failureOfAll, unavailable, wordsFor } from './failure.ts';
import { abandoned, outOfTime } from './own-failures.ts';
import type { Probe } from './rests.ts';

/** Waiting between attempts that one call may do: one longest wait with its jitter. */
const waitingBudgetMs = 70_000;

interface Failed {
  candidate: Candidate;
  error: ProviderError;
}

/** What one candidate came to: an end of the call, or a failure (null: it was not asked) that another may mend. */
type Tried = { end: CallEnd } | { end: null; failed: Failed | null; action: 'fallback' | 'fail' };

export class ModelCall {
  readonly #deps: CallDeps;
  readonly #attempts: Attempts;
  readonly #options: CallOptions;
  readonly #emit: (event: CallEvent) => void;
  #waitedMs = 0;
  /** The first budget that kept a candidate from being asked. */
  #refusal: BudgetRefusal | null = null;

  constructor(deps: CallDeps, make: MakeRequest, options: CallOptions, emit: (event: CallEvent) => void) {
    this.#deps = deps;
    this.#attempts = new Attempts(deps, make, options, emit);
    this.#options = options;
    this.#emit = emit;
  }

  async run(): Promise<CallEnd> {
    const left = [...this.#options.candidates];
    const failures: Failed[] = [];
    try {
      for (;;) {
        const chosen = await this.#choose(left);
        if (chosen === null) return this.#failure(failures);
        const { candidate, probe } = chosen;
        left.splice(left.indexOf(candidate), 1);
        const before = failures.at(-1);
        if (before !== undefined) this.#fallback(before, candidate);
        const tried = await this.#try(candidate, probe, left);
        if (tried.end !== null) return tried.end;
        if (tried.failed !== null) failures.push(tried.failed);
        if (tried.action === 'fail') return this.#failure(failures);
      }
    } catch (error) {
      return this.#interrupted(error, failures);
    }
  }

  /** The first candidate that may be asked; waits where another call is just finding out whether one is back. */
  async #choose(left: readonly Candidate[]): Promise<{ candidate: Candidate; probe: Probe | null } | null> {
    const { rests } = this.#deps;
    for (;;) {
      const asked: Candidate[] = [];
      let yielding: Candidate | null = null;
      for (const candidate of left) {
        const standing = rests.standing(candidate.provider, candidate.model);
        if (standing.state === 'open') return { candidate, probe: null };
        if (standing.state === 'probe') {
          return { candidate, probe: rests.probe(candidate.provider, candidate.model) };
        }
        if (standing.state === 'asked') asked.push(candidate);
        if (standing.yielding) yielding ??= candidate;
      }
      if (asked.length === 0) return yielding === null ? null : { candidate: yielding, probe: null };
      await this.#within((signal) => {
        const anyProbe = Promise.race(asked.map(({ provider, model }) => rests.probed(provider, model)));
        return unlessAborted(anyProbe, signal);
      });
    }
  }

  /** Asks one candidate until it answers, or until the rules say that it is enough. */
  async #try(candidate: Candidate, probe: Probe | null, others: readonly Candidate[]): Promise<Tried> {
    const { clock, random, rests, withoutTools, metrics, judged } = this.#deps;
    const { slots } = candidate.desk;
    let failures = 0;
    let maybeAccepted = 0;
    let failed: Failed | null = null;
    try {
      for (;;) {
        this.#mayGoOn();
        const release = slots.take() ?? (await this.#within((signal) => slots.acquire(signal)));
        // While this call slept or stood in the queue, others may have learned that it must not be asked.
        if (probe === null && this.#mustRest(candidate)) {
          release();
          return { end: null, failed, action: 'fallback' };
        }
        const attempted = await this.#attempts.make(candidate, probe, release);
        if (attempted.end !== null) return attempted;
        if ('refusal' in attempted) {
          // Another model may be cheap enough.
          this.#refusal ??= attempted.refusal;
          return { end: null, failed, action: 'fallback' };
        }
        const { error, empty, hadTools } = attempted;
        const visible = this.#attempts.said && this.#options.visible();
        failures += 1;
        if (error.accepted !== 'no') maybeAccepted += 1;
        const decision = decideRetry(error, {
          failures,
          maybeAccepted,
          visible,
          remainingMs: Math.min(this.#options.deadlineMs - clock.monotonic(), waitingBudgetMs - this.#waitedMs),
          hadTools,
          unit: random.unit(),
        });
        const wanted = decision.action === 'retry';
        if (empty !== null) rests.succeeded(candidate.provider, candidate.model);
        else rests.failed(candidate.provider, candidate.model, error, { waited: wanted, gaveUp: !wanted });
        judged(candidate, error);
        failed = { candidate, error };
        this.#attempts.say(error.kind === 'aborted' ? 'debug' : 'warn', 'a model call failed', {
          model: candidate.name,
          kind: error.kind,
          phase: error.phase,
          status: error.status,
          detail: error.detail,
          next: decision.action,
        });
        // An empty answer that stays empty is the model's answer; what to say about it is the caller's.
        if (empty !== null && !wanted && (decision.action === 'fail' || !this.#anyOpen(others))) {
          return { end: empty };
        }
        if (decision.action !== 'retry') return { end: null, failed, action: decision.action };
        if (this.#mustRest(candidate)) return { end: null, failed, action: 'fallback' };
        if (decision.withoutTools) withoutTools.add(candidate);
        metrics.retries.add(1, { provider: candidate.provider, kind: error.kind });
        this.#emit({ type: 'retrying', kind: error.kind, provider: candidate.provider, delayMs: decision.delayMs });
        this.#waitedMs += decision.delayMs;
        await clock.sleep(decision.delayMs, this.#options.signal);
      }
    } finally {
      probe?.done();
    }
  }

  #mustRest({ provider, model }: Candidate): boolean {
    const { state, yielding } = this.#deps.rests.standing(provider, model);
    return state === 'resting' && !yielding;
  }

  #anyOpen(candidates: readonly Candidate[]): boolean {
    return candidates.some(({ provider, model }) => this.#deps.rests.standing(provider, model).state !== 'resting');
  }

  #fallback(failed: Failed, to: Candidate): void {
    const { kind } = failed.error;
    this.#deps.metrics.fallbacks.add(1, { provider: failed.candidate.provider, kind });
    this.#emit({ type: 'fallback', kind, provider: to.provider, from: failed.candidate.name, to: to.name });
  }

  #failure(failures: readonly Failed[]): CallEnd {
    return this.#failedWith(failureOfAll(failures) ?? this.#refusal ?? this.#allResting(), failures);
  }

  #failedWith(error: ClankerError, failures: readonly Failed[]): CallEnd {
    const cause = failures.at(-1)?.error;
    return { type: 'failed', error, ...(cause === undefined ? {} : { cause }), attempts: this.#attempts.rows };
  }

  /** Nobody was asked: when the first can be, and why it rests. */
  #allResting(): ClankerError {
    const standings = this.#options.candidates.map((candidate) => ({
      candidate,
      ...this.#deps.rests.standing(candidate.provider, candidate.model),
    }));
    const [soonest] = standings.toSorted((a, b) => a.restMs - b.restMs);
    if (soonest === undefined) return new ClankerError('config', 'provider_unavailable', 'No model is configured.');
    return unavailable(wordsFor(soonest.kind, soonest.candidate), soonest.restMs);
  }

  /** Aborted or out of time while waiting, turned away by a full queue, or a bug of ours. */
  #interrupted(thrown: unknown, failures: readonly Failed[]): CallEnd {
    const [first] = this.#options.candidates;
    const of = { provider: first?.provider ?? '', model: first?.model ?? '' };
    let error: ClankerError;
    if (this.#options.signal.aborted) error = failureOf(abandoned, of);
    else if (thrown instanceof ClankerError) error = thrown;
    else {
      this.#attempts.say('error', 'a model call broke', { error: thrown });
      error = new ClankerError(
        'provider',
        'internal',
        'The model call failed inside the gateway; the log has the details.',
        {
          cause: thrown,
        },
      );
    }
    return this.#failedWith(error, failures);
  }

  /** Throws when the run was aborted or is out of time; says how much of it is left. */
  #mayGoOn(): number {
    this.#options.signal.throwIfAborted();
    const leftMs = this.#options.deadlineMs - this.#deps.clock.monotonic();
    if (leftMs <= 0) throw failureOf(outOfTime, { provider: '', model: '' });
    return leftMs;
  }

  /** Waits for something no longer than the run may last. */
  async #within<T>(wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock } = this.#deps;
    const { signal } = this.#options;
    const leftMs = this.#mayGoOn();
    const over = new AbortController();
    const timer = new AbortController();
    clock.sleep(leftMs, timer.signal).then(
      () => over.abort(failureOf(outOfTime, { provider: '', model: '' })),
      () => undefined,
    );
    try {
      return await wait(AbortSignal.any([signal, over.signal]));
    } finally {
      timer.abort(noLongerNeeded);
    }
  }
}

/** The promise, or the signal's reason if it aborts first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason);
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
