/** The steps at which `OPEN_CLANKER_CRASH_AT` makes the process kill itself, so that recovery is proven at each of them. */
export const crashSteps = [
  'after_insert',
  'before_ack',
  'after_claim',
  'after_model',
  'after_step',
  'tool_started',
  'tool_done',
  'before_finish',
  'after_finish',
  'before_send',
  'after_send',
  'before_mark',
] as const;

/** The same on the way of a job, from its due time to the end of its task. */
export const jobCrashSteps = [
  'before_fire',
  'after_fire',
  'task_claimed',
  'before_task_end',
  'after_task_end',
] as const;

/** The same around the end of a task that failed, at work or by the deaths of its process. */
export const failureCrashSteps = ['before_task_failure', 'after_task_failure'] as const;

/** `erasing`: behind each batch of an erasure, which is no step of a message. */
export type CrashStep =
  | (typeof crashSteps)[number]
  | (typeof jobCrashSteps)[number]
  | (typeof failureCrashSteps)[number]
  | 'erasing';

/** Called at every step of the message path and of jobs; does nothing unless a proof asked for a crash there. */
export type CrashPoint = (step: CrashStep) => void;
