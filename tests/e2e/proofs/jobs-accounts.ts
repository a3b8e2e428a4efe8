/** The accounts of the proof of jobs: due times, tasks and what came of them, held against what the world has seen. */
import { DatabaseSync } from 'node:sqlite';
import { wireId } from '../../../src/adapters/channels/webhook/post.ts';
import { nextPlain, type Timing } from '../../../src/core/schedule.ts';
import type { TaskResult } from '../../../src/core/task.ts';
import type { JobsRig } from './jobs-rig.ts';

export interface Reminder {
  id: string;
  text: string;
}

interface JobRecord {
  seq: number;
  id: string;
  kind: string;
  state: string;
  updated_at: number;
  timing: string;
  payload: string;
}
interface SlotRecord {
  due: number;
  until: number;
  count: number;
  state: 'fired' | 'missed';
  task_id: string | null;
  /** When it was decided about. */
  at: number;
}
interface TaskRecord {
  seq: number;
  id: string;
  name: string;
  job_id: string;
  due: number | null;
  kind: string;
  state: string;
  attempts: number;
  crashes: number;
  error: string | null;
  deliver: string;
  payload: string;
  result: string | null;
}
interface OutboxRecord {
  idempotency_key: string;
  state: string;
  resent: number;
  body: string;
}

/** Whether a task that died with a gateway has not come to its end yet. */
export function isRecovering(file: string): boolean {
  const database = new DatabaseSync(file, { readOnly: true });
  const sql = `SELECT 1 FROM tasks WHERE state IN ('queued', 'running') AND crashes > 0 LIMIT 1`;
  const found = database.prepare(sql).get() !== undefined;
  database.close();
  return found;
}

/** What the database of a gateway that has stopped says of its jobs; chores are left out. */
export class ScheduleBook {
  readonly jobs: JobRecord[];
  readonly tasks: TaskRecord[];
  readonly outbox: OutboxRecord[];
  readonly quickCheck: string[];
  readonly #slots: Map<number, SlotRecord[]>;
  readonly #steps: Map<number, { id: string; text: string }[]>;

  constructor(file: string) {
    const database = new DatabaseSync(file, { readOnly: true });
    const all = <T>(sql: string): T[] => database.prepare(sql).all() as T[];
    this.jobs = all('SELECT * FROM jobs WHERE chore = 0 ORDER BY seq');
    this.tasks = all('SELECT * FROM tasks WHERE chore = 0 ORDER BY seq');
    this.outbox = all(`SELECT * FROM outbox WHERE idempotency_key LIKE 'task:%'`);
    this.quickCheck = all<{ quick_check: string }>('PRAGMA quick_check').map((row) => row.quick_check);
    this.#slots = Map.groupBy(
      all<SlotRecord & { job: number }>('SELECT * FROM job_slots ORDER BY due'),
      ({ job }) => job,
    );
    const steps = all<{ task: number; id: string; result: string | null }>('SELECT task, id, result FROM task_steps');
    this.#steps = new Map(
      [...Map.groupBy(steps, ({ task }) => task)].map(([task, of]) => [
        task,
        of.map(({ id, result }) => ({ id, text: textOf(result) })),
      ]),
    );
    database.close();
  }

  slotsOf(id: string): SlotRecord[] {
    return this.#slots.get(this.jobs.find((job) => job.id === id)?.seq ?? 0) ?? [];
  }

  /** The most due times that were decided about at once: how many, and which of them fired. */
  caughtUp(id: string): { times: number; fired: number[]; newest: number; at: number } {
    const together = [...Map.groupBy(this.slotsOf(id), ({ at }) => at).values()].map((slots) => ({
      times: slots.reduce((n, { count }) => n + count, 0),
      fired: slots.filter(({ state }) => state === 'fired').map(({ due }) => due),
      newest: slots.at(-1)?.until ?? 0,
      at: slots[0]?.at ?? 0,
    }));
    return together.toSorted((a, b) => b.times - a.times)[0] ?? { times: 0, fired: [], newest: 0, at: 0 };
  }

  /** What a step of a workflow came to; empty when it came to nothing. */
  stepOf({ seq }: TaskRecord, id: string): string {
    return this.#steps.get(seq)?.find((step) => step.id === id)?.text ?? '';
  }
}

const textOf = (result: string | null): string => (result === null ? '' : (JSON.parse(result) as TaskResult).text);
const timesIn = (text: string, within: readonly string[]): number =>
  within.filter((each) => each.includes(text)).length;

