/** Jobs and tasks in a sentence or two, as Markdown: when, what, where, and the next times on the clock of the job. */
import type { Payload } from '../payload.ts';
import type { JobView } from '../ports/schedule-gateway.ts';
import type { TaskRow } from '../ports/schedule-store.ts';
import type { Timing } from '../schedule.ts';
import type { ConversationRef } from '../message.ts';
import { goesTo, type TaskDelivery } from '../task.ts';
import { cronShape, type CronShape } from './cron-shape.ts';
import type { LengthUnit, ScheduleWords } from './schedule-words.ts';

/** Characters of a text of a person's that are shown of it. */
const maxPreview = 200;
const maxTitle = 60;

/** A date with its time: `Thu, 24 Dec 2026, 18:00`. */
export const momentText = (at: number, zone: string, { locale }: ScheduleWords): string =>
  formatted(at, locale, {
    timeZone: zone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    ...(at % 60_000 === 0 ? {} : { second: '2-digit' }),
  });

const formatted = (at: number, locale: string, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(locale, { hourCycle: 'h23', ...options }).format(at);

/** `every weekday at 09:00 (Europe/Berlin), except holidays in DE, until Mon, 1 Mar 2027, 23:59` */
export function whenText({ schedule, zone, except, endAt, maxRuns }: Timing, words: ScheduleWords): string {
  const parts: string[] = [];
  if (schedule.type === 'at') parts.push(`${words.once(momentText(schedule.at, zone, words))} (${zone})`);
  else if (schedule.type === 'every') {
    parts.push(everyText(schedule.everyMs, words), `${words.first(momentText(schedule.from, zone, words))} (${zone})`);
    if (schedule.everyMs % dayMs === 0 && changesClocks(zone, schedule.from)) parts.push(words.realTime);
  } else parts.push(`${cronText(schedule.expression, words)} (${zone})`);
  if (except.length > 0)
    parts.push(
      words.except(
        listText(
          except.map((day) => exceptText(day, words)),
          words,
        ),
      ),
    );
  if (endAt !== null) parts.push(words.until(endText(endAt, zone, words)));
  if (maxRuns !== null) parts.push(words.count(maxRuns));
  return parts.join(', ');
}

/** A day that is included to its end is named without a time. */
function endText(at: number, zone: string, words: ScheduleWords): string {
  const next = formatted(at + 1000, 'en', { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit' });
  if (next !== '00:00:00') return momentText(at, zone, words);
  return formatted(at, words.locale, {
    timeZone: zone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  });
}

const dayMs = 86_400_000;
const lengths: readonly [number, LengthUnit][] = [
  [7 * dayMs, 'week'],
  [dayMs, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
];

function everyText(ms: number, words: ScheduleWords): string {
  const [size, unit] = lengths.find(([each]) => ms % each === 0) ?? [1000, 'second'];
  return unitsText(unit, ms / size, words);
}

function unitsText(unit: LengthUnit, count: number, words: ScheduleWords): string {
  const style = { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 3 } as const;
  return words.every(unit, count, new Intl.NumberFormat(words.locale, style).format(count));
}

/** Whether clocks of the zone show something else half a year on. */
function changesClocks(zone: string, at: number): boolean {
  const offset = (time: number): string =>
    formatted(time, 'en', { timeZone: zone, timeZoneName: 'longOffset' }).slice(-6);
  return offset(at) !== offset(at + 182 * dayMs);
}

const listText = (items: readonly string[], { locale }: ScheduleWords): string =>
  new Intl.ListFormat(locale, { type: 'conjunction' }).format(items);

/** Plain words for the common shapes, the expression itself for the others. */
function cronText(expression: string, words: ScheduleWords): string {
  const shape = cronShape(expression);
  if (shape === null) return words.expression(expression.replaceAll('`', "'"));
  if (shape.type === 'every') return unitsText(shape.unit, shape.count, words);
  const times = listText(shape.times, words);
  switch (shape.type) {
    case 'weekly':
      return weeklyText(shape, times, words);
    case 'monthly': {
      const days = shape.days.map((day) => words.monthDay(day));
      return words.monthly(listText(days, words), times);
    }
    case 'nth':
      return words.nth(shape.n, weekdayText(shape.weekday, words), times);
    case 'yearly':
      // A leap year has every day.
      return words.yearly(dateText(Date.UTC(2028, shape.month - 1, shape.day), words, false), times);
  }
}

function weeklyText({ days }: Extract<CronShape, { type: 'weekly' }>, times: string, words: ScheduleWords): string {
  if (days.length === 7) return words.daily(times);
  if (days.join() === '1,2,3,4,5') return words.onWeekdays(times);
  // A week begins on Monday.
  const inOrder = days.toSorted((a, b) => ((a + 6) % 7) - ((b + 6) % 7));
  return words.onDays(
    listText(
      inOrder.map((day) => weekdayText(day, words)),
      words,
    ),
    times,
  );
}

/** The 2nd of January 2000 was a Sunday. */
const weekdayText = (weekday: number, { locale }: ScheduleWords): string =>
  formatted(Date.UTC(2000, 0, 2 + weekday), locale, { timeZone: 'UTC', weekday: 'long' });

const dateText = (at: number, { locale }: ScheduleWords, year: boolean): string =>
  formatted(at, locale, { timeZone: 'UTC', day: 'numeric', month: 'long', ...(year ? { year: 'numeric' } : {}) });

/** `holidays:DE`, `2026-12-24`, `2026-12-24/2027-01-02` */
function exceptText(day: string, words: ScheduleWords): string {
  if (day.startsWith('holidays:')) return words.holidays(regionText(day.slice('holidays:'.length), words));
  const [from = day, to] = day.split('/').map((date) => dateText(Date.parse(`${date}T00:00:00Z`), words, true));
  return to === undefined ? from : words.days(from, to);
}

/** `DE-BY`: `Germany, BY` */
function regionText(region: string, { locale }: ScheduleWords): string {
  const [country = '', ...parts] = region.split('-');
  const isCode = /^[A-Z]{2}$/.test(country);
  const name = isCode ? new Intl.DisplayNames(locale, { type: 'region' }).of(country) : undefined;
  return [name ?? country, ...parts].join(', ');
}

/** What a job or task does. */
export function doesText(payload: Payload, words: ScheduleWords): string {
  const { does } = words;
  switch (payload.kind) {
    case 'text':
      return does.text(preview(payload.text));
    case 'ask':
      return does.ask(preview(payload.prompt));
    case 'tool':
      return does.tool(code(payload.tool));
    case 'fetch':
      return does.fetch(preview(payload.url));
    case 'lookup':
      return does.lookup(preview(payload.query));
    case 'webhook':
      return does.webhook(code(payload.name));
    case 'file':
      return does.file(preview(payload.name));
    case 'workflow':
      return does.workflow(payload.steps.map(({ id }) => `\`${code(id)}\``).join(', '));
    case 'chore':
      return does.chore(code(payload.chore));
  }
}

/** Where it goes; empty when that is here. */
function goesText(deliver: TaskDelivery, here: ConversationRef | null, { goes }: ScheduleWords): string {
  if (deliver.to === 'nowhere') return goes.nowhere;
  if (deliver.to === 'webhook') return goes.webhook(code(deliver.name));
  if (deliver.to === 'session' || goesTo(deliver, here)) return '';
  return goes.conversation(deliver.conversation.channel);
}

/** The name as it may stand in Markdown, in one line. */
export const titleText = (name: string): string => preview(name, maxTitle);

/** All of a job: what was understood, what it does and where, and when it is due next. */
export function jobText({ job, next }: JobView, here: ConversationRef | null, words: ScheduleWords): string {
  const goes = job.payload.kind === 'chore' ? '' : goesText(job.deliver, here, words);
  const lines = [
    sentence(whenText(job, words)),
    `${doesText(job.payload, words)}${goes === '' ? '' : ` (${goes})`}`,
    job.state === 'active' ? nextText(next, job.zone, words) : sentence(stateText(job, words)),
    ...(job.runs + job.missedRuns === 0 ? [] : [words.runs(job.runs, job.missedRuns)]),
  ];
  return lines
    .filter((line) => line !== '')
    .map((line) => `- ${line}`)
    .join('\n');
}

const nextText = (next: JobView['next'], zone: string, words: ScheduleWords): string =>
  next.length === 0 ? '' : words.next(next.map(({ at }) => momentText(at, zone, words)).join(' · '));

function stateText({ state, reason }: JobView['job'], words: ScheduleWords): string {
  const why = reason === null ? '' : `: ${words.reasons[reason] ?? preview(reason)}`;
  return `${words.jobStates[state]}${state === 'paused' ? why : ''}`;
}

/** A job in a list. */
export function jobLine({ job, next }: JobView, words: ScheduleWords): string {
  const [soon] = next;
  const line = `- **${titleText(job.name)}** (\`${job.id}\`): ${whenText(job, words)}.`;
  if (soon === undefined) return `${line} ${sentence(stateText(job, words))}`;
  // Of a single time it is said already.
  if (job.schedule.type === 'at') return line;
  return `${line} ${sentence(words.next(momentText(soon.at, job.zone, words)))}`;
}

/** A task in a list, on the clock of who looks at it. */
export function taskLine(task: TaskRow, zone: string, words: ScheduleWords): string {
  const { id, name, state, progress, error, runAt, finishedAt, createdAt } = task;
  const parts = [words.taskStates[state]];
  if (state === 'queued') parts.push(words.begins(momentText(runAt, zone, words)));
  if (state === 'running' && progress !== null) {
    const done = progress.done === null ? '' : `${Math.round(progress.done * 100)} % `;
    parts.push(`${done}${preview(progress.text)}`.trim());
  }
  if (state === 'failed' && error !== null) parts.push(preview(error.message));
  if (finishedAt !== null) parts.push(momentText(Math.max(finishedAt, createdAt), zone, words));
  return `- **${titleText(name)}** (\`${id}\`): ${parts.join(', ')}`;
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const code = (text: string): string => text.replaceAll('`', "'");

/** A text of somebody's, which formats nothing here. */
function preview(text: string, max = maxPreview): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const cut = line.length <= max ? line : `${line.slice(0, max).toWellFormed()}…`;
  return cut.replaceAll(/[\\`*_~<>[\]!#|]/g, '\\$&');
}
