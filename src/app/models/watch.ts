/**
 * One provider stream under watch: the three clocks, the deadline and the caller's abort, and the promise that exactly
 * one terminal event comes out whatever the adapter does.
 */
import { noLongerNeeded } from '../../core/abort.ts';
import type { ModelEvent, ProviderClocks, ProviderErrorKind } from '../../core/ports/provider.ts';
import type { Clock } from '../../core/ports/system.ts';

export interface Watch {
  clock: Clock;
  clocks: ProviderClocks;
  /** Monotonic milliseconds. */
  deadlineMs: number;
  signal: AbortSignal;
}

export type EndEvent = Extract<ModelEvent, { type: 'finish' | 'error' }>;
export type PassingEvent = Exclude<ModelEvent, EndEvent>;

/** Where the stream stands; each phase has its own clock. */
type Phase = 'headers' | 'before_output' | 'mid_output';

const expiredKinds: Record<Phase, ProviderErrorKind> = {
  headers: 'timeout_headers',
  before_output: 'timeout_first',
  mid_output: 'timeout_idle',
};

const waitedFor: Record<Phase, string> = {
  headers: 'the headers of the answer',
  before_output: 'its first output',
  mid_output: 'more output',
};

/**
 * Hands on what comes and resolves with the terminal event. `headersMs` runs until `start`, `firstOutputMs` from there
 * to the first output, `idleMs` between outputs; heartbeats and usage reset none of them. Rejects only with what `emit`
 * threw. The request is cut unless it ended by itself.
 */
export function watched(
  open: (cut: AbortSignal, emit: (event: ModelEvent) => void) => Promise<void>,
  watch: Watch,
  emit: (event: PassingEvent) => void,
): Promise<EndEvent> {
  return new Promise((resolve, reject) => new Watcher(watch, emit, resolve, reject).begin(open));
}

class Watcher {
  readonly #watch: Watch;
  readonly #emit: (event: PassingEvent) => void;
  readonly #resolve: (end: EndEvent) => void;
  readonly #reject: (thrown: unknown) => void;
  readonly #cut = new AbortController();
  readonly #onAbort = (): void => this.#break('aborted', 'The call was aborted.');
  #phase: Phase = 'headers';
  #over = false;
  /** What the phase may take, and when that is over. */
  #limitMs: number;
  #dueAt: number;
  /** One timer serves all waits: it is only set anew when one is due earlier, as a timer per delta would cost too much. */
  #callOff: (() => void) | null = null;
  #wakesAt = Infinity;

  constructor(
    watch: Watch,
    emit: (event: PassingEvent) => void,
    resolve: (end: EndEvent) => void,
    reject: (thrown: unknown) => void,
  ) {
    this.#watch = watch;
    this.#emit = emit;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#limitMs = watch.clocks.headersMs;
    this.#dueAt = watch.clock.monotonic() + this.#limitMs;
  }

  begin(open: (cut: AbortSignal, emit: (event: ModelEvent) => void) => Promise<void>): void {
    const { signal } = this.#watch;
    if (signal.aborted) {
      this.#onAbort();
      return;
    }
    signal.addEventListener('abort', this.#onAbort);
    this.#arm();
    open(this.#cut.signal, (event) => this.#hear(event)).then(
      () => this.#break('stream_incomplete', 'The stream ended without its terminal event.'),
      (thrown: unknown) => this.#break('bad_response', `The provider adapter failed: ${String(thrown).slice(0, 300)}`),
    );
  }

  #hear(event: ModelEvent): void {
    if (this.#over) return;
    switch (event.type) {
      case 'finish':
      case 'error':
        // Not cut: the connection of a finished answer is used again.
        this.#stop();
        this.#resolve(event);
        return;
      case 'start':
        if (this.#phase === 'headers') this.#enter('before_output', this.#watch.clocks.firstOutputMs);
        break;
      case 'text':
      case 'reasoning':
      case 'tool_delta':
      case 'tool_call':
      case 'tool_invalid':
        this.#enter('mid_output', this.#watch.clocks.idleMs);
        break;
      default:
    }
    try {
      this.#emit(event);
    } catch (thrown) {
      this.#stop();
      this.#cut.abort(noLongerNeeded);
      this.#reject(thrown);
    }
  }

  #enter(phase: Phase, limitMs: number): void {
    this.#phase = phase;
    this.#limitMs = limitMs;
    this.#dueAt = this.#watch.clock.monotonic() + limitMs;
    if (this.#wakesAt > Math.min(this.#dueAt, this.#watch.deadlineMs)) this.#arm();
  }

  #break(kind: ProviderErrorKind, detail: string): void {
    if (this.#over) return;
    const accepted = this.#phase === 'headers' ? 'maybe' : 'yes';
    this.#stop();
    // Not waited for: an adapter that hangs must not hang its caller.
    this.#cut.abort(noLongerNeeded);
    this.#resolve({ type: 'error', error: { kind, phase: this.#phase, accepted, detail } });
  }

  #stop(): void {
    this.#over = true;
    this.#watch.signal.removeEventListener('abort', this.#onAbort);
    this.#callOff?.();
  }

  #arm(): void {
    const { clock, deadlineMs } = this.#watch;
    this.#callOff?.();
    this.#wakesAt = Math.min(this.#dueAt, deadlineMs);
    this.#callOff = clock.after(Math.max(0, this.#wakesAt - clock.monotonic()), () => this.#wake());
  }

  #wake(): void {
    const now = this.#watch.clock.monotonic();
    if (now >= this.#watch.deadlineMs) this.#break('deadline', 'The deadline of the run passed.');
    else if (now < this.#dueAt) this.#arm();
    else {
      const waited = `Nothing came for ${this.#limitMs} ms while waiting for ${waitedFor[this.#phase]}.`;
      this.#break(expiredKinds[this.#phase], waited);
    }
  }
}
