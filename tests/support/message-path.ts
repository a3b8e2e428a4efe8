/** The whole message path over a real store: ingress, runs, models, delivery and a scripted platform. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { diskFiles } from '../../src/adapters/files/disk.ts';
import { MemoryBus } from '../../src/adapters/bus/memory.ts';
import { createMarkdown } from '../../src/adapters/markdown/index.ts';
import { systemClock, systemRandom } from '../../src/adapters/system/index.ts';
import type { AccessPolicy } from '../../src/app/access/authorize.ts';
import { registerAccessCommands } from '../../src/app/access/commands.ts';
import { Audit } from '../../src/app/audit/audit.ts';
import { Directory } from '../../src/app/access/directory.ts';
import { Pairing } from '../../src/app/access/pairing.ts';
import { ApprovalAnswers } from '../../src/app/approvals/answers.ts';
import { registerApprovalCommands } from '../../src/app/approvals/commands.ts';
import { ApprovalGate } from '../../src/app/approvals/gate.ts';
import { remoteApprovals } from '../../src/app/approvals/remote.ts';
import { Budgets, type BudgetSettings } from '../../src/app/budget/budgets.ts';
import { registerUsageCommands } from '../../src/app/budget/commands.ts';
import { registerBuiltinCommands } from '../../src/app/commands/builtin.ts';
import { registerInspectCommands } from '../../src/app/commands/inspect.ts';
import { CommandRegistry } from '../../src/app/commands/registry.ts';
import { Delivery } from '../../src/app/delivery/delivery.ts';
import { Chat } from '../../src/app/gateway/chat.ts';
import { DeadLetters } from '../../src/app/gateway/dead.ts';
import { Sessions } from '../../src/app/gateway/sessions.ts';
import { FloodNotice } from '../../src/app/ingress/flood-notice.ts';
import { Ingress } from '../../src/app/ingress/ingress.ts';
import { ModelCaller } from '../../src/app/models/caller.ts';
import { CallRunner } from '../../src/app/agent/calls.ts';
import { Compaction } from '../../src/app/agent/compaction.ts';
import { AgentLoop } from '../../src/app/agent/loop.ts';
import { historyTurnsOf, type AgentSettings } from '../../src/app/agent/settings.ts';
import { Toolbox } from '../../src/app/agent/toolbox.ts';
import type { CrashPoint } from '../../src/app/lifecycle/crash-points.ts';
import { registerPreferenceCommands } from '../../src/app/preferences/commands.ts';
import { Preferences } from '../../src/app/preferences/preferences.ts';
import { RunExecutor, type RunDeps } from '../../src/app/runs/execute.ts';
import { Outages } from '../../src/app/runs/outages.ts';
import { RunQueue, type QueueMode } from '../../src/app/runs/queue.ts';
import { RunWaiters } from '../../src/app/runs/waiters.ts';
import { JobRights } from '../../src/app/tasks/rights.ts';
import { noLimits } from '../../src/core/budget.ts';
import { ClankerError } from '../../src/core/errors.ts';
import type { GatewayEvent } from '../../src/core/events.ts';
import { idMint } from '../../src/core/ids.ts';
import type { Channel, InboundEvent } from '../../src/core/ports/channel.ts';
import type { Gate } from '../../src/core/ports/gate.ts';
import type { Store } from '../../src/core/ports/store.ts';
import type { ToolGroup } from '../../src/core/ports/tool.ts';
import type { ToolPolicy } from '../../src/core/tool-policy.ts';
import type { Clock } from '../../src/core/ports/system.ts';
import { ownerPerson, type Principal } from '../../src/core/principal.ts';
import { jobChannel } from '../../src/core/session-key.ts';
import { afterSleep } from './after-sleep.ts';
import { CountedMetrics, KeptLog } from './door.ts';
import { configured } from './model-calls.ts';
import { ScriptedChannel } from './scripted-channel.ts';
import { answer, ScriptedProvider, type Step } from './scripted-provider.ts';
import { freshStore } from './store.ts';

/**
 * Time that passes only where it is waited for, and a hundred times faster than real: nothing may depend on how long
 * a pause is. For a limit that is not to run out because the machine is slow a day is enough: a quarter of an hour.
 */
