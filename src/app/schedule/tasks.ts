import { ClankerError, notFound } from '../../core/errors.ts';
import type { ScheduleGateway } from '../../core/ports/schedule-gateway.ts';
import type { NewTask, TaskRow } from '../../core/ports/schedule-store.ts';
import { ownerFilter, type Principal } from '../../core/principal.ts';
import { askerOf, checkedPayload, deliveryOf, type JobsDeps } from './asker.ts';
import { keyedId, nameOf, originOf, sameAs, titleOf } from './requests.ts';
import { timingOf, zoneOf } from './written.ts';

/** What people may do with tasks, those of jobs included. */
export class Tasks {
  readonly #deps: JobsDeps;

  constructor(deps: JobsDeps) {
    this.#deps = deps;
  }

  async addTask(...[principal, written, asked]: Parameters<ScheduleGateway['addTask']>): Promise<TaskRow> {
    const { store, mintId, audit } = this.#deps;
    const asker = await askerOf(principal, asked, this.#deps);
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
    const task = await this.queue({
      id,
      owner: person,
      jobId: null,
      due: null,
      trigger: 'request',
      name: nameOf(written.name ?? titleOf(written.payload)),
      payload: await checkedPayload(written.payload, person, this.#deps),
      deliver: await deliveryOf(asker, written.deliver, this.#deps),
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

  /** Rejects when too many wait already. */
  async queue(task: NewTask): Promise<TaskRow> {
    const { store, runner, settings } = this.#deps;
    const limit = settings().maxOpen;
    const queued = await store.addTask(task, limit);
    if (queued === null)
      throw new ClankerError('rate_limited', 'too_many_tasks', `${limit} tasks wait already, the most there may be.`);
    runner.wake();
    this.#changed(queued);
    return queued;
  }

  async #findTask(principal: Principal, id: string): Promise<TaskRow> {
    const task = await this.#deps.store.task(id, ownerFilter(principal));
    if (task === null) throw notFound('task');
    return task;
  }

  #changed({ id: taskId, owner: person, jobId, kind, state }: TaskRow): void {
    this.#deps.bus.publish({ type: 'task.changed', person, taskId, jobId, kind, state });
  }
}
