import { ClankerError, invalidInput, notFound } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import { languageOf } from '../../core/languages.ts';
import type { PersonPayload } from '../../core/payload.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { Calendar } from '../../core/ports/calendar.ts';
import type {
  Asked,
  Here,
  JobView,
  ScheduleGateway,
  WrittenJob,
  WrittenWhen,
} from '../../core/ports/schedule-gateway.ts';
import type { JobChange, JobRow, JobSettings, NewJob, NewTask, TaskRow } from '../../core/ports/schedule-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { TaskKinds } from '../../core/ports/task-kind.ts';
import { ownerFilter, type PersonRole, type Principal } from '../../core/principal.ts';
import { afterSetBack, type Timing } from '../../core/schedule.ts';
import { lesserRole, roleIncludes } from '../../core/roles.ts';
import type { TaskDelivery } from '../../core/task.ts';
import type { Audit } from '../audit/audit.ts';
import { keyedId, nameOf, originEdited, originOf, otherRequest, sameAs, titleOf, type Asker } from './requests.ts';
import { assertNotTooOften, jitterMsOf, localText, missedOf, timingOf, zoneOf, type Reading } from './written.ts';

const defaultNext = 3;
const maxNext = 100;
/** Through the API and the terminal, where people know what they do. */
const clientIntervalMs = 1000;

export interface JobsSettings {
  /** The clock of people who did not say theirs. */
  zone: string;
  maxJobs: number;
  minIntervalMs: number;
  maxLatenessMs: number;
  maxOpen: number;
  retries: number;
}

export interface JobsDeps {
  store: Store;
  clock: Clock;
  bus: Bus;
  calendar: Calendar;
  mintId: MintId;
  audit: Pick<Audit, 'record'>;
  scheduler: { wake(): void; settle(): Promise<void> };
  runner: { wake(): void; cancel(id: string): void };
  kinds: TaskKinds;
  /** Where a result goes; rejects when they may not send there. */
  delivery: (
    by: { person: string; role: PersonRole },
    written: string | undefined,
    here: Here | null,
  ) => Promise<TaskDelivery>;
  /** What words say about when, or an error that shows how to say it. */
  readWords: (words: string, language: string | null, reading: Reading) => Promise<WrittenWhen>;
  settings: () => JobsSettings;
}

/** What people may do with jobs and tasks, whatever surface they come by. */
export class Jobs implements ScheduleGateway {
  readonly #deps: JobsDeps;

  constructor(deps: JobsDeps) {
    this.#deps = deps;
  }

