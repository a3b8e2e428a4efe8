/** Shapes of the wire about jobs and tasks: what is accepted, as it is written, and what is answered. */
import * as z from 'zod/mini';
import { payloadSchema } from '../../../core/payload.ts';
import { taskStates } from '../../../core/task.ts';
import { id, idempotencyKey, nextCursor, nullable, number, pageFields, shortText } from './base.ts';

const may = z.exactOptional;

/** Times, durations, zones and days as people write them; what they mean, and whether they are right, the service says. */
const written = (max: number) => z.string().check(z.minLength(1), z.maxLength(max));
const maxExceptions = 100;
const maxCount = 100;

const workFields = () => ({
  name: may(shortText),
  payload: payloadSchema(),
  deliver: may(written(300)),
  retries: may(z.int().check(z.minimum(0), z.maximum(10))),
});
const jobFields = () => ({
  ...workFields(),
  at: may(written(64)),
  after: may(written(64)),
  every: may(written(64)),
  cron: may(written(256)),
  words: may(written(500)),
  from: may(written(64)),
  time_zone: may(written(64)),
  except: may(z.array(written(64)).check(z.maxLength(maxExceptions))),
  /** Empty, and 0: no end, no limit. */
  until: may(z.string().check(z.maxLength(64))),
  max_runs: may(z.int().check(z.minimum(0), z.maximum(1_000_000_000))),
  missed: may(
    z.strictObject({
      policy: z.enum(['skip', 'once', 'all']),
      max: may(z.int().check(z.minimum(1), z.maximum(maxCount))),
      max_lateness: may(written(64)),
    }),
  ),
  jitter: may(written(64)),
});
export const jobBody = () => z.strictObject({ ...jobFields(), idempotency_key: may(idempotencyKey) });
export const jobEdit = () => z.strictObject({ ...jobFields(), payload: may(payloadSchema()) });
export const jobPreviewBody = () =>
  z.strictObject({ ...jobFields(), count: may(z.int().check(z.minimum(1), z.maximum(maxCount))) });
export const taskBody = () =>
  z.strictObject({
    ...workFields(),
    at: may(written(64)),
    after: may(written(64)),
    time_zone: may(written(64)),
    idempotency_key: may(idempotencyKey),
  });

const moment = z.iso.datetime({ offset: true, error: 'must be a time such as "2026-12-24T18:00:00Z"' });
const chores = z.enum(['with', 'without', 'only']);
const jobState = z.enum(['active', 'paused', 'finished']);
export const jobsQuery = () =>
  z.strictObject({
    state: may(jobState),
    chores: may(chores),
    due_from: may(moment),
    due_to: may(moment),
    ...pageFields(),
  });
/** `count`: how many of the next times are told. */
export const jobQuery = () => z.strictObject({ count: may(number(/^(?:[1-9]|[1-9]\d|100)$/, '1 to 100')) });
export const tasksQuery = () =>
  z.strictObject({
    state: may(z.enum(taskStates)),
    job: may(id),
    owner: may(id),
    chores: may(chores),
    from: may(moment),
    to: may(moment),
    ...pageFields(),
  });

// ── answers: times are ISO-8601 in UTC

const time = z.string();
/** What is done. Of the gateway's own chores `{"kind": "chore", "chore": …}`. */
const payload = () => z.looseObject({ kind: z.string() });
const delivery = () =>
  z.union([
    z.strictObject({
      to: z.literal('conversation'),
      channel: z.string(),
      chat: z.string(),
      thread: nullable(z.string()),
      session: z.string(),
    }),
    z.strictObject({ to: z.literal('session'), session: z.string() }),
    z.strictObject({ to: z.literal('webhook'), name: z.string() }),
    z.strictObject({ to: z.literal('nowhere') }),
  ]);
const schedule = () =>
  z.union([
    z.strictObject({ type: z.literal('at'), at: time }),
    z.strictObject({ type: z.literal('every'), every_seconds: z.number(), from: time }),
    z.strictObject({ type: z.literal('cron'), expression: z.string() }),
  ]);

/** `local`: on the clock of the job's time zone. */
const settings = () => ({
  name: z.string(),
  kind: z.string(),
  schedule: schedule(),
  time_zone: z.string(),
  except: z.array(z.string()),
  until: nullable(time),
  max_runs: nullable(z.number()),
  deliver: delivery(),
  missed: z.strictObject({
    policy: z.enum(['skip', 'once', 'all']),
    max: z.number(),
    max_lateness_seconds: nullable(z.number()),
  }),
  jitter_seconds: z.number(),
  retries: z.number(),
  next: z.array(z.strictObject({ at: time, local: z.string() })),
});
/** `outside`: where outside text came from that was in the context it was made in; null: there was none. */
const job = () => ({
  id: z.string(),
  owner: z.string(),
  state: jobState,
  reason: nullable(z.string()),
  ...settings(),
  runs: z.number(),
  missed_runs: z.number(),
  last_fired_at: nullable(time),
  outside: nullable(z.string()),
  created_at: time,
  updated_at: time,
});
export const jobLine = () => z.strictObject(job());
export const jobDetail = () => z.strictObject({ ...job(), payload: payload() });
export const jobPreview = () => z.strictObject({ ...settings(), payload: payload() });
export const jobs = () => z.strictObject({ jobs: z.array(jobLine()), next_cursor: nextCursor });

/** Of neighbouring times that were missed: `count` of them, from `due` to `until`. */
export const slot = () =>
  z.strictObject({
    due: time,
    until: time,
    count: z.number(),
    state: z.enum(['fired', 'missed']),
    task_id: nullable(z.string()),
    decided_at: time,
  });
export const slots = () => z.strictObject({ slots: z.array(slot()), next_cursor: nextCursor });

const failed = () => z.strictObject({ code: z.string(), message: z.string(), retryable: z.boolean() });
const result = () =>
  z.strictObject({
    text: z.string(),
    files: z.array(
      z.strictObject({ id: z.string(), name: nullable(z.string()), mime_type: z.string(), size: z.number() }),
    ),
    outside: nullable(z.string()),
  });
const task = () => ({
  id: z.string(),
  owner: z.string(),
  job_id: nullable(z.string()),
  due: nullable(time),
  trigger: z.enum(['slot', 'hand', 'request', 'task']),
  name: z.string(),
  kind: z.string(),
  state: z.enum(taskStates),
  deliver: delivery(),
  attempts: z.number(),
  max_attempts: z.number(),
  crashes: z.number(),
  progress: nullable(z.strictObject({ done: nullable(z.number()), text: z.string() })),
  error: nullable(failed()),
  run_at: time,
  created_at: time,
  started_at: nullable(time),
  finished_at: nullable(time),
  updated_at: time,
});
export const taskLine = () => z.strictObject(task());
export const tasks = () => z.strictObject({ tasks: z.array(taskLine()), next_cursor: nextCursor });
export const taskDetail = () =>
  z.strictObject({
    ...task(),
    payload: payload(),
    result: nullable(result()),
    events: z.array(z.strictObject({ n: z.number(), at: time, kind: z.string(), detail: z.string() })),
    steps: z.array(
      z.strictObject({
        id: z.string(),
        state: z.enum(['started', 'done', 'failed', 'undoing', 'undone', 'not_undone']),
        result: nullable(result()),
        error: nullable(failed()),
        at: time,
      }),
    ),
  });
