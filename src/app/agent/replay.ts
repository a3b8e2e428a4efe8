/**
 * Runs without consequences: a recorded one played again, offline against what was recorded or against another model or
 * prompt, and a turn that is only tried. The loop is the real one; what it is given can change nothing.
 */
import { canonicalJson } from '../../core/canonical-json.ts';
import { ClankerError, notFound } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { JsonObject, Message, Part } from '../../core/message.ts';
import { taintOf } from '../../core/outside.ts';
import type { Gate, Verdict } from '../../core/ports/gate.ts';
import type { DryCall, DryRun, Replay, ReplayedStep } from '../../core/ports/replay.ts';
import type { RequestMessage } from '../../core/ports/provider.ts';
import type { SummaryRow } from '../../core/ports/run-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log, Metrics } from '../../core/ports/system.ts';
import { readsOnly, type Effect, type Tool, type ToolGroup, type ToolOutput } from '../../core/ports/tool.ts';
import type { PersonRole } from '../../core/principal.ts';
import type { CallEvent, CallEnd, CallOptions, MakeRequest, ModelCaller } from '../models/caller.ts';
import { requestOf } from '../runs/context.ts';
import { CallRunner } from './calls.ts';
import { RunHistory } from './run-history.ts';
import { AgentLoop } from './loop.ts';
import type { LoopEnd, Task } from './task.ts';
import { recordedRequest, type RecordedRequest, type RecordedSetting, type RecordedStep } from './recording.ts';
import { historyTurnsOf, maxHistory, type AgentSettings } from './settings.ts';
import type { Toolbox } from './toolbox.ts';

export interface ReplayDeps {
  models: ModelCaller;
  store: Store;
  toolbox: Toolbox;
  gate: Gate;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  mintId: MintId;
  agent: (name: string | null) => AgentSettings;
  limits: () => { timeoutMs: number; maxResult: number };
}

export class Replays {
  readonly #deps: ReplayDeps;

  constructor(deps: ReplayDeps) {
    this.#deps = deps;
  }

