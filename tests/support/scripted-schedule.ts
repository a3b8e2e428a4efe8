/** Jobs and tasks in memory behind the inward port: nothing is ever due, and a task stays as it was made. */
import { ClankerError, invalidInput, notFound } from '../../src/core/errors.ts';
import type {
  Asked,
  JobQuery,
  JobView,
  ScheduleGateway,
  TaskQuery,
  TaskView,
  WrittenJob,
  WrittenTask,
} from '../../src/core/ports/schedule-gateway.ts';
import type { JobRow, NewTask, Origin, SlotRow, TaskRow } from '../../src/core/ports/schedule-store.ts';
import type { ListOptions, Listed } from '../../src/core/ports/listed.ts';
import { type Principal, scopeIncludes } from '../../src/core/principal.ts';
import { parseDuration } from '../../src/core/units.ts';
import { page } from './paging.ts';

export class ScriptedSchedule implements ScheduleGateway {
  /** What a test may look at: each change with where it came from. */
  readonly asked: { written: Partial<WrittenJob>; asked: Asked | undefined }[] = [];
  readonly taskQueries: TaskQuery[] = [];
  readonly jobQueries: JobQuery[] = [];
  readonly scheduleStart = Date.UTC(2026, 0, 1);
  readonly #jobs = new Map<string, JobRow>();
  readonly #tasks = new Map<string, TaskRow>();
  #minted = 0;
  readonly #keyed = new Map<string, { text: string; id: string }>();

  async previewJob(principal: Principal, written: WrittenJob, asked?: Asked, count = 3): Promise<JobView> {
    this.asked.push({ written, asked });
    return this.#view(this.#jobOf(principal, written, 'preview'), count);
  }

