/** Parts kept in mind, most recently seen; enough for what can be sent while an answer is waited for. */
const maxEchoes = 1000;
const maxWaiting = 100;

/**
 * Which parts Meta has told to be on their way. A send has no idempotency key, but what we give with it comes back with
 * its statuses: after a lost answer that tells whether the message exists, and its id.
 */
export class Echoes {
  readonly #ids = new Map<string, string>();
  readonly #waiting = new Map<string, Set<(id: string) => void>>();

  heard(callback: string, id: string): void {
    this.#ids.delete(callback);
    this.#ids.set(callback, id);
    const oldest = this.#ids.keys().next().value;
    if (this.#ids.size > maxEchoes && oldest !== undefined) this.#ids.delete(oldest);
    for (const tell of this.#waiting.get(callback) ?? []) tell(id);
  }

  /** The id of the message, now or when it is told within `waitMs`; else null. */
  find(callback: string, waitMs: number, signal: AbortSignal): Promise<string | null> {
    const known = this.#ids.get(callback);
    if (known !== undefined || signal.aborted || this.#waiting.size >= maxWaiting) {
      return Promise.resolve(known ?? null);
    }
    return new Promise((resolve) => {
      const finish = (id: string | null): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        const others = this.#waiting.get(callback);
        others?.delete(finish);
        if (others?.size === 0) this.#waiting.delete(callback);
        resolve(id);
      };
      const giveUp = (): void => finish(null);
      const timer = setTimeout(giveUp, waitMs);
      signal.addEventListener('abort', giveUp, { once: true });
      const waiting = this.#waiting.get(callback) ?? new Set();
      this.#waiting.set(callback, waiting.add(finish));
    });
  }
}