  /** `owner` null may replay anyone's. */
  async replay(
    runId: string,
    owner: string | null,
    { model, prompt }: { model?: string; prompt?: string },
    signal: AbortSignal,
  ): Promise<Replay> {
    const [first, ...rest] = await this.#deps.store.recording(runId, owner);
    if (first === undefined) throw notFound('recorded run; set agent.record = true before it');
    const setting = first.data as unknown as RecordedSetting;
    const recorded = rest.map(({ data }) => data as unknown as RecordedStep);
    const [opening] = recorded;
    if (opening === undefined) throw notFound('recorded run: it ended before a model answered');
    const offline = model === undefined && prompt === undefined;
    const tape = new Tape(recorded);
    const agent: AgentSettings = {
      ...setting.agent,
      systemPrompt: prompt ?? opening.request.system,
      historyWindow: maxHistory,
    };
    const models = offline ? tape : this.#deps.models;
    const steps: ReplayedStep[] = [];
    const groups = setting.groups.map((group) => ({
      ...group,
      tools: group.tools.map((spec): Tool => ({
        ...spec,
        effects: ['read'],
        role: 'guest',
        prepare: (args) => ({ effects: ['read'], run: () => Promise.resolve(tape.result(spec.name, args)) }),
      })),
    }));
    const end = await this.#run(models, allowing, {
      agent,
      person: setting.person,
      role: setting.role,
      groups,
      history: messagesOf(opening.request.messages, first.sessionKey),
      summary: null,
      model: offline ? null : (model ?? opening.answer.model),
      signal,
      heard: ({ answer, results }) =>
        steps.push({
          text: textOf(answer.parts),
          calls: answer.calls.map(({ name, args }, at) => ({ tool: name, args, result: results[at]?.text ?? '' })),
        }),
    });
    const said = recorded
      .map(({ answer }) => textOf(answer.parts))
      .filter((text) => text.trim() !== '')
      .join('\n\n');
    return {
      runId,
      offline,
      same: end.said === said,
      diverged: tape.diverged,
      recorded: { text: said, model: opening.answer.model, steps: recorded.length },
      text: end.said,
      model: end.model ?? '',
      reason: end.reason ?? '',
      steps,
      missing: tape.missing,
      usage: end.usage,
      cost: offline ? null : end.cost,
    };
  }

  /** What a turn would do: what only reads is done, everything else is said. Nothing is kept but the ledger. */
  async dryRun(
    asked: { person: string; role: PersonRole; sessionKey: string; agent: string | null; model: string | null },
    text: string,
    signal: AbortSignal,
  ): Promise<DryRun> {
    const { store, toolbox, gate, mintId, clock } = this.#deps;
    const agent = this.#deps.agent(asked.agent);
    const limits = { turns: historyTurnsOf(agent), messages: maxHistory };
    const known = await store.sessionHistory(asked.sessionKey, asked.person, limits);
    const calls: DryCall[] = [];
    const question: Message = {
      id: mintId('msg'),
      sessionKey: asked.sessionKey,
      seq: (known?.history.at(-1)?.seq ?? 0) + 1,
      role: 'user',
      parts: [{ type: 'text', text }],
      author: null,
      runId: null,
      time: clock.now(),
    };
    const withheld = new Set<string>();
    const judging: Gate = {
      judge: (asked): Verdict => {
        const verdict = gate.judge(asked);
        calls.push({
          tool: asked.tool.name,
          args: asked.args,
          effects: [...asked.effects],
          decision: verdict.decision,
        });
        if (verdict.decision !== 'ask') return verdict;
        // Nobody is asked: it counts as done and is not.
        withheld.add(asked.call.id);
        return { decision: 'allow' };
      },
      ask: (asked, reason) => gate.ask(asked, reason),
    };
    const end = await this.#run(this.#deps.models, judging, {
      agent,
      person: asked.person,
      role: asked.role,
      groups: toolbox.usable(agent, asked.role).map((group) => withoutEffects(group, withheld)),
      history: [...(known?.history ?? []), question],
      summary: known?.summary ?? null,
      model: asked.model ?? agent.model,
      signal,
      heard: () => undefined,
    });
    return { text: end.said, calls, model: end.model ?? '', usage: end.usage, cost: end.cost };
  }

  async #run(
    models: Pick<ModelCaller, 'call'>,
    gate: Gate,
    run: {
      agent: AgentSettings;
      person: string;
      role: PersonRole;
      groups: ToolGroup[];
      history: Message[];
      summary: SummaryRow | null;
      /** Null: the models answer whoever is asked. */
      model: string | null;
      signal: AbortSignal;
      heard: (step: RecordedStep) => void;
    },
  ): Promise<LoopEnd> {
    const { store, clock, log, mintId, metrics, limits } = this.#deps;
    const { agent, person, role, groups, history, summary, signal } = run;
    const runId = mintId('run');
    const crash = (): void => undefined;
    const keep = (): Promise<string> => Promise.reject(new Error('nothing is kept of a trial'));
    const calls = new CallRunner({ gate, clock, log, metrics, crash, limits, keep });
    const context = { agent, loadFile: () => Promise.resolve(null), summary, now: null, cacheKey: runId };
    const task: Task = {
      caller: {
        runId,
        person,
        role,
        agent: agent.name,
        depth: 0,
        sessionKey: history[0]?.sessionKey ?? runId,
        channel: 'api',
        account: person,
        conversation: null,
        chatType: 'direct',
        language: null,
      },
      agent,
      owner: person,
      candidates: models === this.#deps.models ? this.#deps.models.resolve(run.model) : [],
      groups,
      history: new RunHistory(history),
      request: (visible) => requestOf(visible, context),
      sized: () => null,
      counted: () => undefined,
      taint: (visible) => taintOf(visible, null) ?? summary?.outside ?? null,
      journal: null,
      steer: false,
      approved: null,
      attemptsBefore: 0,
      attempts: [],
      record: run.heard,
      signal,
      logFields: { run_id: runId, trial: true },
      visible: () => false,
    };
    const end = await new AgentLoop({ models, calls, store, clock, crash, mintId }).run(task, () => undefined);
    if (end.attempts.length > 0) await store.saveAttempts(end.attempts);
    if (end.error !== null) throw end.error;
    return end;
  }
}

const allowing: Gate = {
  judge: () => ({ decision: 'allow' }),
  ask: () => Promise.reject(new Error('a replay asks nobody')),
};

