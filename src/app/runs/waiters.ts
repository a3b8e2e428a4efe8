import type { ChatAnswer } from '../../core/ports/gateway.ts';

interface Waiter {
  owner: string;
  sessionKey: string;
  answer: Promise<ChatAnswer>;
  resolve(answer: ChatAnswer): void;
  reject(error: Error): void;
  count: number;
  watched: boolean;
}

/** Who waits for the end of which run; bounded by the connections that wait. */
export class RunWaiters {
  readonly #waiters = new Map<string, Waiter>();

  /** The run's answer, and how to stop waiting for it. */
  wait(
    runId: string,
    { owner, sessionKey }: { owner: string; sessionKey: string },
  ): { answer: Promise<ChatAnswer>; leave: () => void } {
    let waiter = this.#waiters.get(runId);
    if (waiter === undefined) {
      const { promise: answer, resolve, reject } = Promise.withResolvers<ChatAnswer>();
      // Nobody may be waiting any more when it fails; that is not an unhandled rejection.
      answer.catch(() => undefined);
      waiter = { owner, sessionKey, answer, resolve, reject, count: 0, watched: false };
      this.#waiters.set(runId, waiter);
    }
    const mine = waiter;
    mine.count += 1;
    let left = false;
    return {
      answer: mine.answer,
      leave: () => {
        if (left) return;
        left = true;
        mine.count -= 1;
        if (mine.count === 0 && this.#waiters.get(runId) === mine) this.#waiters.delete(runId);
      },
    };
  }

  /** Somebody is shown the deltas of this run as they come. */
  watch(runId: string): void {
    const waiter = this.#waiters.get(runId);
    if (waiter !== undefined) waiter.watched = true;
  }

  watched(runId: string): boolean {
    return this.#waiters.get(runId)?.watched ?? false;
  }

  /** Whose run it is; null when nobody waits for it. */
  ownerOf(runId: string): string | null {
    return this.#waiters.get(runId)?.owner ?? null;
  }

  resolve(runId: string, answer: ChatAnswer): void {
    this.#waiters.get(runId)?.resolve(answer);
    this.#waiters.delete(runId);
  }

  reject(runId: string, error: Error): void {
    this.#waiters.get(runId)?.reject(error);
    this.#waiters.delete(runId);
  }

  /** Of one person, who was erased. */
  rejectOf(owner: string, error: Error): void {
    for (const [runId, waiter] of this.#waiters) if (waiter.owner === owner) this.reject(runId, error);
  }

  /** Of one session (it was deleted, and with it what waited in it), or of all (nothing begins any more). */
  rejectAll(error: Error, sessionKey?: string): void {
    for (const [runId, waiter] of this.#waiters) {
      if (sessionKey === undefined || waiter.sessionKey === sessionKey) this.reject(runId, error);
    }
  }
}