class HastyClock implements Clock {
  readonly #epoch = systemClock.now();
  #elapsed = 0;

  now(): number {
    return this.#epoch + Math.round(this.#elapsed);
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, wake: () => void): () => void {
    return afterSleep(this, ms, wake);
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const end = this.#elapsed + ms;
    await systemClock.sleep(ms / 100, signal);
    this.pass(end - this.#elapsed);
  }

  /** Moves time on; a pause that is under way does not end sooner. */
  pass(ms: number): void {
    this.#elapsed += Math.max(0, ms);
  }
}

export const hasty = new HastyClock();

export const dayMs = 86_400_000;
/** For a model that is at work on this clock. */
const patient = { headersMs: dayMs, firstOutputMs: dayMs, idleMs: dayMs };

export const principal: Principal = { kind: 'token', id: 'tok_1', person: ownerPerson, scope: 'admin', name: 'test' };

export const storageError = (retryable = true): ClankerError =>
  new ClankerError('storage', 'storage_full', 'The disk is full.', { retryable });

type Method = keyof { [K in keyof Store as Store[K] extends (...args: never[]) => Promise<unknown> ? K : never]: 1 };

/** A store of which single calls can be made to fail, each as often as is said. */
export class FailingStore {
  readonly store: Store;
  readonly failures = new Map<Method, Error[]>();
  readonly calls: Method[] = [];
  /** Called right after a call went to the store, long before its answer. */
  asked: (name: Method) => void = () => undefined;

  constructor(real: Store) {
    this.store = new Proxy(real, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          this.calls.push(name as Method);
          const error = this.failures.get(name as Method)?.shift();
          const answer: unknown = error === undefined ? Reflect.apply(value, target, args) : Promise.reject(error);
          this.asked(name as Method);
          return answer;
        };
      },
    });
  }

  fail(method: Method, times = 1, error: Error = storageError()): void {
    this.failures.set(
      method,
      Array.from({ length: times }, () => error),
    );
  }
}

export const agent: AgentSettings = {
  name: null,
  systemPrompt: 'You help.',
  historyWindow: 10,
  maxTokens: null,
  temperature: null,
  model: null,
  tools: ['*'],
  record: false,
  limits: { timeoutMs: dayMs, steps: 25, callsPerStep: 8, cost: null, contextTokens: 32_000 },
};

const allowing: Gate = {
  judge: () => ({ decision: 'allow' }),
  ask: () => Promise.reject(new Error('nothing is asked here')),
};

const noPolicy: ToolPolicy = { base: {}, roles: {}, channels: {}, agents: {}, tools: {} };

const unlimited: BudgetSettings = {
  total: noLimits,
  roles: { owner: noLimits, member: noLimits, guest: noLimits },
  channels: {},
  job: noLimits,
};

export interface PathSettings {
  budgets?: BudgetSettings;
  clock?: Clock;
  queueMode?: QueueMode;
  policy?: AccessPolicy;
  maxConcurrency?: number;
  /** Tools that there are; all calls of them are allowed unless a policy or a gate says otherwise. */
  groups?: readonly ToolGroup[];
  /** Resolves once all of these have had the time to start. */
  arrived?: () => Promise<void>;
  toolPolicy?: ToolPolicy;
  /** Default: so long that no question expires while a test is at work. */
  approvalTimeoutMs?: number;
  gate?: Gate;
  agent?: Partial<AgentSettings>;
  maxResult?: number;
  /** Many runs are at work. */
  atWork?: number;
  crash?: CrashPoint;
  /** Instead of the scripted platform. */
  channel?: Channel;
}