  async previewJob(principal: Principal, written: WrittenJob, asked?: Asked, count?: number): Promise<JobView> {
    const job = await this.#newJob(await this.#asker(principal, asked), written, 'preview');
    return this.#view(
      {
        ...job,
        state: 'active',
        reason: null,
        revision: 0,
        runs: 0,
        missedRuns: 0,
        lastFiredAt: null,
        decidedAt: job.createdAt,
        memory: null,
        updatedAt: job.createdAt,
      },
      count,
    );
  }

  async addJob(principal: Principal, written: WrittenJob, asked?: Asked): Promise<JobView> {
    const { store, mintId, audit, scheduler, settings } = this.#deps;
    const asker = await this.#asker(principal, asked);
    const key = asked?.key;
    const id = key === undefined ? mintId('job') : keyedId('job', principal.person, key);
    const earlier = key === undefined ? null : await store.job(id, principal.person);
    if (earlier !== null) return this.#view(sameAs(earlier, written));
    const job = await store.addJob(await this.#newJob(asker, written, id), settings().maxJobs);
    if (job === null) {
      const limit = settings().maxJobs;
      throw new ClankerError(
        'rate_limited',
        'too_many_jobs',
        `You have ${limit} jobs, the most there may be; remove one first.`,
      );
    }
    await audit.record(principal, 'job.added', id, { kind: job.payload.kind });
    scheduler.wake();
    return this.#view(job);
  }

  async jobs(principal: Principal, query: Parameters<ScheduleGateway['jobs']>[1]): ReturnType<ScheduleGateway['jobs']> {
    const { limit, cursor, ...filter } = query;
    const options = { limit, ...(cursor === undefined ? {} : { cursor }) };
    const { items, nextCursor } = await this.#deps.store.listJobs(
      { ...filter, owner: ownerFilter(principal) },
      options,
    );
    return { items: await Promise.all(items.map((job) => this.#view(job))), nextCursor };
  }

  async job(principal: Principal, id: string, count?: number): Promise<JobView> {
    return this.#view(await this.#find(principal, id), count);
  }

  async editJob(principal: Principal, id: string, change: Partial<WrittenJob>, asked?: Asked): Promise<JobView> {
    const { calendar } = this.#deps;
    const asker = await this.#asker(principal, asked);
    const edited = await this.#change(principal, id, 'job.edited', async (job) => {
      assertNoChore(job);
      const { payload, deliver, name, missed, jitter, retries, ...written } = change;
      const reading = { ...asker.reading, zone: zoneOf(written.time_zone, job.zone) };
      const when = await this.#wordsRead(written, asker, reading);
      const timing = Object.keys(when).length === 0 ? null : await timingOf(when, reading, job);
      const settings: Partial<JobSettings> = {
        ...timing,
        ...(name === undefined ? {} : { name: nameOf(name) }),
        ...(payload === undefined ? {} : { payload: await this.#checked(payload, job.owner) }),
        ...(deliver === undefined ? {} : { deliver: await this.#deliveryOf(asker, deliver) }),
        ...(missed === undefined
          ? {}
          : { missed: missedOf(missed, (timing ?? job).schedule, this.#deps.settings().maxLatenessMs) }),
        ...(jitter === undefined ? {} : { jitterMs: jitterMsOf(jitter) }),
        ...(retries === undefined ? {} : { maxAttempts: retries + 1 }),
      };
      const changed = { settings, origin: originEdited(job.origin, asker) };
      if (timing === null) return changed;
      assertRunsLeft(timing, job);
      this.#assertPace(timing, asker);
      if (job.state === 'paused') return changed;
      return { ...changed, state: 'active', reason: null, nextAt: calendar.next(timing, reading.now) };
    });
    return this.#view(edited);
  }

  async pauseJob(principal: Principal, id: string): Promise<JobView> {
    const paused = await this.#change(principal, id, 'job.paused', (job) => {
      if (job.state === 'finished')
        throw new ClankerError('conflict', 'finished', 'It is over; edit it to run it again.');
      // Why it was paused before, such as a crash, stays.
      if (job.state === 'paused') return {};
      return { state: 'paused', reason: 'by hand', nextAt: null };
    });
    return this.#view(paused);
  }

  async resumeJob(principal: Principal, id: string): Promise<JobView> {
    const { clock, calendar } = this.#deps;
    const resumed = await this.#change(principal, id, 'job.resumed', async (job) => {
      if (job.state === 'active') return {};
      await calendar.load([job]);
      const now = clock.now();
      const problem = calendar.problem(job, now);
      if (problem !== null) throw new ClankerError('conflict', 'broken', problem);
      assertRunsLeft(job, job);
      const schedule = afterSetBack(job.schedule, job.decidedAt, now);
      const nextAt = calendar.next({ ...job, schedule }, now);
      if (nextAt === null) throw finished();
      return { settings: { schedule }, state: 'active', reason: null, nextAt };
    });
    return this.#view(resumed);
  }

  async runJob(principal: Principal, id: string, key?: string): Promise<TaskRow> {
    const { store, clock, mintId, audit } = this.#deps;
    const { owner, name, payload, deliver, origin, maxAttempts } = await this.#find(principal, id);
    const now = clock.now();
    const task = await this.#queue({
      id: key === undefined ? mintId('task') : keyedId('task', principal.person, key),
      owner,
      jobId: id,
      due: null,
      trigger: 'hand',
      name,
      payload,
      deliver,
      origin,
      runAt: now,
      maxAttempts,
      createdAt: now,
    });
    if (task.jobId !== id) throw otherRequest();
    await audit.record(principal, 'job.run', id, { task: task.id });
    return (await store.task(task.id, owner)) ?? task;
  }

  async removeJob(principal: Principal, id: string): Promise<void> {
    const { store, clock, audit, runner } = this.#deps;
    const job = await this.#find(principal, id);
    assertNoChore(job);
    if (!(await store.removeJob(id, job.owner, clock.now()))) throw notFound('job');
    // One that is at work may be queued again meanwhile.
    for (const state of ['running', 'queued'] as const) {
      const { items } = await store.listTasks({ owner: job.owner, jobId: id, state }, { limit: 100 });
      for (const task of items) await this.cancelTask(principal, task.id).catch(() => undefined);
    }
    runner.wake();
    await audit.record(principal, 'job.removed', id);
  }

  async slots(...[principal, id, page]: Parameters<ScheduleGateway['slots']>): ReturnType<ScheduleGateway['slots']> {
    await this.#find(principal, id);
    return this.#deps.store.slots(id, page);
  }

  async addTask(...[principal, written, asked]: Parameters<ScheduleGateway['addTask']>): Promise<TaskRow> {
    const { store, mintId, audit } = this.#deps;
    const asker = await this.#asker(principal, asked);
    const { person } = principal;
    const key = asked?.key;
    const id = key === undefined ? mintId('task') : keyedId('task', person, key);
    const earlier = key === undefined ? null : await store.task(id, person);
    if (earlier !== null) return sameAs(earlier, written);
    const { now } = asker.reading;
    const { at, after, time_zone: zone } = written;
    const reading = { ...asker.reading, zone: zoneOf(zone, asker.reading.zone) };
    const named = at !== undefined || after !== undefined;
    const timing = named
      ? await timingOf({ ...(at === undefined ? {} : { at }), ...(after === undefined ? {} : { after }) }, reading)
      : null;
    const task = await this.#queue({
      id,
      owner: person,
      jobId: null,
      due: null,
      trigger: 'request',
      name: nameOf(written.name ?? titleOf(written.payload)),
      payload: await this.#checked(written.payload, person),
      deliver: await this.#deliveryOf(asker, written.deliver),
      origin: originOf(asker, written),
      runAt: timing?.schedule.type === 'at' ? timing.schedule.at : now,
      maxAttempts: (written.retries ?? this.#deps.settings().retries) + 1,
      createdAt: now,
    });
    await audit.record(principal, 'task.added', id, { kind: task.kind });
    return task;
  }

  async tasks(
    principal: Principal,
    query: Parameters<ScheduleGateway['tasks']>[1],
  ): ReturnType<ScheduleGateway['tasks']> {
    const { limit, cursor, job, owner, ...filter } = query;
    const own = ownerFilter(principal) ?? owner ?? null;
    if (owner !== undefined && owner !== own) return { items: [], nextCursor: null };
    const options = { limit, ...(cursor === undefined ? {} : { cursor }) };
    const asked = { ...filter, owner: own, ...(job === undefined ? {} : { jobId: job }) };
    return this.#deps.store.listTasks(asked, options);
  }

  async task(principal: Principal, id: string): ReturnType<ScheduleGateway['task']> {
    const { store } = this.#deps;
    const task = await this.#findTask(principal, id);
    return { task, events: await store.taskEvents(id), steps: await store.taskSteps(id) };
  }

  async cancelTask(principal: Principal, id: string): Promise<TaskRow> {
    const { store, clock, runner, audit } = this.#deps;
    const { state } = await this.#findTask(principal, id);
    const task = await store.cancelTask(id, ownerFilter(principal), 'by hand', clock.now());
    if (task === null) throw new ClankerError('conflict', 'task_is_over', `The task is ${state} already.`);
    runner.cancel(id);
    this.#changed(task);
    await audit.record(principal, 'task.cancelled', id);
    return task;
  }

  async retryTask(principal: Principal, id: string): Promise<TaskRow> {
    const { store, clock, runner, audit } = this.#deps;
    const { state } = await this.#findTask(principal, id);
    const task = await store.retryTask(id, ownerFilter(principal), clock.now());
    if (task === null)
      throw new ClankerError(
        'conflict',
        'not_failed',
        `The task is ${state}; only failed and cancelled ones are retried.`,
      );
    runner.wake();
    this.#changed(task);
    await audit.record(principal, 'task.retried', id);
    return task;
  }

  async #asker(principal: Principal, asked: Asked | undefined): Promise<Asker> {
    const { store, clock, calendar, settings } = this.#deps;
    const { person } = principal;
    const [row, { timeZone }] = await Promise.all([store.person(person), store.preferences(person)]);
    const own = row?.role ?? 'guest';
    const role = lesserRole(own, asked?.role ?? own);
    if (!roleIncludes(role, 'member'))
      throw new ClankerError('auth', 'not_allowed', 'Guests have no jobs; ask an owner for the role member.');
    const reading = { now: clock.now(), zone: timeZone ?? settings().zone, calendar };
    return { principal, role, language: languageOf(row?.language ?? undefined), reading, asked: asked ?? null };
  }

  async #newJob(asker: Asker, written: WrittenJob, id: string): Promise<NewJob> {
    const { calendar, settings } = this.#deps;
    const { payload, deliver, name, missed, jitter, retries, ...rest } = written;
    const { person } = asker.principal;
    const reading = { ...asker.reading, zone: zoneOf(rest.time_zone, asker.reading.zone) };
    const timing = await timingOf(await this.#wordsRead(rest, asker, reading), reading);
    this.#assertPace(timing, asker);
    return {
      ...timing,
      id,
      owner: person,
      name: nameOf(name ?? titleOf(payload)),
      payload: await this.#checked(payload, person),
      deliver: await this.#deliveryOf(asker, deliver),
      missed: missedOf(missed, timing.schedule, settings().maxLatenessMs),
      jitterMs: jitterMsOf(jitter),
      maxAttempts: (retries ?? settings().retries) + 1,
      origin: originOf(asker, written),
      nextAt: calendar.next(timing, reading.now),
      createdAt: reading.now,
    };
  }

  /** With what words say in place of the words. */
  async #wordsRead({ words, ...when }: WrittenWhen, { language }: Asker, reading: Reading): Promise<WrittenWhen> {
    if (words === undefined) return when;
    const read = await this.#deps.readWords(words, language, reading);
    const except = [...(read.except ?? []), ...(when.except ?? [])];
    return { ...read, ...when, ...(except.length === 0 ? {} : { except }) };
  }

  #assertPace(timing: Parameters<typeof assertNotTooOften>[0], { principal, reading }: Asker): void {
    const byClient = principal.kind === 'token';
    assertNotTooOften(timing, byClient ? clientIntervalMs : this.#deps.settings().minIntervalMs, reading);
  }

  async #checked(payload: PersonPayload, owner: string): Promise<PersonPayload> {
    const kind = await this.#deps.kinds(payload.kind);
    const problem = (await kind?.problem?.(payload, owner)) ?? null;
    if (problem !== null) throw invalidInput('bad_payload', problem);
    return payload;
  }

  #deliveryOf({ principal, role, asked }: Asker, written: string | undefined): Promise<TaskDelivery> {
    return this.#deps.delivery({ person: principal.person, role }, written, asked?.here ?? null);
  }

  async #find(principal: Principal, id: string): Promise<JobRow> {
    const job = await this.#deps.store.job(id, ownerFilter(principal));
    if (job === null) throw notFound('job');
    return job;
  }

  async #findTask(principal: Principal, id: string): Promise<TaskRow> {
    const task = await this.#deps.store.task(id, ownerFilter(principal));
    if (task === null) throw notFound('task');
    return task;
  }

  /** Changes it as it is now; what somebody else changed meanwhile is looked at again. */
  async #change(
    principal: Principal,
    id: string,
    deed: 'job.edited' | 'job.paused' | 'job.resumed',
    decide: (job: JobRow) => Promise<Omit<JobChange, 'at'>> | Omit<JobChange, 'at'>,
  ): Promise<JobRow> {
    const { store, clock, audit, scheduler } = this.#deps;
    for (let tries = 0; tries < 5; tries++) {
      const job = await this.#find(principal, id);
      // What is due already is due as the job was.
      if (tries === 0 && job.nextAt !== null && job.nextAt <= clock.now()) {
        await scheduler.settle();
        continue;
      }
      const changed = await store.changeJob(id, job.revision, { ...(await decide(job)), at: clock.now() });
      if (changed === null) continue;
      scheduler.wake();
      await audit.record(principal, deed, id);
      return changed;
    }
    throw new ClankerError('conflict', 'busy', 'The job changes all the time; try again.', { retryable: true });
  }

  async #queue(task: NewTask): Promise<TaskRow> {
    const { store, runner, settings } = this.#deps;
    const limit = settings().maxOpen;
    const queued = await store.addTask(task, limit);
    if (queued === null)
      throw new ClankerError('rate_limited', 'too_many_tasks', `${limit} tasks wait already, the most there may be.`);
    runner.wake();
    this.#changed(queued);
    return queued;
  }

  #changed({ id: taskId, owner: person, jobId, kind, state }: TaskRow): void {
    this.#deps.bus.publish({ type: 'task.changed', person, taskId, jobId, kind, state });
  }

  /** `count`: how many of the next times. */
  async #view(job: JobRow, count = defaultNext): Promise<JobView> {
    const { calendar } = this.#deps;
    if (job.state !== 'active' || job.nextAt === null) return { job, next: [] };
    const left = job.maxRuns === null ? Infinity : Math.max(0, job.maxRuns - job.runs);
    const wanted = Math.min(count, maxNext, left);
    await calendar.load([job]);
    // One that an update took the holidays of is shown until it is due and paused.
    if (calendar.problem(job, job.nextAt) !== null) return { job, next: [] };
    const times = wanted < 1 ? [] : [job.nextAt, ...calendar.upcoming(job, job.nextAt, wanted - 1)];
    return { job, next: times.map((at) => ({ at, local: localText(calendar.wall(at, job.zone)) })) };
  }
}

const finished = (): ClankerError =>
  new ClankerError('conflict', 'finished', 'It would not be due any more; edit when it is due.');

function assertRunsLeft({ maxRuns }: Timing, { runs }: JobRow): void {
  if (maxRuns !== null && runs >= maxRuns) throw finished();
}

function assertNoChore({ payload }: JobRow): void {
  if (payload.kind !== 'chore') return;
  throw new ClankerError(
    'conflict',
    'is_a_chore',
    `This is a chore of the gateway: pause it, run it, or set scheduler.chores.${payload.chore} in the configuration.`,
  );
}
