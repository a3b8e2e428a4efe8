import { noLongerNeeded } from '../../core/abort.ts';
import { notFound } from '../../core/errors.ts';
import { textOf, type Message, type OutboundFile, type Part } from '../../core/message.ts';
import type { Words } from '../../core/notices/index.ts';
import { taintOf } from '../../core/outside.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { ApprovedCall } from '../../core/ports/gate.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { ClaimedRun } from '../../core/ports/run-store.ts';
import type { SessionRow } from '../../core/ports/session-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import type { ToolGroup } from '../../core/ports/tool.ts';
import type { PersonRole } from '../../core/principal.ts';
import { roleIncludes } from '../../core/roles.ts';
import { zoneNamed } from '../../core/zone.ts';
import type { Compaction } from '../agent/compaction.ts';
import type { AgentLoop } from '../agent/loop.ts';
import type { LoopEnd, LoopEvent, Task } from '../agent/task.ts';
import { Recorder, type RecordedSetting } from '../agent/recording.ts';
import { RunHistory } from '../agent/run-history.ts';
import { specOf } from '../agent/selection.ts';
import { maxHistory, type AgentSettings } from '../agent/settings.ts';
import { joinSaid } from '../agent/steps.ts';
import type { Toolbox } from '../agent/toolbox.ts';
import type { ReplyStream } from '../delivery/reply-stream.ts';
import type { ModelCaller } from '../models/caller.ts';
import { about, fieldsOf } from './about.ts';
import { requestOf, type LoadFile } from './context.ts';
import { answered, failed, type Outcome } from './outcome.ts';
import { Pieces } from './pieces.ts';
import type { RunWaiters } from './waiters.ts';

export interface TurnDeps {
  loop: AgentLoop;
  compaction: Compaction;
  toolbox: Toolbox;
  models: ModelCaller;
  store: Store;
  bus: Bus;
  clock: Clock;
  log: Log;
  waiters: RunWaiters;
  /** Messages of the user that the widest window can need. */
  historyTurns: () => number;
  /** Who sent a message, and what they may do now. */
  whois: (inbound: InboxRow) => Promise<{ person: string; role: PersonRole }>;
  /** The model a person chose for all their sessions; null where they did not. */
  preferredModel: (person: string) => string | null;
  /** By name, or that of the one who asks where none is named. */
  agent: (name: string | null, asked: { inbound: InboxRow; role: PersonRole }) => AgentSettings;
  loadFile: (owner: string) => LoadFile;
  /** The clock a person lives by, or the gateway's. */
  timeZone: (person: string) => Promise<string>;
  /** How many runs are at work. */
  atWork: () => number;
  /** Messages that come meanwhile join the run. */
  steers: (inbound: InboxRow) => boolean;
}

/** A server of tools that needs longer to start is not there for a run that goes on after a restart. */
const toolsWithinMs = 10_000;

/** What a turn works with. */
export interface Turn {
  claimed: ClaimedRun;
  inbound: InboxRow;
  stream: ReplyStream | null;
  approved: ApprovedCall | null;
  /** Of who wrote. */
  words: () => Promise<Words>;
  signal: AbortSignal;
}

/** One turn of the agent: who asks with which rights, what it is shown, and what became of it. */
export async function takeTurn(turn: Turn, deps: TurnDeps): Promise<Outcome> {
  const { task, recorder } = await taskOf(turn, deps);
  const base = about(turn.claimed);
  const { id: runId } = turn.claimed.run;
  const pieces = new Pieces(deps.clock, deps.atWork, (text) => {
    deps.bus.publish({ ...base, type: 'run.delta', runId, text });
    turn.stream?.push(text);
  });
  const end = await deps.loop.run(task, (event) => {
    if (event.type === 'text') return pieces.push(event.text);
    pieces.flush();
    tell(event, base, turn, deps);
  });
  pieces.flush();
  if (end.error?.code === 'internal' && !turn.signal.aborted)
    deps.log.error('a run failed in an unexpected way', { ...fieldsOf(turn.claimed), error: end.error.cause });
  if (recorder !== null) keep(recorder, turn, deps);
  return outcomeOf(end, turn);
}

