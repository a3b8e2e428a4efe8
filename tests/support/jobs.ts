/** Tasks on the real message path: what they ask runs through ingress, queue, models and store as in the gateway. */
import type { TestContext } from 'node:test';
import { HandOver } from '../../src/app/tasks/hand-over.ts';
import { JobTools } from '../../src/app/tasks/job-tools.ts';
import { Questions } from '../../src/app/tasks/question.ts';
import type { Payload } from '../../src/core/payload.ts';
import type { NewTask, TaskRow } from '../../src/core/ports/schedule-store.ts';
import type { TaskOutcome, TaskWork } from '../../src/core/ports/task-kind.ts';
import { ownerPerson } from '../../src/core/principal.ts';
import type { AccessPolicy } from '../../src/app/access/authorize.ts';
import { asking, type AskingSettings } from './asking.ts';
import { agent } from './message-path.ts';
import type { Step } from './scripted-provider.ts';

export const inChat: Extract<TaskRow['deliver'], { to: 'conversation' }> = {
  to: 'conversation',
  conversation: { channel: 'scripted', account: 'main', native: '7' },
  chatType: 'direct',
  sessionKey: 'scripted:main:7',
};

/** Deliveries go to the scripted platform; `accounts` are those that the configuration has. */
export async function jobs(t: TestContext, scripts: Step[][], settings: AskingSettings = {}) {
  const rig = await asking(t, scripts, settings);
  const { store, clock, mintId, files, toolbox, gate, rights, directory, channel } = rig;
  const accounts = ['scripted:main'];
  const policy: AccessPolicy = { users: new Set(['7', '8']), chats: new Set(['-1']) };
  const health = { state: 'connected', detail: '', lastReceiveAt: null, lastEventAt: null, identity: null } as const;
  const destination = {
    store,
    directory,
    policy: () => policy,
    channels: {
      resolve: () => channel,
      status: () =>
        accounts.map((id) => {
          const [type = '', account = ''] = id.split(':');
          return { id, type, account, paused: false, health };
        }),
      limits: () => ({ ...channel.capabilities, stream: false as const }),
    },
  };
  const handOver = new HandOver({
    ...rig,
    ...destination,
    calendar: {
      wall: (at) => {
        const date = new Date(at);
        const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
        return { year, month, day, hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: 0 };
      },
    },
    zoneOf: async (person) => (await store.preferences(person)).timeZone ?? 'UTC',
  });
  const questions = new Questions({
    ...rig,
    agents: () => new Set(['brief']),
    assertWelcome: (task) => handOver.assertWelcome(task),
  });
  const tools = new JobTools({ toolbox, gate, store, directory, mintId, rights, agent: () => agent });
  const save = { store, files, clock, mintId };

  /** A task as the store has it. */
  const task = async (payload: Payload, over: Partial<NewTask> = {}): Promise<TaskRow> => {
    const stored = await store.addTask(
      {
        id: mintId('task'),
        owner: ownerPerson,
        jobId: null,
        due: null,
        trigger: 'slot',
        name: 'the job',
        payload,
        deliver: { to: 'nowhere' },
        origin: { kind: 'token', id: 'tok_1', role: 'owner', tainted: null },
        runAt: clock.now(),
        maxAttempts: 3,
        createdAt: clock.now(),
        ...over,
      },
      1000,
    );
    if (stored === null) throw new Error('the task was not taken');
    return stored;
  };
  const workOf = <P extends Payload>(row: TaskRow, over: Partial<TaskWork<P>> = {}): TaskWork<P> => ({
    task: row,
    payload: row.payload as P,
    key: row.id,
    again: false,
    memory: null,
    signal: new AbortController().signal,
    progress: () => undefined,
    steps: { known: () => Promise.resolve([]), save: () => Promise.resolve() },
    ...over,
  });
  /** Runs a payload as a task of its own. */
  const carryOut = async <P extends Payload>(
    kind: { run(work: TaskWork<P>): Promise<TaskOutcome> },
    payload: P,
    over: Partial<NewTask> = {},
    more: Partial<TaskWork<P>> = {},
  ): Promise<TaskOutcome> => kind.run(workOf<P>(await task(payload, over), more));
  return {
    ...rig,
    asked: rig.questions,
    accounts,
    policy,
    destination,
    handOver,
    questions,
    tools,
    save,
    task,
    workOf,
    carryOut,
  };
}
