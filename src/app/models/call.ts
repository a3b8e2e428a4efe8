/**
 * One model call from its first attempt to its one end: waits for a slot, watches the stream, and on a failure does
 * what core/retry.ts decides. It holds no state of its own beyond the call.
 */
import { noLongerNeeded } from '../../core/abort.ts';
import { defaultMaxOutput, estimateOf, type Estimate } from '../../core/budget.ts';
import { ClankerError } from '../../core/errors.ts';
import type { ModelEvent, ModelRequest, ProviderError } from '../../core/ports/provider.ts';
import type { AttemptRow } from '../../core/ports/run-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log, LogFields, LogLevel, Random } from '../../core/ports/system.ts';
import { decideRetry } from '../../core/retry.ts';
import { BudgetRefusal, type Budgets } from '../budget/budgets.ts';
import type { Candidate } from './candidates.ts';
import type { CallEnd, CallEvent, CallOptions, CallRequest, MakeRequest } from './events.ts';
import { failureOf, failureOfAll, unavailable, wordsFor } from './failure.ts';
import { abandoned, emptyAnswer, neverAsked, outOfTime, readable } from './own-failures.ts';
import { inputTokensOf, Measure, type CallMetrics } from './measure.ts';
import type { Probe, Rests } from './rests.ts';
import { watched, type PassingEvent } from './watch.ts';

/** Waiting between attempts that one call may do: one longest wait with its jitter. */
const waitingBudgetMs = 70_000;

export interface CallDeps {
  clock: Clock;
  random: Random;
  log: Log;
  store: Pick<Store, 'saveAttempts'>;
  metrics: CallMetrics;
  rests: Rests;
  budgets: Budgets | null;
  /** Models that turned out to have no tools. */
  withoutTools: { has(candidate: Candidate): boolean; add(candidate: Candidate): void };
  /** A real answer or failure of a candidate, for its health. */
  judged: (candidate: Candidate, error: ProviderError | null) => void;
}

interface Failed {
  candidate: Candidate;
  error: ProviderError;
}

/** What one candidate came to: an end of the call, or a failure (null: it was not asked) that another may mend. */
type Tried = { end: CallEnd } | { end: null; failed: Failed | null; action: 'fallback' | 'fail' };

/** How one request ended. `empty` is the end of a call whose answer has nothing in it. */
type Attempted =
  | { end: CallEnd }
  | { end: null; error: ProviderError; empty: CallEnd | null; hadTools: boolean }
  /** It was not made: a budget does not reach for it. */
  | { end: null; refusal: BudgetRefusal };

export class ModelCall {
  readonly #deps: CallDeps;
  readonly #make: MakeRequest;
  readonly #options: CallOptions;
  readonly #emit: (event: CallEvent) => void;
  readonly #rows: AttemptRow[] = [];
  #waitedMs = 0;
  /** Text was handed out, so that somebody may have seen it. */
  #said = false;
  /** The first budget that kept a candidate from being asked. */
  #refusal: BudgetRefusal | null = null;