export function jobsAccounts(
  rig: JobsRig,
  { ids, reminders }: { ids: ReadonlyMap<string, string>; reminders: readonly Reminder[] },
): { figures: [string, string][]; violations: string[] } {
  const book = new ScheduleBook(rig.databaseFile);
  const violations = book.quickCheck.filter((line) => line !== 'ok').map((line) => `quick_check: ${line}`);
  const recurring = new Set(ids.values());
  for (const id of recurring) violations.push(...slotFaults(book, id));
  for (const { id } of reminders) violations.push(...slotFaults(book, id));
  violations.push(...strangers(book, new Set([...recurring, ...reminders.map(({ id }) => id)])));
  violations.push(...taskFaults(book));
  const shown = rig.telegram.messages().map(({ text }) => text);
  const handed = handedOver(book, shown);
  const posts = posted(book, rig);
  const deeds = deedsOf(book, rig.tags);
  const notices = failuresTold(book, shown);
  violations.push(...handed.faults, ...notices.faults, ...posts.faults, ...deeds.faults);

  const slots = book.jobs.flatMap(({ id }) => book.slotsOf(id));
  const count = (state: string): number => slots.reduce((n, slot) => n + (slot.state === state ? slot.count : 0), 0);
  return {
    violations,
    figures: [
      ['jobs, of these due once', `${book.jobs.length}, ${reminders.length}`],
      ['due times fired / missed by policy', `${count('fired')} / ${count('missed')}`],
      ['tasks completed', String(book.tasks.filter(({ state }) => state === 'completed').length)],
      ['deaths of the gateway in a task', String(book.tasks.reduce((n, { crashes }) => n + crashes, 0))],
      ['results in chats, exactly once', String(handed.once)],
      ['doubled in the ambiguous window, reported', String(handed.doubled)],
      ['left uncertain, reported', String(handed.uncertain)],
      ['failures, each told by one message', String(notices.told)],
      ['posts to the webhook, repeats dropped by its id', `${posts.received}, ${posts.repeats}`],
      ['workflows whose deed is known to be done once', String(deeds.once)],
      ['workflows whose deed is unknown, told and not repeated', String(deeds.unknown)],
    ],
  };
}

/** Every due time has a row, in their order and without a hole, up to when the job ended or was paused. */
function slotFaults(book: ScheduleBook, id: string): string[] {
  const faults: string[] = [];
  const job = book.jobs.find((each) => each.id === id);
  if (job === undefined) return [`the job ${id} was promised and is not there`];
  const { schedule } = JSON.parse(job.timing) as Timing;
  if (schedule.type === 'cron') return [`${id}: cron is not looked at here`];
  const wrong = (due: number | null, what: string): void =>
    void faults.push(`${id} ${job.kind}, ${due === null ? 'at no time' : new Date(due).toISOString()}: ${what}`);
  let due = nextPlain(schedule, (schedule.type === 'at' ? schedule.at : schedule.from) - 1);
  for (const slot of book.slotsOf(id)) {
    if (slot.due !== due) wrong(due, `the next row is of ${new Date(slot.due).toISOString()}`);
    if ((slot.state === 'fired') !== (slot.task_id !== null))
      wrong(due, 'a task goes with what fired, and only with that');
    if (slot.state === 'fired' && !book.tasks.some((task) => task.id === slot.task_id && task.job_id === id))
      wrong(due, 'its task is not there');
    due = slot.due;
    for (let n = 1; n < slot.count; n++) due = nextPlain(schedule, due ?? 0);
    if (due !== slot.until) wrong(due, `its row ends at ${new Date(slot.until).toISOString()}`);
    due = nextPlain(schedule, slot.until);
  }
  if (job.state === 'active') wrong(due, 'it is still active');
  // What was due before somebody paused it was attended first.
  if (due !== null && due <= job.updated_at) wrong(due, 'it was passed over');
  return faults;
}

function strangers(book: ScheduleBook, known: ReadonlySet<string>): string[] {
  return book.jobs.filter(({ id }) => !known.has(id)).map(({ id }) => `the job ${id} was made by nobody`);
}

/** Every task has come to its end, and belongs to one due time. */
function taskFaults(book: ScheduleBook): string[] {
  const faults: string[] = [];
  const slots = new Set(book.jobs.flatMap(({ id }) => book.slotsOf(id).map(({ task_id: task }) => task)));
  for (const task of book.tasks) {
    const { id, kind, state, due, attempts } = task;
    const wrong = (what: string): void =>
      void faults.push(`${id} ${kind}, ${state} after ${attempts} attempts: ${what}`);
    if (due !== null && !slots.has(id)) wrong('no due time is its own');
    if (state !== 'completed' && state !== 'failed') wrong('it has no end');
    if (state !== 'failed') continue;
    const code = codeOf(task.error);
    if (kind === 'workflow' && code === 'outcome_unknown') continue;
    // The one that is asked of it cannot be done, see remind.
    if (kind === 'tool' && code === 'tool_failed') continue;
    wrong(`it failed with ${code}: ${task.error}`);
  }
  return faults;
}

const codeOf = (error: string | null): string => (error === null ? '' : (JSON.parse(error) as { code: string }).code);

