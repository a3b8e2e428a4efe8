/** The receive side of a channel that asks or listens: one loop, its pauses, its health, its end. */
import type { ChannelContext, ChannelHealth, ChannelState } from '../../core/ports/channel.ts';
import type { Random } from '../../core/ports/system.ts';

const minBackoffMs = 1000;
const maxBackoffMs = 30_000;
/** How often what needs a person's hand is tried again: it may have been refused by mistake. */
const fatalRetryMs = 300_000;

/** One thing at a time; resolves with the milliseconds to wait before the next. */
export type Step = () => Promise<number>;

/**
 * Runs steps until it is stopped. A step that throws is a bug and is tried again: a channel that silently stopped
 * receiving is the worst of all failures. `degrade` and `fatal` set health and give the pause to return from the step.
 */
export class Receiving {
  readonly #random: Random;
  readonly #name: string;
  readonly #health: ChannelHealth = {
    state: 'starting',
    detail: '',
    lastReceiveAt: null,
    lastEventAt: null,
    identity: null,
  };
  #failures = 0;
  #stop: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(name: string, random: Random) {
    this.#name = name;
    this.#random = random;
  }

  get health(): ChannelHealth {
    return { ...this.#health };
  }

  set identity(name: string) {
    this.#health.identity = name;
  }

  /** `prepare` gets the context whose signal ends with this channel, and gives the step. */
  start(context: ChannelContext, prepare: (context: ChannelContext) => Step): void {
    if (this.#stop !== null) throw new Error(`a ${this.#name} channel is started once`);
    const stop = new AbortController();
    this.#stop = stop;
    const onAbort = (): void => stop.abort();
    if (context.signal.aborted) stop.abort();
    context.signal.addEventListener('abort', onAbort, { once: true });
    const own = { ...context, signal: stop.signal };
    this.#running = this.#run(own, prepare(own)).finally(() => context.signal.removeEventListener('abort', onAbort));
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stop?.abort();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#running, deadline]);
    clearTimeout(timer);
  }

  /** Something came from the platform, be it only a sign of life. */
  received(now: number): void {
    this.#health.lastReceiveAt = now;
  }

  event(now: number): void {
    this.#health.lastEventAt = now;
  }

  connected(detail = ''): void {
    this.#failures = 0;
    this.#set('connected', detail);
  }

  /** 1 s, 2 s, 4 s … 30 s, with jitter so that two of us do not stay in step; never under a second. */
  degrade(detail: string): number {
    this.#set('degraded', detail);
    const ceiling = Math.min(minBackoffMs * 2 ** Math.min(this.#failures++, 10), maxBackoffMs);
    return Math.max(minBackoffMs, ceiling * (0.5 + this.#random.unit() / 2));
  }

  /** In words with the fix. */
  fatal(detail: string): number {
    this.#set('fatal', detail);
    return fatalRetryMs;
  }

  async #run({ signal, clock, log }: ChannelContext, step: Step): Promise<void> {
    while (!signal.aborted) {
      let pauseMs: number;
      try {
        pauseMs = await step();
      } catch (error) {
        if (signal.aborted) break;
        log.error('the receive loop failed and goes on', { error });
        pauseMs = this.degrade('An unexpected error; the log has the details.');
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
    this.#set('stopped', '');
  }

  #set(state: ChannelState, detail: string): void {
    this.#health.state = state;
    this.#health.detail = detail;
  }
}
