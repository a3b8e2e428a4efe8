import { usageOf, type Estimate } from '../../core/budget.ts';
import { estimateRequestTokens, estimateTokens } from '../../core/estimate.ts';
import type { ModelEvent, ProviderError, ProviderErrorKind, Usage } from '../../core/ports/provider.ts';
import type { AttemptRow } from '../../core/ports/run-store.ts';
import type { Clock, Counter, Histogram, Metrics } from '../../core/ports/system.ts';
import { candidateCost, type Candidate } from './candidates.ts';
import type { CallRequest } from './events.ts';
import { emptyAnswer } from './own-failures.ts';

/** The figures of model calls for operators. */
export interface CallMetrics {
  calls: Counter;
  tokens: Counter;
  cost: Counter;
  unpriced: Counter;
  retries: Counter;
  fallbacks: Counter;
  firstOutput: Histogram;
}

export function callMetrics(metrics: Metrics): CallMetrics {
  return {
    calls: metrics.counter('provider_calls_total', 'Requests to providers, by provider, model and outcome.'),
    tokens: metrics.counter(
      'provider_tokens_total',
      'Tokens, by provider, model and kind (input, output, cache_read, cache_write).',
    ),
    cost: metrics.counter('provider_cost_usd_total', 'US dollars spent, by provider and model.'),
    unpriced: metrics.counter('provider_price_unknown_total', 'Answers whose price is unknown, by provider and model.'),
    retries: metrics.counter('provider_retries_total', 'Repeated requests, by provider and kind of the failure.'),
    fallbacks: metrics.counter(
      'provider_fallbacks_total',
      'Calls handed to the next model, by the provider that failed and kind.',
    ),
    firstOutput: metrics.histogram(
      'provider_first_output_seconds',
      'From request to first output, by provider and model.',
    ),
  };
}

const charactersPerToken = 4;

export const inputTokensOf = ({ system, messages, tools }: CallRequest): number =>
  estimateRequestTokens(system, messages) + (tools.length === 0 ? 0 : estimateTokens(JSON.stringify(tools)));

/** No call comes near it; a report beyond it is a mistake of who counted. */
const maxTokensOfCall = 1_000_000_000;

/** Whole tokens, as the ledger keeps them; null when one of the counts can be none: then it is as if nothing was told. */
function believable(told: Usage): Usage | null {
  const { input, cacheRead, cacheWrite, output, reasoning } = told;
  const counts = [input, cacheRead, cacheWrite, output, reasoning];
  if (!counts.every((count) => count >= 0 && count <= maxTokensOfCall)) return null;
  if (counts.every(Number.isInteger)) return told;
  return {
    input: Math.round(input),
    cacheRead: Math.round(cacheRead),
    cacheWrite: Math.round(cacheWrite),
    output: Math.round(output),
    reasoning: Math.round(reasoning),
    estimated: told.estimated,
  };
}

/** Watches the events of one attempt go by and closes its ledger row. */
export class Measure {
  readonly row: AttemptRow;
  readonly #candidate: Candidate;
  readonly #clock: Clock;
  readonly #metrics: CallMetrics;
  readonly #beganAt: number;
  /** What its call can come to, where that was reserved. */
  readonly #reserved: Estimate | null;
  #sawOutput = false;
  #usage: Usage | null = null;
  /** Characters of what came. */
  #heard = 0;
  /** Whether it said or called anything that is an answer. */
  answered = false;

  constructor(
    row: AttemptRow,
    candidate: Candidate,
    clock: Clock,
    metrics: CallMetrics,
    reserved: Estimate | null = null,
  ) {
    this.row = row;
    this.#reserved = reserved;
    this.#candidate = candidate;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#beganAt = clock.monotonic();
  }

  see(event: ModelEvent): void {
    switch (event.type) {
      case 'text':
      case 'reasoning':
      case 'tool_delta':
        this.#output();
        this.#heard += event.text.length;
        this.answered ||= event.type === 'text' && event.text.trim() !== '';
        break;
      case 'tool_call':
      case 'tool_invalid':
        this.#output();
        this.answered = true;
        break;
      case 'usage':
        this.#usage = believable(event.usage);
        break;
      default:
    }
  }

  /** Something came, and the provider did not say what it cost. */
  get untold(): boolean {
    return this.#usage === null && this.#sawOutput;
  }

  /**
   * A failed attempt that had begun to answer cost something, too: what was not reported is estimated, from `input`
   * tokens where the request was not counted either. Where a budget holds, one that may have been accepted and said
   * nothing costs all that was reserved for it.
   */
  close(error: ProviderError | null, input = 0): AttemptRow {
    const usage = this.#costing(error, input);
    const outcome: 'ok' | ProviderErrorKind = error?.kind ?? 'ok';
    Object.assign(this.row, {
      finishedAt: this.#clock.now(),
      outcome,
      phase: error?.phase ?? null,
      status: error?.status ?? null,
      detail: error?.detail ?? null,
      usage,
      cost: usage === null ? null : candidateCost(this.#candidate, usage),
    } satisfies Partial<AttemptRow>);
    this.#count(outcome);
    return this.row;
  }

  #costing(error: ProviderError | null, input: number): Usage | null {
    const reported = this.#usage;
    const output = Math.ceil(this.#heard / charactersPerToken);
    if (reported === null) {
      if (this.#sawOutput) return usageOf({ input, output });
      return this.#reserved !== null && error !== null && error.accepted !== 'no' ? usageOf(this.#reserved) : null;
    }
    // Of an answer that broke off some reported the cost at its beginning.
    return error === null || error === emptyAnswer || !this.#sawOutput
      ? reported
      : { ...reported, output: Math.max(reported.output, output), estimated: true };
  }

  #output(): void {
    if (this.#sawOutput) return;
    this.#sawOutput = true;
    this.#metrics.firstOutput.observe((this.#clock.monotonic() - this.#beganAt) / 1000, this.#labels);
  }

  #count(outcome: string): void {
    const { usage, cost } = this.row;
    const labels = this.#labels;
    this.#metrics.calls.add(1, { ...labels, outcome });
    if (usage === null) return;
    const { input, output, cacheRead: cache_read, cacheWrite: cache_write } = usage;
    for (const [kind, count] of Object.entries({ input, output, cache_read, cache_write })) {
      if (count > 0) this.#metrics.tokens.add(count, { ...labels, kind });
    }
    if (cost === null) this.#metrics.unpriced.add(1, labels);
    else this.#metrics.cost.add(cost, labels);
  }

  get #labels(): { provider: string; model: string } {
    return { provider: this.#candidate.provider, model: this.#candidate.model };
  }
}
