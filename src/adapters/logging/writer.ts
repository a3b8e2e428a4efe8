import { setTimeout as sleep } from 'node:timers/promises';

/** Where lines go. A target is told one batch at a time and may take as long as it wants. */
export interface Target {
  /** Whole lines, each with its line break. Rejects when they could not be written. */
  write(lines: string): Promise<void>;
  /** At process exit, when nothing asynchronous runs any more. Never throws. */
  writeNow(lines: string): void;
  close(): Promise<void>;
}

/** Characters waiting at most; a target that hangs must not fill the memory. */
const maxWaiting = 1024 * 1024;
/** Characters handed over at once. */
const maxBatch = 64 * 1024;

/**
 * A bounded buffer before a target. `add` only remembers; lines go out together on the next turn of the event loop.
 * When the buffer is full the newest lines are dropped and counted. Never throws, never waits.
 */
export class Writer {
  readonly #target: Target;
  readonly #dropNotice: (count: number) => string;
  readonly #onFailure: (reason: Error) => void;
  #lines: string[] = [];
  #waiting = 0;
  #dropped = 0;
  #failure: Error | null = null;
  #unreported = 0;
  #draining: Promise<void> | null = null;
  #closed = false;
  readonly #atExit = (): void => this.#writeNow();

  /** `onFailure` hears why lines cannot be written, once until they can again. `dropNotice` renders the line that tells how many lines are missing before it. */
  constructor(target: Target, dropNotice: (count: number) => string, onFailure: (reason: Error) => void) {
    this.#target = target;
    this.#dropNotice = dropNotice;
    this.#onFailure = onFailure;
    process.once('exit', this.#atExit);
  }

  /** Lines that were never written, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Why the last lines could not be written; null when they could. */
  get failure(): Error | null {
    return this.#failure;
  }

  add(line: string): void {
    if (this.#closed || this.#waiting + line.length >= maxWaiting) {
      this.#drop(1);
      return;
    }
    this.#lines.push(`${line}\n`);
    this.#waiting += line.length + 1;
    this.#draining ??= this.#drain();
  }

  /** Resolves when everything that was added before is written or dropped. */
  async flush(): Promise<void> {
    await this.#draining;
  }

  /** Writes what waits, for at most `deadlineMs`, and closes the target; what comes later is dropped. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const closing = (this.#draining ?? Promise.resolve()).then(() => this.#target.close()).catch(() => {});
    await Promise.race([closing, sleep(deadlineMs, undefined, { ref: false })]);
    process.removeListener('exit', this.#atExit);
  }

  #drop(count: number): void {
    this.#dropped += count;
    this.#unreported += count;
  }

  async #drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#lines.length > 0) {
      const { lines, missing } = this.#take(maxBatch);
      try {
        await this.#target.write(this.#joined(lines, missing));
        this.#failure = null;
      } catch (error) {
        const first = this.#failure === null;
        this.#failure = error instanceof Error ? error : new Error(String(error));
        if (first) this.#onFailure(this.#failure);
        this.#unreported += missing;
        this.#drop(lines.length);
      }
    }
    this.#draining = null;
  }

  #take(max: number): { lines: string[]; missing: number } {
    let size = 0;
    let count = 0;
    for (const line of this.#lines) {
      if (count > 0 && size + line.length > max) break;
      size += line.length;
      count++;
    }
    this.#waiting -= size;
    const missing = this.#unreported;
    this.#unreported = 0;
    return { lines: this.#lines.splice(0, count), missing };
  }

  /** The lines that were dropped are newer than those before them and older than these. */
  #joined(lines: readonly string[], missing: number): string {
    const notice = missing > 0 ? `${this.#dropNotice(missing)}\n` : '';
    return notice + lines.join('');
  }

  #writeNow(): void {
    if (this.#lines.length === 0) return;
    const { lines, missing } = this.#take(maxWaiting);
    this.#target.writeNow(this.#joined(lines, missing));
  }
}
