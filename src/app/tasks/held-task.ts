import type { TaskRow } from '../../core/ports/schedule-store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { TaskProgress } from '../../core/task.ts';

/** Between two events of one task's progress. */
const tellEveryMs = 500;
const maxProgressText = 200;

/** How long a lease is good for, by both clocks: the one on the wall that others go by, and the one that cannot be moved. */
export interface Lease {
  until: number;
  untilMonotonic: number;
}

/** A task that this process is at work on. */
export class HeldTask {
  readonly task: TaskRow;
  readonly controller = new AbortController();
  lease: Lease;
  /** Reported and not stored yet. */
  unsaved: TaskProgress | null = null;
  readonly #clock: Clock;
  readonly #tell: (progress: TaskProgress) => void;
  #untold: TaskProgress | null = null;
  #toldAt = -Infinity;
  #callOff: (() => void) | null = null;

  /** `tell` hears of progress at most twice a second, and of the latest in the end. */
  constructor(task: TaskRow, lease: Lease, clock: Clock, tell: (progress: TaskProgress) => void) {
    this.task = task;
    this.lease = lease;
    this.#clock = clock;
    this.#tell = tell;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  progressed({ done, text }: TaskProgress): void {
    if (this.signal.aborted) return;
    const share = done === null || Number.isNaN(done) ? null : Math.min(Math.max(done, 0), 1);
    const line = text.replaceAll(/\s+/g, ' ').trim().slice(0, maxProgressText).toWellFormed();
    this.unsaved = { done: share, text: line };
    this.#untold = this.unsaved;
    if (this.#callOff !== null) return;
    const waitMs = this.#toldAt + tellEveryMs - this.#clock.monotonic();
    if (waitMs <= 0) this.#tellNow();
    else this.#callOff = this.#clock.after(waitMs, () => this.#tellNow());
  }

  /** Nothing is told any more. */
  close(): void {
    this.#callOff?.();
    this.#untold = null;
  }

  #tellNow(): void {
    this.#callOff = null;
    if (this.#untold === null) return;
    this.#tell(this.#untold);
    this.#untold = null;
    this.#toldAt = this.#clock.monotonic();
  }
}