async function taskOf(
  { claimed, inbound, stream, approved, signal }: Turn,
  deps: TurnDeps,
): Promise<{ task: Task; recorder: Recorder | null }> {
  const { toolbox, models, waiters, loadFile, steers, clock, compaction } = deps;
  const { run, session, history } = claimed;
  // From here on it is the task's alone.
  claimed.history = [];
  const { person, role } = approved ?? (await askers(claimed, inbound, deps));
  const agent = deps.agent(approved?.agent ?? inbound.agent ?? session.agent, { inbound, role });
  const { conversation, chatType, sender } = inbound;
  const { channel, account } = conversation ?? inbound;
  const wanted = inbound.model ?? session.model ?? deps.preferredModel(person) ?? agent.model;
  const candidates = models.resolve(wanted);
  const model = candidates[0]?.name ?? '';
  const window = Math.min(agent.limits.contextTokens, candidates[0]?.desk.configured.contextWindow ?? Infinity);
  // In a group what others wrote is not the sender's, in whatever session they meet.
  const by = `${channel}:${account}:${sender.native}`;
  const taint = (visible: readonly Message[]): string | null => taintOf(visible, by);
  const options = {
    runId: run.id,
    owner: person,
    channel,
    session: session.key,
    candidates,
    signal,
    deadlineMs: clock.monotonic() + agent.limits.timeoutMs,
    attemptsBefore: claimed.attemptsBefore,
    logFields: fieldsOf(claimed),
    visible: () => (stream?.visible ?? false) || waiters.watched(run.id),
  };
  const context = { agent, loadFile: loadFile(run.owner), now: null, cacheKey: session.key };
  const { summary, attempts } = await compaction.compact(
    { key: session.key, summary: claimed.summary, history, window, model },
    // Pictures are in no summary, and not worth reading to see whether one is needed.
    async (messages) => (await requestOf(messages, { ...context, loadFile: noFile, summary: null })).messages,
    // Whoever writes next reads it, too: what anybody of a group wrote is not theirs.
    (messages) => taintOf(messages, null),
    options,
  );
  const at = clock.now();
  if (run.starts > 1 || approved !== null) await toolsArrived(deps, signal);
  const groups = toolbox.usable(agent, role);
  const recorder = agent.record ? recorderOf(claimed, { agent, person, role, groups }, clock) : null;
  const task: Task = {
    ...options,
    caller: {
      runId: run.id,
      person,
      role,
      agent: agent.name,
      depth: 0,
      sessionKey: session.key,
      channel,
      account,
      conversation,
      chatType,
      language: null,
    },
    agent,
    groups,
    history: new RunHistory(history, () => readAgain(session, deps)),
    request: async (visible, needed, tight) => {
      const now = timeGroups.some((group) => needed.has(group)) ? timeLine(at, await deps.timeZone(person)) : null;
      const request = await requestOf(visible, { ...context, summary, now });
      return compaction.fit(request, window, model, tight);
    },
    sized: (request) => compaction.sized(request),
    counted: (size, usage, of) => compaction.learn(size, usage, of),
    taint: (visible) => taint(visible) ?? summary?.outside ?? null,
    journal: claimed.journal,
    // What a person approved is carried out for whom it was asked for, whoever writes meanwhile.
    steer: approved === null && steers(inbound),
    approved,
    record: recorder === null ? null : (step) => recorder.step(step),
    attempts,
  };
  return { task, recorder };
}

/** What the run was claimed with, and who joined it. */
async function readAgain({ key }: SessionRow, { store, historyTurns }: TurnDeps): Promise<Message[]> {
  const known = await store.sessionHistory(key, null, { turns: historyTurns(), messages: maxHistory });
  if (known === null) throw notFound('session');
  return known.history;
}

/** What was begun before a crash, or approved, may need a program that is still starting; nothing else waits for one. */
async function toolsArrived({ toolbox, clock }: TurnDeps, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const enough = clock.sleep(toolsWithinMs, AbortSignal.any([signal, over.signal])).catch(() => undefined);
  await Promise.race([toolbox.arrived(), enough]);
  over.abort(noLongerNeeded);
}

