/** Jobs and tasks as they travel. */
import type { ErrorData } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import type { JobView, TaskView } from '../../core/ports/schedule-gateway.ts';
import type { JobSettings, SlotRow, TaskRow } from '../../core/ports/schedule-store.ts';
import type { Schedule } from '../../core/schedule.ts';
import type { TaskDelivery, TaskResult } from '../../core/task.ts';
import type { jobDetail, jobLine, jobPreview, slot as slotShape, taskDetail, taskLine } from './schemas/schedule.ts';
import type { Wire } from './schemas/base.ts';

type Line = Wire<typeof jobLine>;
type Task = Wire<typeof taskLine>;
type Detail = Wire<typeof taskDetail>;

const iso = (at: number): string => new Date(at).toISOString();
const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at));
const seconds = (ms: number): number => ms / 1000;

export function wireJob({ job, next }: JobView): Line {
  return {
    id: job.id,
    owner: job.owner,
    state: job.state,
    reason: job.reason,
    ...settings(job),
    next: next.map(({ at, local }) => ({ at: iso(at), local })),
    runs: job.runs,
    missed_runs: job.missedRuns,
    last_fired_at: isoOrNull(job.lastFiredAt),
    outside: job.origin.tainted,
    created_at: iso(job.createdAt),
    updated_at: iso(job.updatedAt),
  };
}

export const wireJobDetail = (view: JobView): Wire<typeof jobDetail> => ({
  ...wireJob(view),
  payload: wirePayload(view.job.payload),
});

/** Without what only a stored job has. */
export const wirePreview = ({ job, next }: JobView): Wire<typeof jobPreview> => ({
  ...settings(job),
  payload: wirePayload(job.payload),
  next: next.map(({ at, local }) => ({ at: iso(at), local })),
});

function settings(job: JobSettings): Omit<Wire<typeof jobPreview>, 'next' | 'payload'> {
  const { missed } = job;
  return {
    name: job.name,
    kind: job.payload.kind,
    schedule: wireSchedule(job.schedule),
    time_zone: job.zone,
    except: [...job.except],
    until: isoOrNull(job.endAt),
    max_runs: job.maxRuns,
    deliver: wireDelivery(job.deliver),
    missed: {
      policy: missed.policy,
      max: missed.max,
      max_lateness_seconds: missed.maxLatenessMs === null ? null : seconds(missed.maxLatenessMs),
    },
    jitter_seconds: seconds(job.jitterMs),
    retries: job.maxAttempts - 1,
  };
}

const wirePayload = (payload: Payload): Wire<typeof jobPreview>['payload'] => ({ ...payload });

function wireSchedule(schedule: Schedule): Line['schedule'] {
  switch (schedule.type) {
    case 'at':
      return { type: 'at', at: iso(schedule.at) };
    case 'every':
      return { type: 'every', every_seconds: seconds(schedule.everyMs), from: iso(schedule.from) };
    case 'cron':
      return { type: 'cron', expression: schedule.expression };
  }
}

function wireDelivery(deliver: TaskDelivery): Line['deliver'] {
  switch (deliver.to) {
    case 'conversation': {
      const { channel, account, native, thread = null } = deliver.conversation;
      const { sessionKey } = deliver;
      return { to: 'conversation', channel: `${channel}:${account}`, chat: native, thread, session: sessionKey };
    }
    case 'session':
      return { to: 'session', session: deliver.sessionKey };
    case 'webhook':
    case 'nowhere':
      return { ...deliver };
  }
}

export const wireSlot = (row: SlotRow): Wire<typeof slotShape> => ({
  due: iso(row.due),
  until: iso(row.until),
  count: row.count,
  state: row.state,
  task_id: row.taskId,
  decided_at: iso(row.at),
});

export function wireTask(row: TaskRow): Task {
  return {
    id: row.id,
    owner: row.owner,
    job_id: row.jobId,
    due: isoOrNull(row.due),
    trigger: row.trigger,
    name: row.name,
    kind: row.kind,
    state: row.state,
    deliver: wireDelivery(row.deliver),
    attempts: row.attempts,
    max_attempts: row.maxAttempts,
    crashes: row.crashes,
    progress: row.progress,
    error: wireError(row.error),
    run_at: iso(row.runAt),
    created_at: iso(row.createdAt),
    started_at: isoOrNull(row.startedAt),
    finished_at: isoOrNull(row.finishedAt),
    updated_at: iso(row.updatedAt),
  };
}

export const wireTaskDetail = ({ task, events, steps }: TaskView): Detail => ({
  ...wireTask(task),
  payload: wirePayload(task.payload),
  result: wireResult(task.result),
  events: events.map(({ n, at, kind, detail }) => ({ n, at: iso(at), kind, detail })),
  steps: steps.map(({ id, state, result, error, at }) => ({
    id,
    state,
    result: wireResult(result),
    error: wireError(error),
    at: iso(at),
  })),
});

const wireError = (error: ErrorData | null): Task['error'] =>
  error === null ? null : { code: error.code, message: error.message, retryable: error.retryable };

const wireResult = (result: TaskResult | null): Detail['result'] =>
  result === null
    ? null
    : {
        text: result.text,
        files: result.files.map(({ id, name = null, mimeType, size }) => ({ id, name, mime_type: mimeType, size })),
        outside: result.outside,
      };
