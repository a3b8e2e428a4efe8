import type {
  Dialect,
  ModelEvent,
  ModelInfo,
  ModelRequest,
  Provider,
  ProviderError,
  ProviderErrorKind,
  ProviderHealth,
} from '../../src/core/ports/provider.ts';
import type { Clock } from '../../src/core/ports/system.ts';

/** What a scripted provider does next: an event, a wait, also for something to happen, or nothing ever again. */
export type Step = ModelEvent | { wait: number } | { until: Promise<unknown> } | 'hang' | { throws: string };

export const start: Step = { type: 'start' };
export const text = (text: string): Step => ({ type: 'text', text });
export const finish: Step = { type: 'finish', reason: 'stop', raw: 'stop' };
export const usage = {
  type: 'usage',
  usage: { input: 10, cacheRead: 5, cacheWrite: 0, output: 2, reasoning: 0, estimated: false },
} as const;
export const answer = [start, text('Hello'), usage, finish];

export function failing(kind: ProviderErrorKind, more: Partial<ProviderError> = {}): Step[] {
  const error: ProviderError = { kind, phase: 'headers', accepted: 'no', detail: `scripted ${kind}`, ...more };
  return [{ type: 'error', error }];
}

/** A provider that plays one script per request, in order, then the last one again; it keeps no rules of its own. */
export class ScriptedProvider implements Provider {
  readonly id: string;
  readonly dialect: Dialect = 'openai-chat';
  readonly requests: ModelRequest[] = [];
  readonly signals: AbortSignal[] = [];
  readonly #clock: Clock;
  scripts: Step[][];
  /** Set to see a provider that does not stop when it is told to. */
  deaf = false;
  running = 0;
  peak = 0;
  healthy: ProviderHealth | 'hang' = { ok: true, detail: 'it answers' };

  constructor(id: string, clock: Clock, ...scripts: Step[][]) {
    this.id = id;
    this.#clock = clock;
    this.scripts = scripts;
  }

  get hits(): number {
    return this.requests.length;
  }

  async stream(request: ModelRequest, signal: AbortSignal, emit: (event: ModelEvent) => void): Promise<void> {
    const script = this.scripts[Math.min(this.hits, this.scripts.length - 1)] ?? [];
    this.requests.push(request);
    this.signals.push(signal);
    this.running += 1;
    this.peak = Math.max(this.peak, this.running);
    let over = false;
    const end = (): void => {
      if (!over) this.running -= 1;
      over = true;
    };
    try {
      for (const step of script) {
        if (signal.aborted && !this.deaf) return;
        if (step === 'hang') await this.#forever(signal);
        else if ('throws' in step) throw new Error(step.throws);
        else if ('until' in step) await step.until;
        else if ('wait' in step)
          await this.#clock.sleep(step.wait, this.deaf ? undefined : signal).catch(() => undefined);
        else {
          if (step.type === 'finish' || step.type === 'error') end();
          emit(step);
          // Whoever is told may be at work for a moment, as between two packets.
          await Promise.resolve();
        }
      }
    } finally {
      end();
    }
  }

  async listModels(): Promise<ModelInfo[]> {
    return [];
  }

  async health(signal: AbortSignal): Promise<ProviderHealth> {
    if (this.healthy !== 'hang') return this.healthy;
    await this.#forever(signal);
    return { ok: false, detail: 'aborted' };
  }

  #forever(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (!this.deaf) signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