const noFile: LoadFile = () => Promise.resolve(null);

/** Who wrote the message that is replied to; when others wrote with them, no more may be done than each of them may. */
async function askers(
  { inbound: rows }: ClaimedRun,
  inbound: InboxRow,
  { whois }: TurnDeps,
): Promise<{ person: string; role: PersonRole }> {
  const { person, role: own } = await whois(inbound);
  let role = own;
  for (const row of rows) {
    const other = await whois(row);
    if (roleIncludes(role, other.role)) role = other.role;
  }
  return { person, role };
}

function recorderOf(
  { run }: ClaimedRun,
  { groups, ...setting }: Omit<RecordedSetting, 'groups'> & { groups: readonly ToolGroup[] },
  clock: Clock,
): Recorder {
  const told = groups.map(({ tools, ...group }) => ({ ...group, tools: tools.map(specOf) }));
  const of = { runId: run.id, owner: setting.person, sessionKey: run.sessionKey, at: clock.now() };
  return new Recorder(of, { ...setting, groups: told });
}

/** The turn does not wait for it. */
function keep(recorder: Recorder, { claimed }: Turn, { store, log }: TurnDeps): void {
  store.saveRecording(recorder.rows).catch((error: unknown) => {
    log.error('a run could not be recorded', { ...fieldsOf(claimed), error });
  });
}

/** The groups of tools that are needed when a person speaks of time; what they then need first is the time. */
const timeGroups = ['clock', 'schedule'];
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** On the clock that the person lives by. */
function timeLine(at: number, zone: string): string {
  const wall = new Date(zoneNamed(zone).wall(at));
  const shown = wall.toISOString().slice(0, 16);
  return `It is ${weekdays[wall.getUTCDay()]}, ${shown}${zone === 'UTC' ? 'Z' : ` in ${zone}`}.`;
}

function tell(
  event: Exclude<LoopEvent, { type: 'text' }>,
  base: ReturnType<typeof about>,
  { claimed, stream }: Turn,
  { bus }: TurnDeps,
): void {
  const { id: runId, messageId } = claimed.run;
  switch (event.type) {
    case 'started':
      bus.publish({ ...base, type: 'run.started', runId, messageId, model: event.model });
      break;
    case 'void':
      stream?.restart();
      if (event.said !== '') stream?.push(event.said);
      bus.publish({ ...base, type: 'run.retrying', runId, reason: event.reason, provider: event.provider });
      break;
    case 'tool':
      bus.publish({ ...base, type: 'run.tool', runId, tool: event.tool, state: event.state });
      break;
    case 'joined':
      for (const { id, role, parts, seq } of event.messages)
        if (role === 'user')
          bus.publish({ ...base, type: 'message', messageId: id, role, text: textOf(parts), messageSeq: seq });
  }
}

async function outcomeOf(end: LoopEnd, { words }: Turn): Promise<Outcome> {
  const { error, steps, attempts, asked, files, model, usage, cost } = end;
  if (error !== null) return { ...failed(error, attempts), steps, model, usage, cost };
  const known = { steps, attempts, files, model, usage, cost };
  if (asked.length === 0)
    return answered({
      ...known,
      parts: [...end.parts, ...filesOf(files)],
      visibleText: end.said,
      finishReason: end.reason,
    });
  const said = await words();
  const question = asked.map((approval) => approval.text(said)).join('\n\n');
  return answered({
    ...known,
    parts: [{ type: 'text', text: question }, ...filesOf(files)],
    visibleText: joinSaid([end.said, question]),
    buttons: asked.flatMap((approval) => approval.buttons(said)),
    finishReason: 'approval',
  });
}

const filesOf = (files: readonly OutboundFile[]): Part[] =>
  files.map(({ id, mimeType, name }) => ({
    type: 'file',
    file: id,
    mimeType,
    ...(name === undefined ? {} : { name }),
  }));
