/**
 * One provider stream under watch: the three clocks, the deadline and the caller's abort, and the promise that exactly
 * one terminal event comes out whatever the adapter does.
 */
import { noLongerNeeded } from '../../core/abort.ts';
import type { ModelEvent, ProviderClocks, ProviderError, ProviderErrorKind } from '../../core/ports/provider.ts';
import type { Clock } from '../../core/ports/system.ts';

export interface Watch {
  clock: Clock;
  clocks: ProviderClocks;
  /** Monotonic milliseconds. */
  deadlineMs: number;
  signal: AbortSignal;
}

type Step = { next: IteratorResult<ModelEvent> } | { thrown: unknown } | 'expired' | 'aborted';

/** Where the stream stands; each phase has its own clock. */
type Phase = 'headers' | 'before_output' | 'mid_output';

const expiredKinds: Record<Phase, ProviderErrorKind> = {
  headers: 'timeout_headers',
  before_output: 'timeout_first',
  mid_output: 'timeout_idle',
};

const outputTypes: readonly ModelEvent['type'][] = ['text', 'reasoning', 'tool_delta', 'tool_call', 'tool_invalid'];

/**
 * `headersMs` runs until `start`, `firstOutputMs` from there to the first output, `idleMs` between outputs; heartbeats
 * and usage reset none of them. Only time spent waiting for the provider counts: a consumer that is slow to ask for the
 * next event never makes a provider look stalled.
 */
export async function* watched(
  open: (signal: AbortSignal) => AsyncIterable<ModelEvent>,
  watch: Watch,
): AsyncGenerator<ModelEvent, void, undefined> {
  const { clock, clocks, deadlineMs } = watch;
  const cut = new AbortController();
  const stream = open(cut.signal)[Symbol.asyncIterator]();
  const steps = new Steps(stream, watch);
  let phase: Phase = 'headers';
  let leftMs = clocks.headersMs;
  let complete = false;
  const broken = (kind: ProviderErrorKind, detail: string): ModelEvent => {
    const error: ProviderError = { kind, phase, accepted: phase === 'headers' ? 'maybe' : 'yes', detail };
    return { type: 'error', error };
  };
  try {
    for (;;) {
      const askedAt = clock.monotonic();
      const step = await steps.next(Math.min(askedAt + leftMs, deadlineMs));
      if (step === 'aborted') {
        yield broken('aborted', 'The call was aborted.');
        return;
      }
      if (step === 'expired') {
        const late = clock.monotonic() >= deadlineMs;
        yield late
          ? broken('deadline', 'The deadline of the run passed.')
          : broken(expiredKinds[phase], `Nothing came for ${leftMs} ms while waiting for ${waitedFor[phase]}.`);
        return;
      }
      if ('thrown' in step) {
        yield broken('bad_response', `The provider adapter failed: ${String(step.thrown).slice(0, 300)}`);
        return;
      }
      if (step.next.done === true) {
        yield broken('stream_incomplete', 'The stream ended without its terminal event.');
        return;
      }
      const event = step.next.value;
      leftMs -= clock.monotonic() - askedAt;
      if (event.type === 'start' && phase === 'headers') {
        phase = 'before_output';
        leftMs = clocks.firstOutputMs;
      } else if (outputTypes.includes(event.type)) {
        phase = 'mid_output';
        leftMs = clocks.idleMs;
      }
      complete = event.type === 'finish' || event.type === 'error';
      yield event;
      if (complete) return;
    }
  } finally {
    steps.close();
    if (!complete) cut.abort(noLongerNeeded);
    // Not awaited: an adapter that hangs must not hang its caller.
    stream.return?.().catch(() => undefined);
  }
}

const waitedFor: Record<Phase, string> = {
  headers: 'the headers of the answer',
  before_output: 'its first output',
  mid_output: 'more output',
};

/**
 * Asks the stream for one event at a time, until a point in time or the abort. One timer serves all steps: it is only
 * set anew when a step is due earlier, because a timer per delta would cost more than the delta.
 */
class Steps {
  readonly #stream: AsyncIterator<ModelEvent>;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#settle?.('aborted');
  #settle: ((step: Step) => void) | null = null;
  #dueAt = 0;
  #wakesAt = Infinity;
  #timer: AbortController | null = null;

  constructor(stream: AsyncIterator<ModelEvent>, { clock, signal }: Watch) {
    this.#stream = stream;
    this.#clock = clock;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort);
  }

  async next(dueAt: number): Promise<Step> {
    if (this.#signal.aborted) return 'aborted';
    const step = await new Promise<Step>((resolve) => {
      this.#settle = resolve;
      this.#dueAt = dueAt;
      this.#arm();
      this.#stream.next().then(
        (next) => resolve({ next }),
        (thrown: unknown) => resolve({ thrown }),
      );
    });
    this.#settle = null;
    return step;
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#timer?.abort(noLongerNeeded);
    this.#timer = null;
  }

  #arm(): void {
    if (this.#wakesAt <= this.#dueAt) return;
    this.#timer?.abort(noLongerNeeded);
    const timer = new AbortController();
    this.#timer = timer;
    this.#wakesAt = this.#dueAt;
    this.#clock.sleep(Math.max(0, this.#dueAt - this.#clock.monotonic()), timer.signal).then(
      () => this.#wake(timer),
      () => undefined,
    );
  }

  #wake(timer: AbortController): void {
    if (timer !== this.#timer) return;
    this.#wakesAt = Infinity;
    if (this.#settle === null) return; // the consumer is thinking; its next question arms again
    if (this.#clock.monotonic() >= this.#dueAt) this.#settle('expired');
    else this.#arm();
  }
}
