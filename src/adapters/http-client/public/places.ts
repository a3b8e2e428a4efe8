import { HttpFailure } from '../../../core/ports/http-client.ts';

/** Each may hold a connection, a decoder with a window of up to 16 MB, and what a tool keeps of its body. */
const maxAtOnce = 8;
/** Each waits no longer than its own time. */
const maxWaiting = 64;

/** Bounds the requests under way; the others wait their turn. */
export class Places {
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  /** Resolves with a place, to be left again. Rejects with the reason of the signal, or `busy` when too many wait. */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#taken < maxAtOnce) {
      this.#taken++;
      return;
    }
    if (this.#waiting.size >= maxWaiting)
      throw new HttpFailure('connect', 'no', 'busy', 'Too many pages are being asked for; try again in a moment.');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => {
      this.#waiting.delete(resolve);
      reject(signal.reason as Error);
    };
    this.#waiting.add(resolve);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#taken--;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
