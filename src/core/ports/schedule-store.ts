/**
 * Jobs, their slots, and tasks: a part of the Store, under its promises. Everything here is off the path of a turn.
 * With an `owner`, what is somebody else's is not there; null: everybody's.
 */
import type { ErrorData } from '../errors.ts';
import type { JsonObject, Message } from '../message.ts';
import type { Payload, PayloadKind } from '../payload.ts';
import type { PersonRole } from '../principal.ts';
import type { DecidedSlot, JobState, MissedPolicy, Timing } from '../schedule.ts';
import type { TaskDelivery, TaskEvent, TaskProgress, TaskResult, TaskState } from '../task.ts';
import type { Listed, ListOptions } from './listed.ts';
import type { NewOutbound, OutboxRow } from './outbox-store.ts';
import type { NewMessage } from './session-store.ts';

/** Who had something made, and what it may do. */
export interface Origin {
  kind: 'token' | 'sender' | 'job' | 'system';
  /** Token id, `channel:account` of a sender, id of a job. */
  id: string;
  /** The most that it may do, whatever its owner may do by then. */
  role: PersonRole;
  /** Where outside text in the context it was made in came from: what it does is held to the stricter policy. Null: none. */
  tainted: string | null;
  /** SHA-256 of what was asked for, where it came under a key: to tell a repeat from a conflict. */
  request?: string;
}

/** What a person may change about a job. */
export interface JobSettings extends Timing {
  name: string;
  payload: Payload;
  deliver: TaskDelivery;
  missed: MissedPolicy;
  /** Each run begins up to this much later than its due time, always the same for the same slot. */
  jitterMs: number;
  /** Attempts of each of its tasks. */
  maxAttempts: number;
}

export interface NewJob extends JobSettings {
  id: string;
  owner: string;
  origin: Origin;
  nextAt: number | null;
  createdAt: number;
}

export interface JobRow extends NewJob {
  state: JobState;
  /** Why it is paused or finished, in a few words. */
  reason: string | null;
  /** Counted up by every change; what was decided about an older one is void. */
  revision: number;
  /** Slots that fired. */
  runs: number;
  /** Slots that were missed. */
  missedRuns: number;
  lastFiredAt: number | null;
  /** The wall clock when `nextAt` was decided: by a firing, a change, or the making of the job. */
  decidedAt: number;
  /** What the last run keeps for the next, at most 64 KiB; null where many jobs are told at once. */
  memory: JsonObject | null;
  updatedAt: number;
}

export interface JobChange {
  settings?: Partial<JobSettings>;
  /** Who changed what it does may have had fewer rights than who made it, or read text of others. */
  origin?: Origin;
  state?: JobState;
  reason?: string | null;
  nextAt?: number | null;
  at: number;
}

export interface JobFilter {
  owner: string | null;
  state?: JobState;
  /** Those of the gateway itself: with them (default), without them, or only they. */
  chores?: 'with' | 'without' | 'only';
  /** Due in this window, milliseconds since the epoch, its end not included. */
  dueFrom?: number;
  dueTo?: number;
}

/** PRIMARY KEY (job, due). */
export interface SlotRow extends DecidedSlot {
  jobId: string;
  owner: string;
  /** Of a slot that fired. */
  taskId: string | null;
  /** When it was decided about. */
  at: number;
}

/** What is due of one job, decided. Tasks of slots that fired are in the order of these slots. */
export interface Firing {
  jobId: string;
  /** Void unless the job is active and still at this revision and due time. */
  revision: number;
  dueAt: number;
  slots: readonly DecidedSlot[];
  tasks: readonly NewTask[];
  nextAt: number | null;
  /** With so many of its tasks in the queue further slots are missed: they would come quicker than they are done. */
  maxWaiting: number;
  at: number;
}

/** What set a task off. */
export type TaskTrigger = 'slot' | 'hand' | 'request' | 'task';

export interface NewTask {
  id: string;
  owner: string;
  /** Null: of no job. */
  jobId: string | null;
  /** Of its slot. */
  due: number | null;
  trigger: TaskTrigger;
  name: string;
  payload: Payload;
  deliver: TaskDelivery;
  origin: Origin;
  /** Not begun before. */
  runAt: number;
  maxAttempts: number;
  createdAt: number;
}

