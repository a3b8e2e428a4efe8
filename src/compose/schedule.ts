import { createCalendar } from '../adapters/calendar/index.ts';
import { nextLocal } from '../adapters/system/index.ts';
import { keepChores } from '../app/schedule/chores.ts';
import type { JobsSettings } from '../app/schedule/asker.ts';
import { Scheduler } from '../app/schedule/scheduler.ts';
import { TaskRunner } from '../app/tasks/runner.ts';
import { once } from '../core/once.ts';
import type { ScheduleGateway } from '../core/ports/schedule-gateway.ts';
import { maxCatchUp } from '../core/schedule.ts';
import { choreKindOf } from './chores.ts';
import type { Messages } from './messages.ts';
import { composeTasks } from './tasks.ts';

export type Schedule = Messages & ReturnType<typeof composeSchedule>;

/** The way of a job: jobs, who sees to it that they are due in time, and who carries out what they begin. */
export function composeSchedule(messages: Messages) {
  const { live, mintId, channels, models, jobRights: rights } = messages;
  const calendar = createCalendar();
  const planChores = (): Promise<void> =>
    keepChores({
      ...messages,
      calendar,
      nextLocal,
      times: () => live.config.scheduler.chores,
      zone: () => live.config.scheduler.time_zone ?? null,
      machineZone: () => live.timeZone,
      wake: () => scheduler.wake(),
    });
  const chore = (): ReturnType<typeof choreKindOf> =>
    choreKindOf({
      ...messages,
      channels: () => channels.status(),
      providers: () => models.status(),
      retention: () => live.retention,
      channelRetention: () => live.channelRetention,
      keepTasksMs: () => live.config.tasks.retention,
      plan: planChores,
    });
  const ground = { ...messages, calendar, rights, chore };
  const { kinds, handOver, failureNotice, delivery } = composeTasks(ground);
  const pollMs = (): number => live.config.scheduler.poll_interval;
  const runner = new TaskRunner({
    ...ground,
    kinds,
    handOver,
    failureNotice,
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
  const settings = (): JobsSettings => {
    const { scheduler: of, tasks } = live.config;
    return {
      zone: live.timeZone,
      maxJobs: of.max_jobs,
      minIntervalMs: of.min_interval,
      maxLatenessMs: of.max_lateness,
      maxOpen: tasks.max_open,
      retries: tasks.retries,
    };
  };
  const jobs = once(async (): Promise<ScheduleGateway> => {
    const [{ Jobs }, { readWords }] = await Promise.all([
      import('../app/schedule/jobs.ts'),
      import('../app/schedule/read-words.ts'),
    ]);
    return new Jobs({ ...ground, runner, scheduler, kinds, delivery, readWords, settings });
  });
  return { calendar, planChores, schedule: loadedWhenAsked(jobs), scheduler, runner };
}

/** What people may do with jobs is loaded when the first of them does. */
const loadedWhenAsked = (jobs: () => Promise<ScheduleGateway>): ScheduleGateway => ({
  previewJob: async (...asked) => (await jobs()).previewJob(...asked),
  addJob: async (...asked) => (await jobs()).addJob(...asked),
  jobs: async (...asked) => (await jobs()).jobs(...asked),
  job: async (...asked) => (await jobs()).job(...asked),
  editJob: async (...asked) => (await jobs()).editJob(...asked),
  pauseJob: async (...asked) => (await jobs()).pauseJob(...asked),
  resumeJob: async (...asked) => (await jobs()).resumeJob(...asked),
  runJob: async (...asked) => (await jobs()).runJob(...asked),
  removeJob: async (...asked) => (await jobs()).removeJob(...asked),
  slots: async (...asked) => (await jobs()).slots(...asked),
  addTask: async (...asked) => (await jobs()).addTask(...asked),
  tasks: async (...asked) => (await jobs()).tasks(...asked),
  task: async (...asked) => (await jobs()).task(...asked),
  cancelTask: async (...asked) => (await jobs()).cancelTask(...asked),
  retryTask: async (...asked) => (await jobs()).retryTask(...asked),
});
