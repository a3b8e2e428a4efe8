import { Jobs } from '../app/schedule/jobs.ts';
import { readWords } from '../app/schedule/read-words.ts';
import { Scheduler } from '../app/schedule/scheduler.ts';
import { createCalendar } from '../adapters/calendar/index.ts';
import type { Audit } from '../app/audit/audit.ts';
import type { CrashPoint } from '../app/lifecycle/crash-points.ts';
import { TaskRunner } from '../app/tasks/runner.ts';
import type { Bus } from '../core/ports/bus.ts';
import type { Calendar } from '../core/ports/calendar.ts';
import { maxCatchUp } from '../core/schedule.ts';
import type { LiveConfig } from './live-config.ts';
import { composeTasks, type TaskParts } from './tasks.ts';

export interface ScheduleParts extends Omit<TaskParts, 'calendar'> {
  live: LiveConfig;
  bus: Bus;
  crash: CrashPoint;
  audit: Pick<Audit, 'record'>;
}

/** Jobs, who sees to it that they are due in time, and who carries out what they begin. */
export function composeSchedule(parts: ScheduleParts): {
  calendar: Calendar;
  jobs: Jobs;
  scheduler: Scheduler;
  runner: TaskRunner;
} {
  const { live, mintId } = parts;
  const calendar = createCalendar();
  const { delivery: _, ...ground } = { ...parts, calendar };
  const { kinds, handOver, tellFailure, delivery } = composeTasks({ ...parts, calendar });
  const pollMs = (): number => live.config.scheduler.poll_interval;
  const runner = new TaskRunner({
    ...parts,
    kinds,
    handOver,
    tellFailure,
    node: mintId('task'),
    settings: () => {
      const { concurrency, per_person: perPerson, kinds: limits, timeout, lease } = live.config.tasks;
      return { concurrency, perPerson, kinds: limits, timeoutMs: timeout, leaseMs: lease, pollMs: pollMs() };
    },
  });
  const scheduler = new Scheduler({
    ...ground,
    tasks: runner,
    settings: () => {
      const { enabled, grace: graceMs } = live.config.scheduler;
      return { enabled, graceMs, pollMs: pollMs(), maxWaiting: maxCatchUp };
    },
  });
  const jobs = new Jobs({
    ...ground,
    runner,
    scheduler,
    kinds,
    delivery,
    readWords,
    settings: () => {
      const { scheduler: of, tasks } = live.config;
      return {
        zone: live.timeZone,
        maxJobs: of.max_jobs,
        minIntervalMs: of.min_interval,
        maxLatenessMs: of.max_lateness,
        maxOpen: tasks.max_open,
        retries: tasks.retries,
      };
    },
  });
  return { calendar, jobs, scheduler, runner };
}
