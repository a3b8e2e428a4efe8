import type { PayloadKind } from '../payload.ts';
import type { JobState } from '../schedule.ts';
import type { TaskState } from '../task.ts';

export type LengthUnit = 'second' | 'minute' | 'hour' | 'day' | 'week';

/** What is said about jobs and tasks, in one language. Names, texts and times come as they may stand in Markdown. */
export interface ScheduleWords {
  /** Whose dates and lists these are, as BCP 47. */
  locale: string;

  // ── when; each continues a sentence
  /** Once, at a date with a time. */
  once(time: string): string;
  /** `length`: `15 minutes`. */
  every(unit: LengthUnit, count: number, length: string): string;
  /** The first time of `every`. */
  first(time: string): string;
  /** Behind `every` in whole days: it does not follow the clocks when they change. */
  realTime: string;
  daily(times: string): string;
  /** From Monday to Friday. */
  onWeekdays(times: string): string;
  /** `days`: `Monday and Thursday`. */
  onDays(days: string, times: string): string;
  /** `days`: several by `monthDay`, listed. */
  monthly(days: string, times: string): string;
  /** -1 is the last. */
  monthDay(day: number): string;
  /** The n-th such day of the week of every month, -1 is the last. */
  nth(n: number, weekday: string, times: string): string;
  /** `date`: `24 December`. */
  yearly(date: string, times: string): string;
  expression(code: string): string;
  /** `days`: several, listed. */
  except(days: string): string;
  /** `region`: `Germany`, `Germany, BY`. */
  holidays(region: string): string;
  /** Both ends included. */
  days(from: string, to: string): string;
  until(time: string): string;
  count(times: number): string;

  // ── what and where
  does: Readonly<Record<PayloadKind, (what: string) => string>>;
  /** To another place than here. */
  goes: {
    conversation(channel: string): string;
    webhook(name: string): string;
    nowhere: string;
  };

  // ── how it stands
  jobStates: Readonly<Record<JobState, string>>;
  taskStates: Readonly<Record<TaskState, string>>;
  /** Why a job is paused or finished, by what is stored. */
  reasons: Readonly<Record<string, string>>;
  /** `times`: the next ones, listed. */
  next(times: string): string;
  /** How often it ran and was missed. */
  runs(fired: number, missed: number): string;
  /** When a task begins. */
  begins(time: string): string;

  // ── what commands answer
  /** Before what was understood. */
  noted: string;
  /** The person did not say theirs. `command`: says it. */
  zoneAssumed(zone: string, command: string): string;
  /** How /remind is used; `examples`: whole commands. */
  howToRemind(examples: string): string;
  /** When is known, of what is not. */
  remindOfWhat: string;
  yourJobs: string;
  noJobs: string;
  /** In a group, where only what comes there is shown. */
  noJobsHere: string;
  chores: string;
  more: string;
  yourTasks: string;
  noTasks: string;
  cancel: string;
  pause: string;
  resume: string;
  run: string;
  remove: string;
  retry: string;
  /** Before a button that removes. */
  sureToRemove(name: string): string;
  removed(name: string): string;
  paused(name: string): string;
  resumed(name: string): string;
  started(name: string): string;
  cancelled(name: string): string;
  retried(name: string): string;
  noSuchJob: string;
  noSuchTask: string;
  /** How /jobs and /tasks are used. */
  howToUseJobs: string;
  howToUseTasks: string;
  onlyOwners: string;
  /** Why something was not done, by the code of the error; others come in the words of the error. */
  refused: Readonly<Record<string, string>>;
}
