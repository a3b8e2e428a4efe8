import type { Clock, Counter, Log, Metrics } from '../../core/ports/system.ts';

const firstDelayMs = 500;
const maxDelayMs = 60_000;

/**
 * Keeps background loops alive: one that fails is logged and begun again with growing delay, one that ends because
 * the gateway stops is left alone. What one of them does never takes another down.
 */
export class Supervisor {
  readonly #deps: { clock: Clock; log: Log };
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  readonly #restarts: Counter;

  constructor(deps: { clock: Clock; log: Log; metrics: Metrics }) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'supervisor' }) };
    this.#restarts = deps.metrics.counter(
      'service_restarts_total',
      'Background services that failed and were begun again, by service.',
    );
  }

  run(name: string, loop: (signal: AbortSignal) => Promise<void>): void {
    this.#loops.push(this.#keep(name, loop));
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopping'));
    await Promise.all(this.#loops);
  }

  async #keep(name: string, loop: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, log } = this.#deps;
    const { signal } = this.#stop;
    for (let failures = 1; !signal.aborted; failures++) {
      const begunAt = clock.monotonic();
      try {
        await loop(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (clock.monotonic() - begunAt > maxDelayMs) failures = 1;
        const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 10));
        this.#restarts.add(1, { service: name });
        log.error('a service failed and begins again', { service: name, delay_ms: delayMs, error });
        await clock.sleep(delayMs, signal).catch(() => undefined);
      }
    }
  }
}
