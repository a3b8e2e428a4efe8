/** What clients may ask of schedules and tasks: a part of the Gateway. Sees what is the caller's own; `admin` sees all. */
import type { PersonPayload } from '../payload.ts';
import type { PersonRole, Principal } from '../principal.ts';
import type { JobState } from '../schedule.ts';
import type { TaskEvent, TaskState } from '../task.ts';
import type { ConversationRef } from '../message.ts';
import type { JobRow, SlotRow, TaskRow, TaskStep } from './schedule-store.ts';
import type { ListOptions, Listed } from './listed.ts';

/** When, as people and programs write it: exactly one of the first five. */
export interface WrittenWhen {
  /** `2026-12-24T18:00` on the clock of the time zone, or with an offset or `Z`. */
  at?: string;
  /** A duration such as `20m`. */
  after?: string;
  /** A duration such as `1h`; the first time one duration from now, or at `from`. */
  every?: string;
  cron?: string;
  /** In words, in the language of the person: `every weekday at 9`. */
  words?: string;
  /** Of `every`: the first time, as `at`. */
  from?: string;
  /** IANA name; default: the person's, else the gateway's. */
  time_zone?: string;
  except?: readonly string[];
  /** As `at`. */
  until?: string;
  max_runs?: number;
}

export interface WrittenMissed {
  policy: 'skip' | 'once' | 'all';
  max?: number;
  /** A duration. */
  max_lateness?: string;
}

export interface WrittenJob extends WrittenWhen {
  name?: string;
  payload: PersonPayload;
  /**
   * `here` (where it is asked for; the default, and in a place without a chat the person's own direct chat, else nowhere),
   * `nowhere`, `webhook:NAME`, or an address such as `telegram:main:12345`.
   */
  deliver?: string;
  missed?: WrittenMissed;
  /** A duration. */
  jitter?: string;
  /** Attempts after the first: 0 to 10. */
  retries?: number;
}

export type WrittenTask = Pick<WrittenJob, 'name' | 'payload' | 'deliver' | 'retries'> &
  Pick<WrittenWhen, 'at' | 'after' | 'time_zone'>;

/** Where somebody stands who asks: what `here` means. Null: a client without a chat. */
export interface Here {
  /** Null: a session of API clients, in whose history a result then stands. */
  conversation: ConversationRef | null;
  chatType: 'direct' | 'group';
  sessionKey: string;
}

export interface Asked {
  /** The same key of the same person makes the same job or task, once. Absent: each request makes another. */
  key?: string;
  here: Here | null;
  /** What who asks may do there; absent: as much as anywhere. */
  role?: PersonRole;
  /** See Origin. */
  tainted: string | null;
}

export interface Upcoming {
  at: number;
  /** `Thu 2026-12-24 18:00` on the clock of the job's zone. */
  local: string;
}

export interface JobView {
  job: JobRow;
  /** The next times, at most three unless more are asked for; empty when it is not active. */
  next: Upcoming[];
}

export interface JobQuery {
  state?: JobState;
  chores?: 'with' | 'without' | 'only';
  /** Milliseconds since the epoch: due in this window. */
  dueFrom?: number;
  dueTo?: number;
}

export interface TaskQuery {
  state?: TaskState;
  job?: string;
  owner?: string;
  chores?: 'with' | 'without' | 'only';
  from?: number;
  to?: number;
}

export interface TaskView {
  task: TaskRow;
  events: TaskEvent[];
  steps: TaskStep[];
}

/**
 * `asked` is where a request comes from; absent: from a client without a chat. Rejects with `invalid_input` (in words that
 * say what is accepted), `not_found` (also for what is somebody else's), `not_allowed`, `too_many_jobs`, `too_many_tasks`,
 * and `conflict` for what its state does not allow.
 */
export interface ScheduleGateway {
  /** What a job would be and when it would be due; nothing is stored. `count`: 1 to 100, default 3. */
  previewJob(principal: Principal, written: WrittenJob, asked?: Asked, count?: number): Promise<JobView>;
  addJob(principal: Principal, written: WrittenJob, asked?: Asked): Promise<JobView>;
  jobs(principal: Principal, query: JobQuery & ListOptions): Promise<Listed<JobView>>;
  job(principal: Principal, id: string, count?: number): Promise<JobView>;
  /** Identity and history stay. What is not named stays, too; a named part of `when` replaces all of it. */
  editJob(principal: Principal, id: string, change: Partial<WrittenJob>, asked?: Asked): Promise<JobView>;
  pauseJob(principal: Principal, id: string): Promise<JobView>;
  /** Goes on from now: what was due meanwhile is not made up for. */
  resumeJob(principal: Principal, id: string): Promise<JobView>;
  /** Runs it now, beside its schedule. The same key of the same person runs it once. */
  runJob(principal: Principal, id: string, key?: string): Promise<TaskRow>;
  removeJob(principal: Principal, id: string): Promise<void>;
  slots(principal: Principal, id: string, page: ListOptions): Promise<Listed<SlotRow>>;

  addTask(principal: Principal, written: WrittenTask, asked?: Asked): Promise<TaskRow>;
  tasks(principal: Principal, query: TaskQuery & ListOptions): Promise<Listed<TaskRow>>;
  task(principal: Principal, id: string): Promise<TaskView>;
  cancelTask(principal: Principal, id: string): Promise<TaskRow>;
  retryTask(principal: Principal, id: string): Promise<TaskRow>;
}