/** A result is one message, which stands there once; twice only where nobody could know, and then it is marked. */
function handedOver(book: ScheduleBook, shown: readonly string[]) {
  const found = { once: 0, doubled: 0, uncertain: 0, faults: [] as string[] };
  const rows = Map.groupBy(book.outbox, ({ idempotency_key: key }) => key.split(':')[1] ?? '');
  const byText = new Map<string, OutboxRecord[]>();
  for (const task of book.tasks) {
    const own = rows.get(task.id) ?? [];
    const inChat = (JSON.parse(task.deliver) as { to: string }).to === 'conversation' && task.state === 'completed';
    if (own.length !== (inChat ? 1 : 0) && task.state === 'completed')
      found.faults.push(`${task.id} ${task.kind}: its result is ${own.length} messages`);
    if (!inChat) continue;
    const text = textOf(task.result);
    byText.set(text, [...(byText.get(text) ?? []), ...own]);
  }
  for (const [text, own] of byText) {
    const times = timesIn(text, shown);
    const sure = own.filter(({ state, resent }) => state === 'sent' && resent === 0).length;
    const again = own.filter(({ state, resent }) => state === 'sent' && resent === 1).length;
    const unsure = own.filter(({ state }) => state === 'uncertain').length;
    const least = sure + again;
    if (sure + again + unsure !== own.length)
      found.faults.push(`"${text}": ${own.map(({ state }) => state).join(', ')}`);
    if (times < least || times > sure + 2 * (again + unsure))
      found.faults.push(
        `"${text}" stands ${times} times in its chat; ${sure} sent, ${again} repeated, ${unsure} uncertain`,
      );
    found.once += Math.min(sure, times);
    found.doubled += Math.max(0, times - least);
    found.uncertain += unsure;
  }
  return found;
}

/** Whoever waits for what failed hears so: by one message, which stands in the chat. */
function failuresTold(book: ScheduleBook, shown: readonly string[]) {
  const found = { told: 0, faults: [] as string[] };
  for (const { id, name, state, deliver } of book.tasks) {
    if (state !== 'failed' || (JSON.parse(deliver) as { to: string }).to !== 'conversation') continue;
    const own = book.outbox.filter(({ idempotency_key: key }) => key.startsWith(`task:${id}:failed`));
    const [row] = own;
    if (row === undefined || own.length > 1) found.faults.push(`${id}: its failure is ${own.length} messages`);
    else if (row.state === 'sent' ? timesIn(name, shown) === 0 : row.state !== 'uncertain')
      found.faults.push(`${id}: the message of its failure is ${row.state} and stands nowhere`);
    else found.told += 1;
  }
  return found;
}

/** By its id each post arrives at least once, and nothing arrives that no task is about. */
function posted(book: ScheduleBook, { receipts }: JobsRig) {
  const found = { received: receipts.length, repeats: 0, faults: [] as string[] };
  const byId = Map.groupBy(receipts, ({ id }) => id);
  found.repeats = receipts.length - byId.size;
  for (const { id, kind, state } of book.tasks) {
    if (kind !== 'webhook') continue;
    const own = byId.get(wireId(id)) ?? [];
    byId.delete(wireId(id));
    if (state === 'completed' && own.length === 0) found.faults.push(`${id}: its post never arrived`);
    if (new Set(own.map(({ body }) => body.task)).size > 1) found.faults.push(`${id}: it posted different things`);
  }
  for (const id of byId.keys()) found.faults.push(`a post ${id} is of no task`);
  const told = Map.groupBy(receipts, ({ body }) => body.task);
  for (const [task, of] of told)
    if (new Set(of.map(({ id }) => id)).size > 1) found.faults.push(`${task} was posted under more than one id`);
  for (const { id, deliver, state } of book.tasks)
    if (state === 'completed' && (JSON.parse(deliver) as { to: string }).to === 'webhook' && !told.has(id))
      found.faults.push(`${id}: its result was not posted`);
  return found;
}

/** What may not be done twice is not; what nobody knows of is told as that. */
function deedsOf(book: ScheduleBook, tags: ReadonlyMap<string, number>) {
  const found = { once: 0, unknown: 0, faults: [] as string[] };
  const left = new Map(tags);
  for (const task of book.tasks) {
    if (task.kind !== 'workflow') continue;
    const tag = book.stepOf(task, 'tag');
    const times = left.get(tag) ?? 0;
    left.delete(tag);
    if (task.state === 'completed' && times !== 1)
      found.faults.push(`${task.id}: its deed "${tag}" was done ${times} times`);
    else if (times > 1) found.faults.push(`${task.id} failed, and its deed "${tag}" was done ${times} times`);
    else if (task.state === 'completed') found.once += 1;
    else found.unknown += 1;
  }
  for (const [tag, times] of left) found.faults.push(`"${tag}" was done ${times} times by no workflow`);
  return found;
}
