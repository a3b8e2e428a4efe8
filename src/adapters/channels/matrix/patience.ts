/**
 * What a homeserver must ask another server for may never come, while it answers everything else: the history of a room,
 * an event that somebody only names. Nobody else is kept waiting for it.
 */
import type { ApiFailure } from './api.ts';

const maxTries = 4;
const maxKept = 1000;

export class Patience {
  readonly #tries = new Map<string, number>();

  /** Counts a failure that may pass; false when it was one too many. A server that asks to wait is waited for. */
  with(what: string, { status }: ApiFailure): boolean {
    if (status === 429 || status === 401) return true;
    const tries = (this.#tries.get(what) ?? 0) + 1;
    this.#tries.delete(what);
    if (tries >= maxTries) return false;
    this.#tries.set(what, tries);
    if (this.#tries.size > maxKept) this.#tries.delete(this.#tries.keys().next().value ?? '');
    return true;
  }
}
