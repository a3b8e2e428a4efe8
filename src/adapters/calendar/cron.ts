/** Cron expressions as arithmetic on what a clock shows, by croner. Loaded with the first job that has one. */
import { CronDate, CronPattern } from 'croner';

/** The longest that is read: all sixty minutes and seconds may be listed. */
const maxLength = 500;
/** About 3 KB each, and read in a tenth of a millisecond. */
const maxExpressions = 128;

const accepted =
  'it takes five fields: minute 0-59, hour 0-23, day of month 1-31, month 1-12 or JAN-DEC, day of week 0-7 or SUN-SAT; or six, seconds first. ' +
  'In each: *, numbers, lists 1,3, spans 1-5, steps */15 or 8-18/2';

export interface CronExpression {
  /** Due whenever the clock shows it: its hours have `*` or a step. Otherwise it names times of the day: once on each. */
  readonly follows: boolean;
  /** The first time after this one that it names, a whole second. Both in wall milliseconds. */
  next(wall: number): number | null;
}

let everyYear: number[] | null = null;

/** Reads expressions, and keeps those that were used last. */
export class CronReader {
  readonly #read = new Map<string, CronExpression>();

  /** Throws what `problem` tells. */
  read(expression: string): CronExpression {
    const read = this.#read.get(expression) ?? parse(expression);
    this.#read.delete(expression);
    this.#read.set(expression, read);
    const [oldest] = this.#read.keys();
    if (this.#read.size > maxExpressions && oldest !== undefined) this.#read.delete(oldest);
    return read;
  }

  /** What is wrong with it, in words that say what is accepted. Null: nothing. */
  problem(expression: string): string | null {
    try {
      this.read(expression);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

/**
 * Day of month and day of week: either is enough when both are given, as in every cron; `+FRI` asks for both. `L`, `W`
 * and `#` as croner reads them: last day or last Friday (`5L`) of the month, nearest weekday (`15W`), second Monday
 * (`MON#2`). Not accepted: nicknames, as `@reboot` cannot be one of them; `?`, which means something else in every
 * cron; a field of years, as a job has an end.
 */
function parse(expression: string): CronExpression {
  const fields = expression.trim().split(/\s+/);
  const [hours = ''] = fields.slice(-4);
  const named = `cron "${expression.trim().slice(0, 80)}"`;
  const wrong = (why: string): Error => new Error(`${named} ${why}; ${accepted}.`);
  if (expression.trim() === '') throw wrong('is empty');
  if (expression.length > maxLength) throw wrong(`is longer than ${maxLength} characters`);
  if (expression.includes('@')) throw wrong('is a nickname; write @daily as 0 0 * * * and @hourly as 0 * * * *');
  if (fields.length !== 5 && fields.length !== 6)
    throw wrong(`has ${fields.length} field${fields.length === 1 ? '' : 's'}`);
  const strange = /[^\dA-Za-z*,/#+-]/.exec(fields.join(''));
  if (strange !== null) throw wrong(`has "${strange[0]}" in it`);
  let pattern: CronPattern;
  try {
    pattern = new CronPattern(fields.join(' '), undefined, { mode: '5-or-6-parts' });
  } catch (error) {
    throw wrong(`is not understood (${reasonOf(error)})`);
  }
  // A list of ten thousand years, the same for all, as none has a field for them: 80 KB each otherwise.
  pattern.year = everyYear ??= pattern.year;
  // Croner compares fields only, in UTC, where no clock is changed: when a clock shows them is known to Zone.
  const next = (wall: number): number | null =>
    new CronDate(new Date(wall), 0).increment(pattern, { domAndDow: false }, false)?.getTime() ?? null;
  if (next(anyTime) === null) throw new Error(`${named} is never due: such a day never comes.`);
  return { follows: /[*/]/.test(hours), next };
}

/** From any moment on 400 years have every day that there is. */
const anyTime = Date.UTC(2026, 0, 1);

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .replace(/^CronPattern: (Syntax error, )?/, '')
    .replace('configuration entry', 'field')
    .slice(0, 120)
    .replace(/\.$/, '');
