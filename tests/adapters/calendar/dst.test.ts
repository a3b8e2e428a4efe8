import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { CronReader } from '../../../src/adapters/calendar/cron.ts';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import { nextOfCron } from '../../../src/adapters/calendar/next-of-cron.ts';
import type { Timing } from '../../../src/core/schedule.ts';
import { Zone, zoneNamed } from '../../../src/core/zone.ts';

/** By tools/dst-table.ts, which knows nothing of Node's time zones and of croner. */
interface Table {
  tzdata: string;
  table: { zone: string; changes: Change[] }[];
}
interface Change {
  at: string;
  /** Seconds ahead of UTC before and after it. */
  from: number;
  to: number;
  /** Of each expression the seconds since two days before the change, then steps: `9000 86400*3`. */
  due: Record<string, string>;
}

const { tzdata, table } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'dst-table.json'), 'utf8')) as Table;
const windowMs = 2 * 86_400_000;
/** Seconds from a change to moments at which somebody may ask for what is next. */
const around = [-5400, -3600, -1800, -1, -0.5, 0, 0.5, 1, 899, 1800, 3599, 3600, 5400];
const calendar = createCalendar();
const reader = new CronReader();

const cron = (expression: string, zone: string): Timing => ({
  schedule: { type: 'cron', expression },
  zone,
  except: [],
  endAt: null,
  maxRuns: null,
});

before(() => calendar.load([cron('* * * * *', 'UTC')]));

function timesOf(written: string, start: number): number[] {
  const times: number[] = [];
  for (const word of written.split(' ').filter((part) => part !== '')) {
    const [step = 0, count = 1] = word.split('*').map(Number);
    for (let n = 0; n < count; n += 1) times.push((times.at(-1) ?? start) + step * 1000);
  }
  return times;
}

/** A clock with the changes of the table, in place of those that Node knows. */
class TableZone extends Zone {
  readonly #changes: readonly Change[];

  constructor(zone: string, changes: readonly Change[]) {
    super(zone);
    this.#changes = changes;
  }

  override offset(at: number): number {
    const last = this.#changes.findLast((change) => Date.parse(change.at) <= at);
    return 1000 * (last?.to ?? this.#changes[0]?.from ?? 0);
  }
}

const moment = (at: number): string => new Date(at).toISOString();

/** The first change of the clocks that Node and the table do not agree about. */
function differs(known: Zone, listed: Zone): number | null {
  const end = Date.UTC(2031, 0, 1);
  let at = Date.UTC(2026, 0, 1);
  while (known.offset(at) === listed.offset(at)) {
    const near = at + windowMs;
    const [mine, theirs] = [known.change(at, near), listed.change(at, near)];
    if (mine !== theirs) return mine ?? theirs;
    at = near;
    if (at > end) return null;
  }
  return at;
}

for (const { zone, changes } of table)
  test(`every change of the clocks in ${zone} from 2026 to 2030 is met as in the table`, (t) => {
    const listed = new TableZone(zone, changes);
    // Governments change rules, and Node's copy of them may be older or newer than the table's: from the first difference
    // on the clock of the table is asked, so that the arithmetic is held against all of it and the data are not.
    const difference = differs(zoneNamed(zone), listed);
    let compared = 0;
    let byTable = 0;
    for (const change of changes) {
      const start = Date.parse(change.at) - windowMs;
      const own = difference === null || start + 2 * windowMs < difference;
      if (!own) byTable += 1;
      for (const [expression, written] of Object.entries(change.due)) {
        const expected = timesOf(written, start);
        const next = (after: number): number | null =>
          own ? calendar.next(cron(expression, zone), after) : nextOfCron(reader.read(expression), listed, after);
        const due: number[] = [];
        for (let at = next(start - 1); at !== null && at < start + 2 * windowMs; at = next(at)) due.push(at);
        const shown = (times: number[]): string => times.map(moment).join('\n');
        assert.equal(
          shown(due),
          shown(expected),
          `${expression} in ${zone}, where the clock is changed at ${change.at}`,
        );
        compared += expected.length;
        for (const seconds of around) {
          const after = Date.parse(change.at) + seconds * 1000;
          const first = expected.find((at) => at > after);
          if (first === undefined) continue;
          assert.equal(moment(next(after) ?? 0), moment(first), `${expression} in ${zone} after ${moment(after)}`);
          compared += 1;
        }
      }
    }
    t.diagnostic(`${compared} due times around ${changes.length} changes`);
    if (difference !== null)
      t.diagnostic(
        `from ${moment(difference)} on ${zone} is ${listed.offset(difference) / 3.6e6} h ahead of UTC in ${tzdata}, of which ` +
          `the table is made, and ${zoneNamed(zone).offset(difference) / 3.6e6} h in ${process.versions['tz']}, which Node has: ` +
          `${byTable} of its changes were compared on the clock of the table`,
      );
    assert.ok(changes.length >= 10 && compared > 15_000, 'the table has the changes of five years');
  });
