/**
 * Writes tests/adapters/calendar/dst-table.json: when cron expressions are due around every change of the clocks of
 * some zones, 2026 to 2030. It is there to disagree with us, so it shares nothing with what it tests: the changes come
 * from the system's `zdump` (not from Node's ICU), fields are read by ten lines of its own (not by croner), and due times
 * are found by walking through the days second by second, without any arithmetic of offsets. To be run again when the
 * rules of a zone change; then look at the difference before it is committed.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const zones = [
  'Europe/Berlin',
  'Europe/London',
  'America/New_York',
  'America/Los_Angeles',
  'America/St_Johns',
  'America/Santiago',
  'America/Havana',
  'Australia/Sydney',
  'Australia/Lord_Howe',
  'Pacific/Auckland',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Jerusalem',
];
const daySeconds = 86_400;
/** Seconds between two looks: all expressions below name times that are multiples of it. */
const tick = 10;

interface Change {
  /** Seconds since the epoch. */
  at: number;
  /** Seconds ahead of UTC before and after it. */
  from: number;
  to: number;
}

/** `Europe/Berlin  Sun Mar 29 01:00:00 2026 UT = Sun Mar 29 03:00:00 2026 CEST isdst=1 gmtoff=7200`, in pairs. */
function changesOf(zone: string): Change[] {
  const lines = execFileSync('zdump', ['-v', '-c', '2026,2031', zone], { encoding: 'utf8' }).split('\n');
  const known = lines.flatMap((line) => {
    const match = /\s\w{3} (\w{3}\s+\d+ \d\d:\d\d:\d\d \d{4}) UT = .* gmtoff=(-?\d+)$/.exec(line);
    return match === null ? [] : [{ at: Date.parse(`${match[1]} UTC`) / 1000, offset: Number(match[2]) }];
  });
  return known.flatMap(({ at, offset }, n) => {
    const before = known[n - 1];
    return before === undefined || before.at !== at - 1 || before.offset === offset
      ? []
      : [{ at, from: before.offset, to: offset }];
  });
}

/** The values a field names: `*`, `5`, `1-5`, `1,3`, and steps after a slash. */
function valuesOf(field: string, first: number, last: number): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [span = '', step = '1'] = part.split('/');
    const [from = 0, to = from] = span === '*' ? [first, last] : span.split('-').map(Number);
    for (let value = from; value <= to; value += Number(step)) values.add(value);
  }
  return values;
}

/** Tells whether an expression (day of month and month are `*` in all of them) names what a clock shows. */
function matcherOf(expression: string): (wall: number) => boolean {
  const fields = expression.split(' ');
  if (fields.length === 5) fields.unshift('0');
  const [second = '', minute = '', hour = '', , , weekday = ''] = fields;
  const [seconds, minutes, hours] = [valuesOf(second, 0, 59), valuesOf(minute, 0, 59), valuesOf(hour, 0, 23)];
  const weekdays = valuesOf(weekday, 0, 6);
  return (wall) =>
    seconds.has(wall % 60) &&
    minutes.has(Math.floor(wall / 60) % 60) &&
    hours.has(Math.floor(wall / 3600) % 24) &&
    weekdays.has((Math.floor(wall / daySeconds) + 4) % 7);
}

/** What the clock shows around a change, tick by tick. */
function daysAround(change: Change, changes: readonly Change[]): { at: number; wall: number }[] {
  const shown = [];
  for (let at = change.at - 3 * daySeconds; at <= change.at + 3 * daySeconds; at += tick) {
    const last = changes.findLast((other) => other.at <= at);
    shown.push({ at, wall: at + (last?.to ?? changes[0]?.from ?? 0) });
  }
  return shown;
}

/** From two days before the change, included, to two days after it, not included. */
function dueTimes(expression: string, change: Change, shown: readonly { at: number; wall: number }[]): number[] {
  const matches = matcherOf(expression);
  const [hours = ''] = expression.split(' ').slice(-4);
  const due = new Set<number>();
  const seen = new Set<number>();
  let before = shown[0]?.wall ?? 0;
  for (const { at, wall } of shown) {
    if (/[*/]/.test(hours)) {
      if (matches(wall)) due.add(at);
      continue;
    }
    // All that was skipped on the way here is due here.
    for (let named = before + tick; named < wall; named += tick) if (matches(named)) due.add(at);
    if (matches(wall) && !seen.has(wall)) due.add(at);
    seen.add(wall);
    before = wall;
  }
  const [from, to] = [change.at - 2 * daySeconds, change.at + 2 * daySeconds];
  return [...due].filter((at) => at >= from && at < to);
}

/** Times of the day that the change skips or shows twice, those at its edges, and what goes by the hour and the minute. */
function expressionsFor({ at, from, to }: Change): string[] {
  const [first, end] = [at + Math.min(from, to), at + Math.max(from, to)];
  const cron = (wall: number): string => `${Math.floor(wall / 60) % 60} ${Math.floor(wall / 3600) % 24} * *`;
  const middle = (first + end) / 2;
  const hour = Math.floor(middle / 3600) % 24;
  const weekday = (Math.floor(middle / daySeconds) + 4) % 7;
  return [
    `${cron(middle)} *`,
    `${cron(first)} *`,
    `${cron(first - 60)} *`,
    `${cron(end - 60)} *`,
    `${cron(end)} *`,
    `${cron(end + 60)} *`,
    `${cron(middle)} 1-5`,
    `${cron(middle)} ${weekday}`,
    `0 0 * * *`,
    `0 * * * *`,
    `45 * * * *`,
    `*/15 * * * *`,
    `*/30 * * * *`,
    `10 */2 * * *`,
    `30 1-3/2 * * *`,
    `*/15 ${hour} * * *`,
    `0,30 ${hour}-${Math.min(hour + 2, 23)} * * *`,
    `15 0-23 * * *`,
    `30 ${cron(middle)} *`,
    `*/20 ${cron(middle)} *`,
    `0 */10 * * * *`,
    `50 59 * * * *`,
  ];
}

/** Seconds since the beginning of the window, then the steps from each to the next: `9000 86400*3`. */
function written(times: readonly number[], start: number): string {
  const runs: { step: number; count: number }[] = [];
  for (const [n, at] of times.slice(1).entries()) {
    const step = at - (times[n] ?? 0);
    const last = runs.at(-1);
    if (last?.step === step) last.count += 1;
    else runs.push({ step, count: 1 });
  }
  const steps = runs.map(({ step, count }) => (count === 1 ? `${step}` : `${step}*${count}`));
  return times.length === 0 ? '' : [(times[0] ?? 0) - start, ...steps].join(' ');
}

const release = /version (\S+)/.exec(readFileSync('/usr/share/zoneinfo/tzdata.zi', 'utf8').slice(0, 100))?.[1];
const table = zones.map((zone) => {
  const changes = changesOf(zone);
  return {
    zone,
    changes: changes.map((change) => {
      const shown = daysAround(change, changes);
      const due = [...new Set(expressionsFor(change))].map((expression) => {
        const times = dueTimes(expression, change, shown);
        return [expression, written(times, change.at - 2 * daySeconds)] as const;
      });
      const { at, from, to } = change;
      return { at: new Date(at * 1000).toISOString(), from, to, due: Object.fromEntries(due) };
    }),
  };
});
const file = path.join(import.meta.dirname, '../tests/adapters/calendar/dst-table.json');
writeFileSync(file, `${JSON.stringify({ tzdata: release, table }, null, 2)}\n`);
