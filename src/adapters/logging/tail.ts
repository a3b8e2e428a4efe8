import type { LogFilter, LogLine, LogTail } from '../../core/ports/maintenance-gateway.ts';
import type { LogLevel } from '../../core/ports/system.ts';

/** Characters of the lines that are kept. */
export const maxTailLength = 262_144;

export const ranks: Record<LogLevel, number> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 };

/** The last lines of the log in memory, for `open-clanker logs`. */
export class Tail implements LogTail {
  #lines: LogLine[] = [];
  #length = 0;
  #last: number;
  readonly #listeners = new Set<(line: LogLine) => void>();

  /** `now`: lines of a later process have greater numbers. */
  constructor(now: number) {
    this.#last = now * 1000;
  }

  add(at: number, level: LogLevel, text: string): void {
    const line = { n: ++this.#last, at, level, text };
    this.#lines.push(line);
    this.#length += text.length;
    if (this.#length > maxTailLength) this.#drop();
    for (const hear of this.#listeners) hear(line);
  }

  lines({ level = 'trace', since = 0, after = 0 }: LogFilter, limit: number): LogLine[] {
    const fitting = this.#lines.filter(
      (line) => line.n > after && line.at >= since && ranks[line.level] >= ranks[level],
    );
    return fitting.slice(-limit);
  }

  follow(hear: (line: LogLine) => void): () => void {
    this.#listeners.add(hear);
    return () => this.#listeners.delete(hear);
  }

  /** A quarter at once, so that it is seldom done. */
  #drop(): void {
    let count = 0;
    while (this.#length > maxTailLength * 0.75) this.#length -= this.#lines[count++]?.text.length ?? 0;
    this.#lines = this.#lines.slice(count);
  }
}