/** Provider scripts are played one per request. */
export async function messagePath(t: TestContext, scripts: Step[][] = [answer], settings: PathSettings = {}) {
  const { clock = hasty, queueMode = 'followup', maxConcurrency = 256 } = settings;
  const policy = settings.policy ?? { users: new Set(['7', '8']), chats: new Set(['-1']) };
  const real = await freshStore(t);
  const failing = new FailingStore(real);
  const { store } = failing;
  const metrics = new CountedMetrics();
  const log = new KeptLog();
  const bus = new MemoryBus(clock, metrics);
  const mintId = idMint(clock, systemRandom);
  await store.ensurePerson({ id: ownerPerson, name: 'owner', role: 'owner', language: null, createdAt: clock.now() });
  const provider = new ScriptedProvider('scripted', clock, ...scripts);
  const budgets = new Budgets({
    store,
    clock,
    log,
    metrics,
    roleOf: (person) => directory.roleOf(person),
    settings: () => settings.budgets ?? unlimited,
  });
  const models = new ModelCaller({ clock, random: systemRandom, log, metrics, bus, store, budgets });
  const preferences = new Preferences({ store, models });
  models.configure(new Map([configured(provider, { maxConcurrency, clocks: patient })]), {
    default: 'scripted',
    fallback: [],
  });
  const { crash = () => undefined, toolPolicy, approvalTimeoutMs = dayMs, maxResult = 32_000 } = settings;
  const audit = new Audit({ store, clock });
  const asking = { store, bus, clock, log, metrics, mintId, policy: () => toolPolicy ?? noPolicy };
  const answers = new ApprovalAnswers({ ...asking, audit, whois: (inbound) => whois(inbound) });
  const gate =
    settings.gate ??
    (toolPolicy === undefined ? allowing : new ApprovalGate({ ...asking, timeoutMs: () => approvalTimeoutMs }));
  const acting = { ...agent, ...settings.agent };
  const markdown = createMarkdown();
  const commands = new CommandRegistry();
  const waiters = new RunWaiters();
  const channel = new ScriptedChannel('scripted', 'main', { text: { maxLength: 1000, maxSpans: 50 } });
  const platform = settings.channel ?? channel;
  const folder = mkdtempSync(path.join(tmpdir(), 'clanker-files-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = diskFiles(folder);
  const delivery = new Delivery({ store, bus, clock, log, metrics, crash, readFile: (id) => files.read(id) });
  const outages = new Outages({ store, clock, log, mintId, models, delivery, runs: () => runs });
  const directory = new Directory({ store, clock, mintId });
  const rights = new JobRights({ store, directory });
  const whois: RunDeps['whois'] = (inbound) =>
    inbound.channel === jobChannel ? rights.whois(inbound) : directory.whois(inbound, policy);
  const kept: string[] = [];
  const keep = (_person: string, text: string): Promise<string> => Promise.resolve(`file_${kept.push(text)}`);
  const calls = new CallRunner({
    gate,
    clock,
    log,
    metrics,
    crash,
    keep,
    limits: () => ({ timeoutMs: dayMs, maxResult }),
  });
  const compaction = new Compaction({ models, store, clock, log, metrics });
  const loop = new AgentLoop({ models, calls, store, clock, crash, mintId });
  const toolbox = new Toolbox();
  toolbox.configure([
    { groups: () => settings.groups ?? [], arrived: () => settings.arrived?.() ?? Promise.resolve() },
  ]);
  const executor = new RunExecutor({
    store,
    bus,
    clock,
    log,
    metrics,
    mintId,
    markdown,
    models,
    delivery,
    waiters,
    commands,
    approvals: answers,
    crash,
    loop,
    historyTurns: () => historyTurnsOf(acting),
    atWork: () => settings.atWork ?? 1,
    compaction,
    toolbox,
    agent: () => acting,
    steers: () => queueMode === 'steer',
    whois,
    preferredModel: (person) => preferences.modelOf(person),
    timeZone: async (person) => (await store.preferences(person)).timeZone ?? 'UTC',
    files,
    outages,
    loadFile: () => () => Promise.resolve(null),
    channelLimits: () => {
      const { text, edit, files, correlates = false, buttons } = platform.capabilities;
      return { text, files, stream: edit.supported, correlates, buttons };
    },
  });
  const runs = new RunQueue({
    store,
    clock,
    log,
    metrics,
    crash,
    historyTurns: () => historyTurnsOf(acting),
    queueMode: (name) => (name === 'api' || name === jobChannel ? 'followup' : queueMode),
    execute: (run) => executor.execute(run),
  });
  const pairing = new Pairing({
    audit,
    store,
    clock,
    random: systemRandom,
    log,
    metrics,
    mintId,
    delivery,
    directory,
    policy: () => policy,
    limits: () => platform.capabilities,
  });
  registerAccessCommands(commands, { store, pairing });
  registerApprovalCommands(commands, { store, clock, answers });
  registerBuiltinCommands(commands, { store, clock, runs, outages, modelLine: () => 'Answers come from a script.' });
  registerUsageCommands(commands, { store, clock, budgets });
  registerPreferenceCommands(commands, preferences);
  registerInspectCommands(commands, {
    store,
    models,
    status: () => Promise.resolve({ uptimeMs: 61_000, queues: { inbox: 0, running: 1 }, channels: [] }),
    defaultModel: () => 'scripted/model-1',
  });
  const ingress = new Ingress({
    store,
    bus,
    clock,
    log,
    metrics,
    mintId,
    runs,
    commands,
    crash,
    policy: () => policy,
    directory,
    pairing,
    flood: new FloodNotice({ store, clock, log, mintId, delivery, limits: () => platform.capabilities }),
    queueMode: () => queueMode,
  });
  const chat = new Chat({
    store,
    bus,
    clock,
    mintId,
    ingress,
    runs,
    waiters,
    models,
    crash,
    channelTypes: new Set(['scripted']),
    agents: () => new Set<string>(),
  });
  const remote = remoteApprovals({ store, clock, mintId, ingress });
  const sessions = new Sessions({ store, clock, runs, waiters, channelTypes: new Set(['scripted']) });
  const dead = new DeadLetters({ store, clock, runs, delivery, tasks: { wake: () => undefined } });
  const detach = new AbortController();
  const events: GatewayEvent[] = [];
  const watch = bus.subscribe('test', {}, 100_000);
  const listening = (async () => {
    for await (const event of watch) events.push(event);
  })();
  t.after(async () => {
    await runs.stop(0);
    detach.abort(new Error('over'));
    await delivery.stop(0);
    watch.close();
    await listening;
  });
  return {
    store,
    failing,
    metrics,
    log,
    bus,
    clock,
    provider,
    models,
    commands,
    directory,
    rights,
    gate,
    markdown,
    pairing,
    remote,
    audit,
    waiters,
    channel,
    delivery,
    runs,
    ingress,
    outages,
    files,
    chat,
    sessions,
    dead,
    detach,
    events,
    mintId,
    executor,
    loop,
    toolbox,
    budgets,
    preferences,
    kept,
    attach: () => delivery.attach(platform, detach.signal),
    /** Resolves with the first event that fits, also one that was already there. */
    event: <T extends GatewayEvent['type']>(
      type: T,
      fits: (event: Extract<GatewayEvent, { type: T }>) => boolean = () => true,
    ): Promise<Extract<GatewayEvent, { type: T }>> => firstEvent(bus, events, type, fits),
  };
}

/** What did not come by then will not, and a test that says so is better than one that hangs. */
const patienceMs = 60_000;

async function firstEvent<T extends GatewayEvent['type']>(
  bus: MemoryBus,
  before: readonly GatewayEvent[],
  type: T,
  fits: (event: Extract<GatewayEvent, { type: T }>) => boolean,
): Promise<Extract<GatewayEvent, { type: T }>> {
  const wanted = (event: GatewayEvent): event is Extract<GatewayEvent, { type: T }> =>
    event.type === type && fits(event as Extract<GatewayEvent, { type: T }>);
  const subscription = bus.subscribe('waiting', { types: [type] }, 100_000);
  // What was published before may still be on its way to the list.
  await setImmediate();
  const there = before.find(wanted);
  if (there !== undefined) {
    subscription.close();
    return there;
  }
  const patience = setTimeout(() => subscription.close(), patienceMs);
  try {
    for await (const event of subscription) if (wanted(event)) return event;
  } finally {
    clearTimeout(patience);
  }
  throw new Error(`no ${type} came`);
}

let updates = 0;
/** A message of the person 7 in their direct chat, unless something else is said. */
export function said(text: string, over: Partial<InboundEvent> = {}): InboundEvent {
  const native = String(++updates);
  return {
    dedupe: native,
    kind: 'message',
    conversation: { channel: 'scripted', account: 'main', native: '7' },
    native,
    sender: { native: '7', display: 'Ada', isBot: false },
    chat: { type: 'direct', addressed: true },
    text,
    attachments: [],
    occurredAt: 0,
    ...over,
  };
}
