/** The requests of one model call. */
import { defaultMaxOutput, estimateOf, type Estimate } from '../../core/budget.ts';
import type { ModelEvent, ModelRequest, ProviderError } from '../../core/ports/provider.ts';
import type { AttemptRow } from '../../core/ports/run-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log, LogFields, LogLevel, Random } from '../../core/ports/system.ts';
import { BudgetRefusal, type Budgets } from '../budget/budgets.ts';
import type { Candidate } from './candidates.ts';
import type { CallEnd, CallEvent, CallOptions, CallRequest, MakeRequest } from './events.ts';
import { abandoned, emptyAnswer, neverAsked, readable } from './own-failures.ts';
import { inputTokensOf, Measure, type CallMetrics } from './measure.ts';
import type { Probe, Rests } from './rests.ts';
import { watched, type PassingEvent } from './watch.ts';

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

/** How one request ended. `empty` is the end of a call whose answer has nothing in it. */
export type Attempted =
  | { end: CallEnd }
  | { end: null; error: ProviderError; empty: CallEnd | null; hadTools: boolean }
  /** It was not made: a budget does not reach for it. */
  | { end: null; refusal: BudgetRefusal };

/** Makes them one after another: each has its row in the ledger, its part of the budgets, and a watch over its stream. */
export class Attempts {
  readonly #deps: CallDeps;
  readonly #makeRequest: MakeRequest;
  readonly #options: CallOptions;
  readonly #emit: (event: CallEvent) => void;
  /** Of the ledger, one for each. */
  readonly rows: AttemptRow[] = [];
  /** Text was handed out, so that somebody may have seen it. */
  said = false;

  constructor(deps: CallDeps, makeRequest: MakeRequest, options: CallOptions, emit: (event: CallEvent) => void) {
    this.#deps = deps;
    this.#makeRequest = makeRequest;
    this.#options = options;
    this.#emit = emit;
  }

  /** One request. Its output passes through. */
  async make(candidate: Candidate, probe: Probe | null, release: () => void): Promise<Attempted> {
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
      this.rows.pop();
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
      this.#emit({ type: 'attempt', n: this.rows.length, provider: candidate.provider, model: candidate.name });
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
      const end: CallEnd = { type: 'finished', reason, model: candidate.name, usage, cost, attempts: this.rows };
      if (isEmpty) return { end: null, error: emptyAnswer, empty: end, hadTools };
      this.say('debug', 'a model answered', { model: candidate.name, reason, tokens: usage?.output });
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
    const request = await this.#makeRequest();
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
        this.said = true;
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
      n: attemptsBefore + this.rows.length + 1,
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
    this.rows.push(row);
    return row;
  }

  #begin(row: AttemptRow, candidate: Candidate): void {
    this.say('debug', 'a model is asked', { model: candidate.name, attempt: row.n });
    const previous = this.rows.at(-2);
    this.#save(previous === undefined ? [row] : [previous, row]);
  }

  /** The ledger never delays a call; the caller stores all rows again, complete, when its run ends. */
  #save(rows: readonly AttemptRow[]): void {
    this.#deps.store
      .saveAttempts(rows.map((row) => ({ ...row })))
      .catch((error: unknown) => this.say('error', 'a ledger row could not be stored', { error }));
  }

  /** A line of the log about this call. */
  say(level: LogLevel, message: string, fields: LogFields): void {
    const { logFields, runId } = this.#options;
    this.#deps.log[level](message, { ...logFields, run_id: runId, ...fields });
  }
}
