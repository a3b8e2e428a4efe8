import type { Clock } from '../../core/ports/system.ts';

/** All runs together tell so many in a second, each its even share: every piece is a frame for whoever listens. */
const piecesPerSecond = 1500;
/** What waits is told on a beat that all runs share: frames that go out together cost less than one by one. */
const beatMs = 16;

/**
 * Tells the text of one run in pieces: each in the moment it comes, and while many runs are at work those that come
 * soon after another one together. A hundred runs tell theirs fifteen times a second.
 */
export class Pieces {
  readonly #clock: Clock;
  readonly #atWork: () => number;
  readonly #tell: (text: string) => void;
  #held = '';
  /** Nothing is told before it fires. */
  #callOff: (() => void) | null = null;

  constructor(clock: Clock, atWork: () => number, tell: (text: string) => void) {
    this.#clock = clock;
    this.#atWork = atWork;
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
    const paceMs = (this.#atWork() * 1000) / piecesPerSecond;
    if (paceMs < beatMs) return;
    const now = this.#clock.monotonic();
    const due = Math.round((now + paceMs) / beatMs) * beatMs;
    this.#callOff = this.#clock.after(due - now, () => {
      this.#callOff = null;
      if (this.#held !== '') this.#say();
    });
  }
}
