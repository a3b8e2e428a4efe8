/** The common shapes of cron expressions, for which there are plain words. */

export type CronShape =
  | { type: 'every'; unit: 'minute' | 'hour'; count: number }
  /** 0 is Sunday. */
  | { type: 'weekly'; days: readonly number[]; times: readonly string[] }
  /** Days of the month, -1 is the last. */
  | { type: 'monthly'; days: readonly number[]; times: readonly string[] }
  /** The n-th such day of the week of the month, -1 is the last. */
  | { type: 'nth'; n: number; weekday: number; times: readonly string[] }
  | { type: 'yearly'; day: number; month: number; times: readonly string[] };

/** More times of a day than are told one by one. */
const maxTimes = 6;
const everyDay = [0, 1, 2, 3, 4, 5, 6];

/** Of five fields, or six whose seconds are 0; null for every other shape, also for one that makes no sense. */
export function cronShape(expression: string): CronShape | null {
  const fields = expression.trim().split(/\s+/);
  if (fields.length === 6 && fields.shift() !== '0') return null;
  const [minute = '', hour = '', day = '', month = '', weekday = '', ...more] = fields;
  if (more.length > 0) return null;
  const always = day === '*' && month === '*' && weekday === '*';
  if (always && hour === '*') return repeated('minute', minute, 60);
  if (always && minute === '0' && hour.startsWith('*/')) return repeated('hour', hour, 24);
  const times = timesOf(minute, hour);
  if (times === null) return null;
  const days = numbers(day, 1, 31);
  if (month !== '*') {
    const [only, ...others] = numbers(month, 1, 12) ?? [];
    const [first, ...rest] = days ?? [];
    if (only === undefined || first === undefined || others.length + rest.length > 0 || weekday !== '*') return null;
    return { type: 'yearly', day: first, month: only, times };
  }
  if (weekday === '*') {
    if (day === '*') return { type: 'weekly', days: everyDay, times };
    return days === null ? null : { type: 'monthly', days, times };
  }
  if (day !== '*') return null;
  const [, which, n] = /^([0-7])#([1-5L])$/.exec(weekday) ?? [];
  if (which !== undefined) return { type: 'nth', n: n === 'L' ? -1 : Number(n), weekday: Number(which) % 7, times };
  const on = numbers(weekday, 0, 7)?.map((each) => each % 7);
  return on === undefined ? null : { type: 'weekly', days: everyDay.filter((each) => on.includes(each)), times };
}

/** Every so many minutes or hours, where that goes on over the full hour or day. */
function repeated(unit: 'minute' | 'hour', field: string, round: number): CronShape | null {
  if (field === '*') return { type: 'every', unit, count: 1 };
  if (unit === 'minute' && field === '0') return { type: 'every', unit: 'hour', count: 1 };
  const count = Number(/^\*\/(\d{1,2})$/.exec(field)?.[1] ?? 0);
  return count > 0 && count < round && round % count === 0 ? { type: 'every', unit, count } : null;
}

function timesOf(minute: string, hour: string): string[] | null {
  const [only, ...others] = numbers(minute, 0, 59) ?? [];
  const hours = numbers(hour, 0, 23);
  if (only === undefined || others.length > 0 || hours === null || hours.length > maxTimes) return null;
  return hours.map((each) => `${String(each).padStart(2, '0')}:${String(only).padStart(2, '0')}`);
}

/** `1,15`, `1-5`; `L` of days of the month is -1. */
function numbers(field: string, min: number, max: number): number[] | null {
  const list: number[] = [];
  for (const part of field.split(',')) {
    const [, from = '', to = from] = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(part) ?? [];
    if (part === 'L' && max === 31) list.push(-1);
    else if (from === '' || Number(from) < min || Number(to) > max || Number(from) > Number(to)) return null;
    else for (let each = Number(from); each <= Number(to); each++) list.push(each);
  }
  return list;
}
