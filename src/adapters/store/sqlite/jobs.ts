import type { JsonObject } from '../../../core/message.ts';
import type { Payload } from '../../../core/payload.ts';
import type { JobChange, JobFilter, JobRow, JobSettings, NewJob, Origin } from '../../../core/ports/schedule-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import { jobTransitions, type JobState, type MissedPolicy, type Timing } from '../../../core/schedule.ts';
import type { TaskDelivery } from '../../../core/task.ts';
import { type Database, fromJson, toJson } from './database.ts';
import { readCursor } from './paging.ts';
import { choreFlags, listRanges, type RangeKey } from './ranges.ts';
import { cancelQueuedOf } from './tasks.ts';

/** Slots that go together with their job; what is beyond goes when it is old, and nobody sees it until then. */
const maxSlotsAtOnce = 10_000;
/** A time that never comes: `list_at` of what is not due. */
const never = Number.MAX_SAFE_INTEGER;
/** Why a job is finished that has no slot left. */
export const over = 'over';

export interface JobRecord {
  seq: number;
  id: string;
  owner: string;
  name: string;
  state: string;
  reason: string | null;
  next_at: number | null;
  revision: number;
  runs: number;
  missed_runs: number;
  last_fired_at: number | null;
  decided_at: number;
  jitter_ms: number;
  max_attempts: number;
  created_at: number;
  updated_at: number;
  timing: string;
  missed: string;
  deliver: string;
  origin: string;
  payload: string;
  memory: string | null;
}

/** Of many jobs at once: what each keeps for its next run would be too much to hold. */
export const withoutMemory = `seq, id, owner, name, state, reason, next_at, revision, runs, missed_runs, last_fired_at,
  decided_at, jitter_ms, max_attempts, created_at, updated_at, timing, missed, deliver, origin, payload, NULL AS memory`;

export const jobFrom = (record: JobRecord): JobRow => ({
  ...(JSON.parse(record.timing) as Timing),
  id: record.id,
  owner: record.owner,
  name: record.name,
  payload: JSON.parse(record.payload) as Payload,
  deliver: JSON.parse(record.deliver) as TaskDelivery,
  missed: JSON.parse(record.missed) as MissedPolicy,
  jitterMs: record.jitter_ms,
  maxAttempts: record.max_attempts,
  origin: JSON.parse(record.origin) as Origin,
  nextAt: record.next_at,
  state: record.state as JobState,
  reason: record.reason,
  revision: record.revision,
  runs: record.runs,
  missedRuns: record.missed_runs,
  lastFiredAt: record.last_fired_at,
  decidedAt: record.decided_at,
  memory: fromJson<JsonObject>(record.memory),
  createdAt: record.created_at,
  updatedAt: record.updated_at,
});

const timingText = ({ schedule, zone, except, endAt, maxRuns }: Timing): string =>
  JSON.stringify({ schedule, zone, except, endAt, maxRuns });

export function job(db: Database, id: string, owner: string | null): JobRow | null {
  const record = db.get<JobRecord>('SELECT * FROM jobs WHERE id = ?', id);
  return record === null || (owner !== null && record.owner !== owner) ? null : jobFrom(record);
}

export function addJob(db: Database, added: NewJob, maxJobs: number): JobRow | null {
  const chore = added.payload.kind === 'chore';
  const earlier = job(db, added.id, added.owner);
  if (earlier !== null) return chore ? null : earlier;
  if (!chore && openJobs(db, added.owner) >= maxJobs) return null;
  const record = db.get<JobRecord>(
    `INSERT INTO jobs (id, owner, name, kind, chore, state, reason, next_at, revision, jitter_ms, max_attempts,
       created_at, updated_at, decided_at, timing, missed, deliver, origin, payload)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10, ?11, ?11, ?11, ?12, ?13, ?14, ?15, ?16) RETURNING *`,
    added.id,
    added.owner,
    added.name,
    added.payload.kind,
    chore ? 1 : 0,
    added.nextAt === null ? 'finished' : 'active',
    added.nextAt === null ? over : null,
    added.nextAt,
    added.jitterMs,
    added.maxAttempts,
    added.createdAt,
    timingText(added),
    JSON.stringify(added.missed),
    JSON.stringify(added.deliver),
    JSON.stringify(added.origin),
    JSON.stringify(added.payload),
  );
  if (record === null) throw new Error('an insert returned nothing');
  return jobFrom(record);
}

