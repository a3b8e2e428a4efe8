/** Schedules on the real message path: the tools, the service of jobs, the kinds of tasks and who carries them out. */
import type { TestContext } from 'node:test';
import { createCalendar } from '../../src/adapters/calendar/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import { scheduleTools } from '../../src/adapters/tools/schedule/index.ts';
import type { JobsSettings } from '../../src/app/schedule/asker.ts';
import { Jobs } from '../../src/app/schedule/jobs.ts';
import { readWords } from '../../src/app/schedule/read-words.ts';
import { resolveDelivery } from '../../src/app/tasks/deliveries.ts';
import { askKind } from '../../src/app/tasks/kinds/ask.ts';
import { fetchKind } from '../../src/app/tasks/kinds/fetch.ts';
import { textKind } from '../../src/app/tasks/kinds/text.ts';
import { toolKind } from '../../src/app/tasks/kinds/tool.ts';
import { TaskRunner, type TaskSettings } from '../../src/app/tasks/runner.ts';
import type { PayloadKind } from '../../src/core/payload.ts';
import type { PageReader } from '../../src/core/ports/page-reader.ts';
import type { ScheduleGateway } from '../../src/core/ports/schedule-gateway.ts';
import type { TaskRow } from '../../src/core/ports/schedule-store.ts';
import type { Clock } from '../../src/core/ports/system.ts';
import type { TaskKind } from '../../src/core/ports/task-kind.ts';
import type { ToolCall, ToolOutput } from '../../src/core/ports/tool.ts';
import type { Principal } from '../../src/core/principal.ts';
import type { AskingSettings } from './asking.ts';
import { jobs } from './jobs.ts';
import { dayMs, hasty } from './message-path.ts';
import type { Step } from './scripted-provider.ts';

/** Wednesday, 25 November 2026, 10:30 in Berlin, and some minutes more while a test is at work. */
const start = Date.UTC(2026, 10, 25, 9, 30) - hasty.now();
export const wednesday: Clock = {
  now: () => start + hasty.now(),
  monotonic: () => hasty.monotonic(),
  after: (ms, wake) => hasty.after(ms, wake),
  sleep: (ms, signal) => hasty.sleep(ms, signal),
};

/** The person 7 and what they may do with schedules; nothing is due by itself: `carryOut` runs a job by hand. */
export async function scheduling(t: TestContext, scripts: Step[][], over: AskingSettings = {}) {
  let service: Jobs | null = null;
  // The tools are there before the service that they ask.
  const schedule = new Proxy({} as ScheduleGateway, {
    get:
      (_, name: keyof ScheduleGateway) =>
      (...given: unknown[]): unknown =>
        Reflect.apply(service?.[name] ?? assertNever, service, given),
  });
  const tools = scheduleTools({ schedule });
  const more = [tools, ...(over.more ?? [])];
  const rig = await jobs(t, scripts, { clock: wednesday, ...over, more });
  const { store, bus, clock, log, metrics, mintId, audit, handOver, questions, save, delivery } = rig;
  const calendar = createCalendar();
  // What is loaded on first use takes longer than a tool may on this clock.
  await calendar.load([{ schedule: { type: 'cron', expression: '0 9 * * *' }, except: ['holidays:DE'] }]);
  await import('../../src/core/when/read-when.ts');
  await import('../../src/core/notices/schedule.ts');
  const settings: JobsSettings = {
    zone: 'Europe/Berlin',
    maxJobs: 100,
    minIntervalMs: 60_000,
    maxLatenessMs: 86_400_000,
    maxOpen: 200,
    retries: 3,
  };
  const working: TaskSettings = {
    concurrency: 4,
    perPerson: 2,
    kinds: {},
    timeoutMs: dayMs,
    leaseMs: 60_000,
    pollMs: 30_000,
  };
  const pages: { readPage: PageReader } = { readPage: () => Promise.reject(new Error('no page is read here')) };
  const kinds: Partial<Record<PayloadKind, TaskKind>> = {
    text: textKind() as TaskKind,
    ask: askKind({ questions }) as TaskKind,
    tool: toolKind({ tools: rig.tools, clock, timeoutMs: () => dayMs, save }) as TaskKind,
    fetch: fetchKind({
      tools: rig.tools,
      questions,
      clock,
      save,
      readPage: (...asked) => pages.readPage(...asked),
      refusalOf: () => Promise.resolve(null),
    }) as TaskKind,
  };
  const kindOf = (kind: PayloadKind): Promise<TaskKind | null> => Promise.resolve(kinds[kind] ?? null);
  const runner = new TaskRunner({
    store,
    bus,
    clock,
    log,
    metrics,
    delivery,
    random: systemRandom,
    crash: () => undefined,
    node: 'here',
    kinds: kindOf,
    handOver: (...of) => handOver.handOver(...of),
    failureNotice: (...of) => handOver.failureNotice(...of),
    settings: () => working,
  });
  service = new Jobs({
    store,
    clock,
    bus,
    calendar,
    mintId,
    audit,
    runner,
    scheduler: { wake: () => undefined, settle: () => Promise.resolve() },
    kinds: kindOf,
    delivery: (by, written, here) =>
      resolveDelivery(by, written, here, { ...rig.destination, webhooks: () => ['ops'] }),
    readWords,
    settings: () => settings,
  });
  t.after(() => runner.stop(0));

  /** Whoever they are on the platform becomes a member, as most people are. */
  const principalOf = async (native = '7'): Promise<Principal> => {
    const person = await rig.personOf(native);
    return { kind: 'sender', id: 'scripted:main', person, scope: 'send', name: person };
  };
  const jobsOf = async (native = '7') =>
    (await schedule.jobs(await principalOf(native), { limit: 100, chores: 'without' })).items;
  /** Runs a job now; resolves when it came to an end, be it good or bad. */
  const carriedOut = async (id: string, native = '7'): Promise<TaskRow> => {
    const by = await principalOf(native);
    const task = await schedule.runJob(by, id);
    return ended(task, by);
  };
  const ended = async ({ id }: Pick<TaskRow, 'id'>, by: Principal): Promise<TaskRow> => {
    await runner.start();
    await rig.event(
      'task.changed',
      ({ taskId, state }) => taskId === id && ['completed', 'failed', 'cancelled'].includes(state),
    );
    return (await schedule.task(by, id)).task;
  };
  /** A call of a tool as the agent makes it for the person 7 in their direct chat. */
  const use = async (name: string, args: object, over: Partial<ToolCall> = {}): Promise<ToolOutput> => {
    const tool = tools.tools.find((each) => each.name === name);
    const prepared = tool?.prepare(JSON.parse(JSON.stringify(args))) ?? { problem: 'there is no such tool' };
    if ('problem' in prepared) return { text: prepared.problem, isError: true };
    const call: ToolCall = {
      id: mintId('req'),
      runId: mintId('run'),
      person: (await rig.directory.find({ channel: 'scripted', account: 'main', native: '7' }))?.person ?? '',
      role: 'member',
      agent: null,
      depth: 0,
      sessionKey: 'scripted:main:7',
      channel: 'scripted',
      account: 'main',
      conversation: { channel: 'scripted', account: 'main', native: '7' },
      chatType: 'direct',
      language: null,
      signal: new AbortController().signal,
      ...over,
    };
    return prepared.run(call);
  };
  return {
    ...rig,
    schedule,
    settings,
    working,
    pages,
    runner,
    calendar,
    tools,
    jobTools: rig.tools,
    principalOf,
    jobsOf,
    carriedOut,
    ended,
    use,
  };
}

function assertNever(): never {
  throw new Error('the service is not there yet');
}
