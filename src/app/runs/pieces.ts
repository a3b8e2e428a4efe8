import type { Clock } from '../../core/ports/system.ts';

/** Runs at work from which on text is told at the pace below. */
export const crowdedRuns = 16;
/** Twenty times a second: more is hardly seen, and each piece is a frame for whoever listens. */
const paceMs = 48;
/** What waits is told on a beat that all runs share: frames that go out together cost less than one by one. */
const beatMs = 16;

/**
 * Tells the text of one run in pieces: each in the moment it comes, and while many runs are at work those that come
 * soon after another one together, twenty times a second.
 */
export class Pieces {
  readonly #clock: Clock;
  readonly #crowded: () => boolean;
  readonly #tell: (text: string) => void;
  #held = '';
  /** Nothing is told before it fires. */
  #callOff: (() => void) | null = null;

  constructor(clock: Clock, crowded: () => boolean, tell: (text: string) => void) {
    this.#clock = clock;
    this.#crowded = crowded;
    this.#tell = tell;
  }

  push(text: string): void {
    this.#held += text;
    if (this.#callOff === null) this.#say();
  }

  /** What was held is told now: something else follows, or nothing more. */
  flush(): void {
    this.#callOff?.();
    this.#callOff = null;
    const text = this.#held;
    this.#held = '';
    if (text !== '') this.#tell(text);
  }

  #say(): void {
    this.flush();
    if (!this.#crowded()) return;
    const now = this.#clock.monotonic();
    const due = Math.round((now + paceMs) / beatMs) * beatMs;
    this.#callOff = this.#clock.after(due - now, () => {
      this.#callOff = null;
      if (this.#held !== '') this.#say();
    });
  }
}