export interface TaskRow extends NewTask {
  seq: number;
  kind: PayloadKind;
  state: TaskState;
  /** Counted before the work. */
  attempts: number;
  /** Of these those in which the process died. */
  crashes: number;
  /** The process that is at work, and until when it holds it without a sign of life. */
  node: string | null;
  leaseUntil: number | null;
  /** Counted up by every claim: what is told under an older one is void. */
  fence: number;
  progress: TaskProgress | null;
  result: TaskResult | null;
  error: ErrorData | null;
  startedAt: number | null;
  finishedAt: number | null;
  updatedAt: number;
}

export interface TaskFilter {
  owner: string | null;
  state?: TaskState;
  jobId?: string;
  chores?: 'with' | 'without' | 'only';
  /** Created in this window, its end not included. */
  from?: number;
  to?: number;
}

/** What is known of a step of a workflow. */
export interface TaskStep {
  id: string;
  state: 'started' | 'done' | 'failed' | 'undoing' | 'undone' | 'not_undone';
  /** With what it keeps for the step of the job's next run. */
  result: (TaskResult & { memory?: JsonObject | null }) | null;
  error: ErrorData | null;
  at: number;
}

/** How a task ended well. */
export interface FinishTask {
  id: string;
  fence: number;
  result: TaskResult;
  /** For the job's next run; undefined: as it is. */
  memory?: JsonObject | null;
  /** The messages that hand the result over, and what they leave in the history of the session there. */
  outbox: NewOutbound[];
  note: { sessionKey: string; message: NewMessage } | null;
  /** What follows from it, such as handing it over after the quiet hours. */
  follows: NewTask[];
  /** Tasks that need not wait beside that any more: cancelled. Absent: none. */
  supersedes?: readonly string[];
  at: number;
}

export interface FinishedTask {
  task: TaskRow;
  outbox: OutboxRow[];
  /** Null also when there is no such session. */
  note: Message | null;
}

/** What tells of a task that has failed, now or after the quiet hours: stored with that end, and with no other. */
export type FailureNotice = Pick<FinishTask, 'outbox' | 'follows'>;
export const noNotice: FailureNotice = { outbox: [], follows: [] };

export interface FailTask {
  id: string;
  fence: number;
  error: ErrorData;
  /** When it is tried again; null, or without an attempt left: it has failed. */
  retryAt: number | null;
  notice: FailureNotice;
  at: number;
}

/** A running task whose process died in it: what becomes of it. */
export interface RecoverTask {
  id: string;
  fence: number;
  /** As in cutTasks. */
  node: string | null;
  /** It has failed with this; null: it is queued again. */
  error: ErrorData | null;
  notice: FailureNotice;
  at: number;
}

export interface ScheduleStore {
  // ── jobs
  /**
   * Null, and nothing is stored, when the owner has `maxJobs` that are not finished. One of theirs whose id exists is
   * returned as stored. Chores: without a limit, and null when there is one under the id.
   */
  addJob(job: NewJob, maxJobs: number): Promise<JobRow | null>;
  job(id: string, owner: string | null): Promise<JobRow | null>;
  /** Soonest due first, those without a due time last. */
  listJobs(filter: JobFilter, options: ListOptions): Promise<Listed<JobRow>>;
  /**
   * Null when it is not there, not at `revision` any more, or may not go to this state. One that would be active without a
   * next time is finished.
   */
  changeJob(id: string, revision: number, change: JobChange): Promise<JobRow | null>;
  /** The job and its slots; its tasks stay, queued ones are cancelled. False when it was not there. */
  removeJob(id: string, owner: string | null, at: number): Promise<boolean>;
  /** Active ones that are due by then, longest due first. */
  dueJobs(now: number, limit: number): Promise<JobRow[]>;
  /** The nearest due time of an active job. */
  nextDue(): Promise<number | null>;
  /** Active jobs whose `decidedAt` is later than `now`: the clock was set back. A whole look at the table, for rare use. */
  aheadJobs(now: number, limit: number): Promise<JobRow[]>;
  /**
   * Inserting a slot is the permission to run it: one that fired already is left as it is and gets no task; one that was
   * missed may still fire, when the clock was set back before it. One transaction with the tasks and the job's next due
   * time (without one it is finished). Null when it is void.
   */
  fire(firing: Firing): Promise<{ slots: SlotRow[]; tasks: TaskRow[] } | null>;
  /** Newest first. */
  slots(jobId: string, options: ListOptions): Promise<Listed<SlotRow>>;