const openJobs = (db: Database, owner: string): number =>
  db.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM jobs WHERE owner = ? AND chore = 0 AND state IN ('active', 'paused')`,
    owner,
  )?.n ?? 0;

export function listJobs(db: Database, filter: JobFilter, options: ListOptions): Listed<JobRow> {
  const states = filter.state === undefined ? (Object.keys(jobTransitions) as JobState[]) : [filter.state];
  const window = filter.dueFrom !== undefined || filter.dueTo !== undefined;
  const last = window ? Math.min(filter.dueTo ?? never, never) - 1 : never;
  const [at, seq] = readCursor<[number, number]>(options.cursor) ?? [filter.dueFrom ?? -1, -1];
  const { owner } = filter;
  const from = `(list_at, seq) > (?, ?) AND list_at <= ? ORDER BY list_at, seq LIMIT ?`;
  const keys = choreFlags(filter.chores).flatMap((chore) =>
    states.flatMap((state) => {
      const rest = [chore, state, at, seq, last, options.limit + 1] as const;
      const select = 'SELECT list_at AS at, seq FROM jobs WHERE';
      return owner === null
        ? db.all<RangeKey>(`${select} chore = ? AND state = ? AND ${from}`, ...rest)
        : db.all<RangeKey>(`${select} owner = ? AND chore = ? AND state = ? AND ${from}`, owner, ...rest);
    }),
  );
  return listRanges(db, { table: 'jobs', columns: withoutMemory, order: 'ascending', keys, map: jobFrom }, options);
}

/** The states from which a job may come to this one, and itself. */
const comingTo = (state: JobState): string =>
  (Object.keys(jobTransitions) as JobState[])
    .filter((from) => from === state || jobTransitions[from].includes(state))
    .map((from) => `'${from}'`)
    .join(', ');

export function changeJob(db: Database, id: string, revision: number, change: JobChange): JobRow | null {
  const before = job(db, id, null);
  if (before === null) return null;
  const next: JobSettings = { ...before, ...change.settings };
  const nextAt = change.nextAt === undefined ? before.nextAt : change.nextAt;
  const asked = change.state ?? before.state;
  // What would be active without a time to be due at has no slot left.
  const state = asked === 'active' && nextAt === null ? 'finished' : asked;
  const record = db.get<JobRecord>(
    `UPDATE jobs SET name = ?, kind = ?, state = ?, reason = ?, next_at = ?, decided_at = ?, jitter_ms = ?, max_attempts = ?,
       timing = ?, missed = ?, deliver = ?, origin = ?, payload = ?, revision = revision + 1, updated_at = ?
     WHERE id = ? AND revision = ? AND state IN (${comingTo(state)}) RETURNING *`,
    next.name,
    next.payload.kind,
    state,
    state === asked ? reasonOf(before, change, state) : over,
    nextAt,
    change.nextAt === undefined ? before.decidedAt : change.at,
    next.jitterMs,
    next.maxAttempts,
    timingText(next),
    JSON.stringify(next.missed),
    JSON.stringify(next.deliver),
    JSON.stringify(change.origin ?? before.origin),
    JSON.stringify(next.payload),
    change.at,
    id,
    revision,
  );
  return record === null ? null : jobFrom(record);
}

/** A reason belongs to the state it was given for. */
function reasonOf(before: JobRow, change: JobChange, state: JobState): string | null {
  if (change.reason !== undefined) return change.reason;
  return state === before.state ? before.reason : null;
}

export function removeJob(db: Database, id: string, owner: string | null, at: number): boolean {
  const record = db.get<{ seq: number; owner: string }>('SELECT seq, owner FROM jobs WHERE id = ?', id);
  if (record === null || (owner !== null && record.owner !== owner)) return false;
  db.run('DELETE FROM jobs WHERE seq = ?', record.seq);
  db.run(
    'DELETE FROM job_slots WHERE job = ?1 AND due IN (SELECT due FROM job_slots WHERE job = ?1 ORDER BY due LIMIT ?2)',
    record.seq,
    maxSlotsAtOnce,
  );
  cancelQueuedOf(db, id, at);
  return true;
}

/** A task of it died with its process too often: nothing of it is begun until a person has looked. */
export function pauseCrashed(db: Database, id: string, at: number): void {
  db.run(
    `UPDATE jobs SET state = 'paused', reason = 'crashed', next_at = NULL, revision = revision + 1, updated_at = ?
     WHERE id = ? AND state = 'active'`,
    at,
    id,
  );
}

/** For the next run; a job that is not there any more has none. */
export function rememberFor(db: Database, id: string, memory: JsonObject | null): void {
  db.run('UPDATE jobs SET memory = ? WHERE id = ?', toJson(memory), id);
}