  async addJob(principal: Principal, written: WrittenJob, asked?: Asked): Promise<JobView> {
    this.asked.push({ written, asked });
    const id = this.#idOf(principal, `job_${++this.#minted}`, written, asked?.key);
    if (!this.#jobs.has(id)) this.#jobs.set(id, this.#jobOf(principal, written, id));
    return this.job(principal, id);
  }

  async jobs(principal: Principal, { limit, cursor, ...query }: JobQuery & ListOptions): Promise<Listed<JobView>> {
    this.jobQueries.push(query);
    const mine = [...this.#jobs.values()]
      .filter(({ owner }) => sees(principal, owner))
      .filter(({ state }) => query.state === undefined || query.state === state);
    return page(
      mine.map((job) => this.#view(job, 3)),
      { limit, ...(cursor === undefined ? {} : { cursor }) },
    );
  }

  async job(principal: Principal, id: string, count = 3): Promise<JobView> {
    const job = this.#jobs.get(id);
    if (job === undefined || !sees(principal, job.owner)) throw notFound('job');
    return this.#view(job, count);
  }

  async editJob(principal: Principal, id: string, change: Partial<WrittenJob>, asked?: Asked): Promise<JobView> {
    this.asked.push({ written: change, asked });
    const { name, payload } = change;
    return this.#change(principal, id, {
      ...(name === undefined ? {} : { name }),
      ...(payload === undefined ? {} : { payload }),
    });
  }

  pauseJob(principal: Principal, id: string): Promise<JobView> {
    return this.#change(principal, id, { state: 'paused', reason: 'by hand' });
  }

  resumeJob(principal: Principal, id: string): Promise<JobView> {
    return this.#change(principal, id, { state: 'active', reason: null });
  }

  async runJob(principal: Principal, id: string): Promise<TaskRow> {
    const { job } = await this.job(principal, id);
    const { name, payload, deliver, origin } = job;
    return this.#queue(`task_${++this.#minted}`, {
      name,
      payload,
      deliver,
      origin,
      jobId: id,
      trigger: 'hand',
      owner: job.owner,
    });
  }

  async removeJob(principal: Principal, id: string): Promise<void> {
    await this.job(principal, id);
    this.#jobs.delete(id);
  }

  async slots(principal: Principal, id: string, options: ListOptions): Promise<Listed<SlotRow>> {
    const { job } = await this.job(principal, id);
    const at = this.scheduleStart;
    const missed = { due: at, until: at + 60_000, count: 2, state: 'missed', taskId: null } as const;
    return page([{ ...missed, jobId: id, owner: job.owner, at }], options);
  }

  async addTask(principal: Principal, written: WrittenTask, asked?: Asked): Promise<TaskRow> {
    this.asked.push({ written, asked });
    const id = this.#idOf(principal, `task_${++this.#minted}`, written, asked?.key);
    const { name = 'task', payload } = written;
    return (
      this.#tasks.get(id) ??
      this.#queue(id, {
        name,
        payload,
        deliver: { to: 'nowhere' },
        origin: originOf(principal),
        jobId: null,
        trigger: 'request',
        owner: principal.person,
      })
    );
  }

  async tasks(principal: Principal, { limit, cursor, ...query }: TaskQuery & ListOptions): Promise<Listed<TaskRow>> {
    this.taskQueries.push(query);
    const mine = [...this.#tasks.values()]
      .filter(({ owner }) => sees(principal, owner))
      .filter(({ state, jobId }) => (query.state ?? state) === state && (query.job ?? jobId) === jobId);
    return page(mine, { limit, ...(cursor === undefined ? {} : { cursor }) });
  }

  async task(principal: Principal, id: string): Promise<TaskView> {
    const task = this.#tasks.get(id);
    if (task === undefined || !sees(principal, task.owner)) throw notFound('task');
    const at = this.scheduleStart;
    const error = { kind: 'network', code: 'unreachable', message: 'Nobody answers.', retryable: true } as const;
    return {
      task,
      events: [{ n: 1, at, kind: 'queued', detail: '' }],
      steps: [{ id: 'first', state: 'failed', result: null, error, at }],
    };
  }

  cancelTask(principal: Principal, id: string): Promise<TaskRow> {
    return this.#move(principal, id, 'cancelled');
  }

  retryTask(principal: Principal, id: string): Promise<TaskRow> {
    return this.#move(principal, id, 'queued');
  }

  async #move(principal: Principal, id: string, state: TaskRow['state']): Promise<TaskRow> {
    const { task } = await this.task(principal, id);
    if (task.state === state) throw new ClankerError('conflict', 'conflict', `The task is ${state} already.`);
    const moved = { ...task, state };
    this.#tasks.set(id, moved);
    return moved;
  }

  #queue(id: string, task: Omit<NewTask, 'id' | 'due' | 'runAt' | 'maxAttempts' | 'createdAt'>): TaskRow {
    const at = this.scheduleStart;
    const row: TaskRow = {
      ...task,
      id,
      due: null,
      runAt: at,
      maxAttempts: 4,
      createdAt: at,
      seq: this.#tasks.size + 1,
      kind: task.payload.kind,
      state: 'queued',
      attempts: 0,
      crashes: 0,
      node: null,
      leaseUntil: null,
      fence: 0,
      progress: { done: 0.5, text: 'half' },
      result: {
        text: 'done',
        files: [{ id: 'file_1', mimeType: 'text/plain', size: 3 }],
        outside: 'https://example.org/',
      },
      error: null,
      startedAt: at,
      finishedAt: null,
      updatedAt: at,
    };
    this.#tasks.set(row.id, row);
    return row;
  }

  async #change(principal: Principal, id: string, change: Partial<JobRow>): Promise<JobView> {
    const { job } = await this.job(principal, id);
    this.#jobs.set(id, { ...job, ...change });
    return this.job(principal, id);
  }

  #idOf({ person }: Principal, minted: string, written: object, key: string | undefined): string {
    if (key === undefined) return minted;
    const text = JSON.stringify(written);
    const earlier = this.#keyed.get(`${person} ${key}`) ?? { text, id: minted };
    if (earlier.text !== text) {
      throw new ClankerError('conflict', 'idempotency_conflict', 'This key was used with another request.');
    }
    this.#keyed.set(`${person} ${key}`, earlier);
    return earlier.id;
  }

  #jobOf(principal: Principal, { name = 'job', payload, every, ...written }: WrittenJob, id: string): JobRow {
    if ((every ?? written.words) === undefined) throw invalidInput('bad_schedule', 'A job says when it is due.');
    const at = this.scheduleStart;
    return {
      id,
      name,
      owner: principal.person,
      origin: originOf(principal),
      payload,
      deliver: {
        to: 'conversation',
        conversation: { channel: 'telegram', account: 'main', native: '42' },
        chatType: 'direct',
        sessionKey: 'telegram:main:42',
      },
      schedule:
        every === undefined
          ? { type: 'cron', expression: '0 9 * * 1-5' }
          : { type: 'every', everyMs: parseDuration(every), from: at },
      zone: written.time_zone ?? 'UTC',
      except: written.except ?? [],
      endAt: null,
      maxRuns: written.max_runs ?? null,
      missed: { policy: 'once', max: 1, maxLatenessMs: 86_400_000 },
      jitterMs: 0,
      maxAttempts: (written.retries ?? 3) + 1,
      nextAt: at,
      decidedAt: at,
      createdAt: at,
      state: 'active',
      reason: null,
      revision: 1,
      runs: 0,
      missedRuns: 0,
      lastFiredAt: null,
      memory: null,
      updatedAt: at,
    };
  }

  #view(job: JobRow, count: number): JobView {
    const next = Array.from({ length: count }, (_, n) => ({
      at: this.scheduleStart + n * 86_400_000,
      local: 'Thu 2026-01-01 09:00',
    }));
    return { job, next: job.state === 'active' ? next : [] };
  }
}

export const sees = ({ person, scope }: Principal, owner: string): boolean =>
  owner === person || scopeIncludes(scope, 'admin');

const originOf = ({ id }: Principal): Origin => ({ kind: 'token', id, role: 'owner', tainted: null });