  // ── tasks
  /**
   * Null, and nothing is stored, when the owner has `maxOpen` queued or running ones; chores have no limit. A task whose id
   * exists is returned as stored.
   */
  addTask(task: NewTask, maxOpen: number): Promise<TaskRow | null>;
  task(id: string, owner: string | null): Promise<TaskRow | null>;
  /** Newest first. */
  listTasks(filter: TaskFilter, options: ListOptions): Promise<Listed<TaskRow>>;
  /** Oldest first. */
  taskEvents(id: string): Promise<TaskEvent[]>;
  /**
   * The longest due queued task whose owner and kind are not busy; it is `running` then, the attempt counted. The tasks of a
   * job are a line: one at a time, the longest due first. Null: none, or a lease ran out and has to be seen to first.
   */
  claimTask(request: {
    now: number;
    node: string;
    leaseUntil: number;
    busyOwners: readonly string[];
    busyKinds: readonly PayloadKind[];
  }): Promise<TaskRow | null>;
  /** When the next queued task may begin, or the next lease runs out, busy ones not counted; null: nothing waits. */
  nextTaskAt(busyOwners: readonly string[], busyKinds: readonly PayloadKind[]): Promise<number | null>;
  /** Signs of life: leases are extended, progress is written. The ids of those that are not held any more (fenced, cancelled). */
  beatTasks(
    node: string,
    leaseUntil: number,
    beats: readonly { id: string; fence: number; progress: TaskProgress | null }[],
  ): Promise<string[]>;
  /** Null when it is not held under this fence any more: nothing of it is stored then. So with failTask and recoverTask. */
  finishTask(finish: FinishTask): Promise<FinishedTask | null>;
  failTask(fail: FailTask): Promise<TaskRow | null>;
  /** Queued or running, `reason` in a few words; null when it is not there or over already. */
  cancelTask(id: string, owner: string | null, reason: string, at: number): Promise<TaskRow | null>;
  /**
   * A failed or cancelled one is queued again with fresh attempts; null when it is neither. Of its steps those that failed
   * or were undone are forgotten, one that could not be undone is done, and one whose undoing was cut counts as started.
   */
  retryTask(id: string, owner: string | null, at: number): Promise<TaskRow | null>;
  /** A stop: what this process still holds is queued again, the attempt not counted. */
  releaseTasks(node: string, at: number): Promise<number>;
  /**
   * Running ones whose lease ran out by `now`; at a start, `node`, also what another process of this data directory left:
   * it died.
   */
  cutTasks(node: string | null, now: number): Promise<TaskRow[]>;
  /**
   * One of them: its crash is counted. When it has failed by that, its job is paused for that reason, and what waits of
   * the job is cancelled.
   */
  recoverTask(recover: RecoverTask): Promise<TaskRow | null>;
  /** What is known of the steps of a workflow, in the order in which they began. */
  taskSteps(id: string): Promise<TaskStep[]>;
  /** False when the task is not held under this fence any more. One that was cancelled still takes its steps. */
  saveTaskStep(id: string, fence: number, step: TaskStep): Promise<boolean>;
  /**
   * One bounded step of housekeeping: what ended before `before`, finished jobs and slots older than that, with what they
   * asked the agent, and chores that came to nothing worth telling before `silentBefore`, with their slots; true while
   * there is more.
   */
  forgetTasks(before: number, silentBefore: number, batch: number): Promise<boolean>;
  /** Jobs that are not finished, tasks that wait, that are at work, and that are dead letters. */
  taskCounts(): Promise<{ jobs: number; queued: number; running: number; failed: number }>;
}