  constructor(deps: CallDeps, make: MakeRequest, options: CallOptions, emit: (event: CallEvent) => void) {
    this.#deps = deps;
    this.#make = make;
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
        const attempted = await this.#attempt(candidate, probe, release);
        if (attempted.end !== null) return attempted;
        if ('refusal' in attempted) {
          // Another model may be cheap enough.
          this.#refusal ??= attempted.refusal;
          return { end: null, failed, action: 'fallback' };
        }
        const { error, empty, hadTools } = attempted;
        const visible = this.#said && this.#options.visible();
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
        this.#say(error.kind === 'aborted' ? 'debug' : 'warn', 'a model call failed', {
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

  /** One request. Its output passes through. */
  async #attempt(candidate: Candidate, probe: Probe | null, release: () => void): Promise<Attempted> {
    const { clock, metrics, rests, judged } = this.#deps;
    const { provider, clocks } = candidate.desk.configured;
    const { signal, deadlineMs } = this.#options;
    const row = this.#newRow(candidate);
    let request: CallRequest | null = null;
    let held: Estimate | null = null;
    try {
      request = await this.#requestFor(candidate);
      const holding = this.#hold(row, candidate, request);
      if (holding !== null) held = await holding;
    } catch (error) {
      release();
      if (!(error instanceof BudgetRefusal)) {
        // Whether it was reserved is unknown: the end of the run settles it as a call that was not made.
        new Measure(row, candidate, clock, metrics).close(neverAsked);
        throw error;
      }
      this.#rows.pop();
      return { end: null, refusal: error };
    }
    const hadTools = request.tools.length > 0;
    const measure = new Measure(row, candidate, clock, metrics, held);
    const close = (error: ProviderError | null, input = 0): AttemptRow => {
      const closed = measure.close(error, input);
      // Others wait for what is not needed; the end of the run may be far.
      if (held !== null) this.#save([closed]);
      return closed;
    };
    const send = (cut: AbortSignal, emit: (event: ModelEvent) => void): Promise<void> => {
      const asked = { ...(held === null ? {} : { maxOutputTokens: held.output }), ...request, model: candidate.model };
      request = null;
      return provider.stream(asked as ModelRequest, cut, emit);
    };
    try {
      if (held !== null && signal.aborted) {
        close(neverAsked);
        return { end: null, error: neverAsked, empty: null, hadTools };
      }
      this.#begin(row, candidate);
      this.#emit({ type: 'attempt', n: this.#rows.length, provider: candidate.provider, model: candidate.name });
      const last = await watched(send, { clock, clocks, deadlineMs, signal }, (event) => {
        measure.see(event);
        this.#hear(event, candidate);
      });
      const input = measure.untold ? await this.#inputTokens(candidate) : 0;
      if (last.type === 'error') {
        close(last.error, input);
        return { end: null, error: last.error, empty: null, hadTools };
      }
      const { reason } = last;
      const isEmpty = !measure.answered && (reason === 'stop' || reason === 'tool_calls');
      const { usage, cost } = close(isEmpty ? emptyAnswer : null, input);
      const end: CallEnd = { type: 'finished', reason, model: candidate.name, usage, cost, attempts: this.#rows };
      if (isEmpty) return { end: null, error: emptyAnswer, empty: end, hadTools };
      this.#say('debug', 'a model answered', { model: candidate.name, reason, tokens: usage?.output });
      rests.succeeded(candidate.provider, candidate.model);
      judged(candidate, null);
      probe?.done();
      return { end };
    } catch (error) {
      close(abandoned, measure.untold ? await this.#inputTokens(candidate) : 0);
      throw error;
    } finally {
      release();
    }
  }

  async #requestFor(candidate: Candidate): Promise<CallRequest> {
    const request = await this.#make();
    return this.#deps.withoutTools.has(candidate) ? { ...request, tools: [] } : request;
  }

  /** Of a request that is gone: it is made once more. What cannot be made any more counts as nothing. */
  #inputTokens(candidate: Candidate): Promise<number> {
    return this.#requestFor(candidate).then(inputTokensOf, () => 0);
  }

  /** The part of a provider's event that is the caller's. */
  #hear(event: PassingEvent, { dialect }: Candidate): void {
    switch (event.type) {
      case 'text':
        this.#said = true;
        this.#emit(event);
        break;
      case 'tool_call':
        this.#emit(readable(event));
        break;
      case 'tool_invalid':
      case 'usage':
        this.#emit(event);
        break;
      case 'reasoning':
        this.#emit({ ...event, dialect });
        break;
      default:
    }
  }

  /** Reserves what the call can come to; null at once where no budget holds. Rejects with a BudgetRefusal. */
  #hold(row: AttemptRow, candidate: Candidate, request: CallRequest): Promise<Estimate | null> | null {
    const { budgets } = this.#deps;
    if (budgets === null) return null;
    const { model, desk } = candidate;
    return budgets.hold(row, this.#options.session ?? '', () =>
      estimateOf(inputTokensOf(request), request.maxOutputTokens ?? defaultMaxOutput, desk.configured.prices(model)),
    );
  }

  #newRow(candidate: Candidate): AttemptRow {
    const { runId, owner, channel = 'api', attemptsBefore = 0 } = this.#options;
    const row: AttemptRow = {
      runId,
      n: attemptsBefore + this.#rows.length + 1,
      owner,
      channel,
      provider: candidate.provider,
      model: candidate.model,
      startedAt: this.#deps.clock.now(),
      finishedAt: null,
      outcome: null,
      phase: null,
      status: null,
      detail: null,
      usage: null,
      cost: null,
    };
    this.#rows.push(row);
    return row;
  }

  #begin(row: AttemptRow, candidate: Candidate): void {
    this.#say('debug', 'a model is asked', { model: candidate.name, attempt: row.n });
    const previous = this.#rows.at(-2);
    this.#save(previous === undefined ? [row] : [previous, row]);
  }

  /** The ledger never delays a call; the caller stores all rows again, complete, when its run ends. */
  #save(rows: readonly AttemptRow[]): void {
    this.#deps.store
      .saveAttempts(rows.map((row) => ({ ...row })))
      .catch((error: unknown) => this.#say('error', 'a ledger row could not be stored', { error }));
  }

  #say(level: LogLevel, message: string, fields: LogFields): void {
    const { logFields, runId } = this.#options;
    this.#deps.log[level](message, { ...logFields, run_id: runId, ...fields });
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
    return { type: 'failed', error, ...(cause === undefined ? {} : { cause }), attempts: this.#rows };
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
      this.#say('error', 'a model call broke', { error: thrown });
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
