import { ClankerError, notFound } from '../../core/errors.ts';
import type { Asked, JobView, ScheduleGateway, WrittenJob, WrittenWhen } from '../../core/ports/schedule-gateway.ts';
import type { JobChange, JobRow, JobSettings, NewJob, TaskRow } from '../../core/ports/schedule-store.ts';
import { ownerFilter, type Principal } from '../../core/principal.ts';
import { afterSetBack, type Timing } from '../../core/schedule.ts';
import { askerOf, checkedPayload, deliveryOf, type Asker, type JobsDeps } from './asker.ts';
import { keyedId, nameOf, originEdited, originOf, otherRequest, sameAs, titleOf } from './requests.ts';
import { Tasks } from './tasks.ts';
import { assertNotTooOften, jitterMsOf, localText, missedOf, timingOf, zoneOf, type Reading } from './written.ts';

const defaultNext = 3;
const maxNext = 100;
/** Through the API and the terminal, where people know what they do. */
const clientIntervalMs = 1000;

/** What people may do with jobs and tasks, whatever surface they come by. */
export class Jobs implements ScheduleGateway {
  readonly #deps: JobsDeps;
  readonly #tasks: Tasks;

  constructor(deps: JobsDeps) {
    this.#deps = deps;
    this.#tasks = new Tasks(deps);
  }

  async previewJob(principal: Principal, written: WrittenJob, asked?: Asked, count?: number): Promise<JobView> {
    const job = await this.#newJob(await askerOf(principal, asked, this.#deps), written, 'preview');
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
    const asker = await askerOf(principal, asked, this.#deps);
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
    const views: JobView[] = [];
    // One after the other: what each needs of a calendar is work, and others have their turn in between.
    for (const job of items) views.push(await this.#view(job));
    return { items: views, nextCursor };
  }

  async job(principal: Principal, id: string, count?: number): Promise<JobView> {
    return this.#view(await this.#find(principal, id), count);
  }

  async editJob(principal: Principal, id: string, change: Partial<WrittenJob>, asked?: Asked): Promise<JobView> {
    const { calendar } = this.#deps;
    const asker = await askerOf(principal, asked, this.#deps);
    const edited = await this.#change(principal, id, 'job.edited', async (job) => {
      assertNoChore(job);
      const { payload, deliver, name, missed, jitter, retries, ...written } = change;
      const reading = { ...asker.reading, zone: zoneOf(written.time_zone, job.zone) };
      const when = await this.#wordsRead(written, asker, reading);
      const timing = Object.keys(when).length === 0 ? null : await timingOf(when, reading, job);
      const settings: Partial<JobSettings> = {
        ...timing,
        ...(name === undefined ? {} : { name: nameOf(name) }),
        ...(payload === undefined ? {} : { payload: await checkedPayload(payload, job.owner, this.#deps) }),
        ...(deliver === undefined ? {} : { deliver: await deliveryOf(asker, deliver, this.#deps) }),
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
    const task = await this.#tasks.queue({
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
      for (const task of items) await this.#tasks.cancelTask(principal, task.id).catch(() => undefined);
    }
    runner.wake();
    await audit.record(principal, 'job.removed', id);
  }

  async slots(...[principal, id, page]: Parameters<ScheduleGateway['slots']>): ReturnType<ScheduleGateway['slots']> {
    await this.#find(principal, id);
    return this.#deps.store.slots(id, page);
  }

  readonly addTask: ScheduleGateway['addTask'] = (...asked) => this.#tasks.addTask(...asked);
  readonly tasks: ScheduleGateway['tasks'] = (...asked) => this.#tasks.tasks(...asked);
  readonly task: ScheduleGateway['task'] = (...asked) => this.#tasks.task(...asked);
  readonly cancelTask: ScheduleGateway['cancelTask'] = (...asked) => this.#tasks.cancelTask(...asked);
  readonly retryTask: ScheduleGateway['retryTask'] = (...asked) => this.#tasks.retryTask(...asked);

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
      payload: await checkedPayload(payload, person, this.#deps),
      deliver: await deliveryOf(asker, deliver, this.#deps),
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

  async #find(principal: Principal, id: string): Promise<JobRow> {
    const job = await this.#deps.store.job(id, ownerFilter(principal));
    if (job === null) throw notFound('job');
    return job;
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

  /** `count`: how many of the next times. */
  async #view(stored: JobRow, count = defaultNext): Promise<JobView> {
    const { calendar } = this.#deps;
    const zone = await this.#clockOf(stored);
    const job = { ...stored, zone };
    if (job.state !== 'active' || job.nextAt === null) return { job, next: [] };
    const left = job.maxRuns === null ? Infinity : Math.max(0, job.maxRuns - job.runs);
    const wanted = Math.min(count, maxNext, left);
    await calendar.load([job]);
    // One that an update took the holidays of is shown until it is due and paused.
    if (calendar.problem(job, job.nextAt) !== null) return { job, next: [] };
    const times = wanted < 1 ? [] : [job.nextAt, ...calendar.upcoming(job, job.nextAt, wanted - 1)];
    return { job, next: times.map((at) => ({ at, local: localText(calendar.wall(at, zone)) })) };
  }

  /** An interval of the gateway itself goes by no clock: it is told on that of its owner, as everything else is. */
  async #clockOf({ payload, schedule, zone, owner }: JobRow): Promise<string> {
    if (payload.kind !== 'chore' || schedule.type === 'cron') return zone;
    const { store, settings } = this.#deps;
    return (await store.preferences(owner)).timeZone ?? settings().zone;
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