/** What is carried out only looks, can be repeated at will, and nobody has to be asked about it. */
const withoutEffects = (group: ToolGroup, withheld: ReadonlySet<string>): ToolGroup => ({
  ...group,
  tools: group.tools.map((tool) => ({
    ...tool,
    prepare: (args) => {
      const prepared = tool.prepare(args);
      if ('problem' in prepared) return prepared;
      const harmless = readsOnly(prepared.effects) && tool.idempotent !== false;
      const run: typeof prepared.run = (call) =>
        harmless && !withheld.has(call.id) ? prepared.run(call) : Promise.resolve(tried(tool.name, prepared.effects));
      return { ...prepared, run };
    },
  })),
});

const tried = (name: string, list: readonly Effect[]): ToolOutput => ({
  text: `This is a trial: ${name} was not carried out (${list.join(', ')}). Go on as if it had succeeded.`,
});

/** Recorded messages as a history. */
const messagesOf = (messages: readonly RequestMessage[], sessionKey: string): Message[] =>
  messages.map(({ role, parts }, at) => ({
    id: `recorded_${at}`,
    sessionKey,
    seq: at + 1,
    role,
    parts: parts as Part[],
    author: null,
    runId: null,
    time: 0,
  }));

const textOf = (parts: readonly Part[]): string =>
  parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

/** The recorded models and tools. Answers in their order, and notices when a request is not the one it answered. */
class Tape {
  readonly #steps: readonly RecordedStep[];
  readonly #results: { key: string; output: ToolOutput }[];
  #at = 0;
  /** The first step, from 1, whose request is another one now; null while all are the same. */
  diverged: number | null = null;
  /** Calls that were not recorded. */
  readonly missing: { tool: string; args: JsonObject }[] = [];

  constructor(steps: readonly RecordedStep[]) {
    this.#steps = steps;
    this.#results = steps.flatMap(({ answer, results }) =>
      answer.calls.flatMap(({ name, args }, at) => {
        const result = results[at];
        if (result === undefined) return [];
        const { text, isError, outside } = result;
        return [{ key: keyOf(name, args), output: { text, isError, ...(outside === undefined ? {} : { outside }) } }];
      }),
    );
  }

  result(tool: string, args: JsonObject): ToolOutput {
    const at = this.#results.findIndex(({ key }) => key === keyOf(tool, args));
    const found = this.#results[at];
    if (found === undefined) {
      this.missing.push({ tool, args });
      return { text: 'This call was not recorded, and a replay carries nothing out.', isError: true };
    }
    // The same call may have had several results; the last one stays for whoever asks again.
    if (this.#results.some(({ key }, other) => other > at && key === found.key)) this.#results.splice(at, 1);
    return found.output;
  }

  /** As a ModelCaller: one recorded answer after the other. */
  async call(make: MakeRequest, _options: CallOptions, emit: (event: CallEvent) => void): Promise<CallEnd> {
    const request = await make();
    const step = this.#steps[this.#at++];
    if (step === undefined) {
      const error = new ClankerError(
        'provider',
        'recording_ended',
        'The recording has no further answer of the model.',
      );
      return { type: 'failed', error, attempts: [] };
    }
    if (comparable(recordedRequest(request)) !== comparable(step.request)) this.diverged ??= this.#at;
    const { parts, calls, reason, model, usage, cost } = step.answer;
    emit({ type: 'attempt', n: 1, provider: '', model });
    for (const part of parts) {
      if (part.type === 'text') emit({ type: 'text', text: part.text });
      if (part.type === 'reasoning') emit({ ...part, dialect: 'demo' });
    }
    for (const { id, name, args, problem } of calls) {
      if (problem === undefined) emit({ type: 'tool_call', id, name, args });
      else emit({ type: 'tool_invalid', id, name, ...problem });
    }
    return { type: 'finished', reason: reason as 'stop', model, usage, cost, attempts: [] };
  }
}

/** What two requests must have in common to be the same; the marks of fences are made of ids, which are new each time. */
const comparable = ({ system, messages }: RecordedRequest): string =>
  canonicalJson(JSON.parse(JSON.stringify({ system, messages })) as JsonObject).replaceAll(
    /(\[(?:outside text|end)) [\da-f]{12}/g,
    '$1',
  );

const keyOf = (tool: string, args: JsonObject): string => `${tool} ${canonicalJson(args)}`;
