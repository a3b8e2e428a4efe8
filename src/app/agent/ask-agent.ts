import * as z from 'zod/mini';
import { defineTool } from '../../core/define-tool.ts';
import type { MintId } from '../../core/ids.ts';
import { taintOf } from '../../core/outside.ts';
import type { Message } from '../../core/message.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { Tool, ToolCall, ToolOutput, ToolSource } from '../../core/ports/tool.ts';
import type { ModelCaller } from '../models/caller.ts';
import { requestOf } from '../runs/context.ts';
import type { Compaction } from './compaction.ts';
import type { AgentLoop } from './loop.ts';
import { RunHistory } from './run-history.ts';
import type { AgentSettings } from './settings.ts';
import type { Toolbox } from './toolbox.ts';

/** An agent that was asked may ask another one, and that one nobody. */
const maxDepth = 2;
const maxQuestion = 20_000;

export interface AskAgentDeps {
  loop: AgentLoop;
  toolbox: Toolbox;
  compaction: Compaction;
  models: ModelCaller;
  store: Pick<Store, 'saveAttempts'>;
  clock: Clock;
  mintId: MintId;
  /** The further agents, by name. */
  agents: () => ReadonlySet<string>;
  agent: (name: string) => AgentSettings;
}

/**
 * Other agents as a tool. They see the question and nothing else, act with the rights of the person who asked, and ask
 * nobody for approval: what needs one is refused to them.
 */
export function askAgent(deps: AskAgentDeps): ToolSource {
  let known = '';
  let made: Tool | null = null;
  return {
    groups: () => {
      const names = [...deps.agents()].sort();
      if (names.length === 0) return [];
      // Made anew only when the agents changed: equal requests are equal bytes.
      if (made === null || known !== names.join()) made = toolFor(names, deps);
      known = names.join();
      return [{ name: 'agents', about: `ask another agent: ${names.join(', ')}`, keywords: [], tools: [made] }];
    },
  };
}

const toolFor = (names: string[], deps: AskAgentDeps): Tool =>
  defineTool({
    name: 'ask_agent',
    description: 'Asks another agent, which sees only this question, and returns its answer.',
    effects: ['read'],
    // It costs money, and what it did is not known after a crash.
    idempotent: false,
    // The run that waits for it has the last word on time.
    timeoutMs: 3_600_000,
    input: () =>
      z.strictObject({
        agent: z.enum(names as [string, ...string[]]),
        question: z.string().check(z.minLength(1), z.maxLength(maxQuestion)),
      }),
    run: ({ agent, question }, call) => ask(deps.agent(agent), question, call, deps),
  });

async function ask(agent: AgentSettings, question: string, call: ToolCall, deps: AskAgentDeps): Promise<ToolOutput> {
  const { loop, toolbox, compaction, models, store, clock, mintId } = deps;
  const depth = call.depth + 1;
  if (depth > maxDepth) return { text: 'Agents may not ask each other any further; answer yourself.', isError: true };
  const runId = mintId('run');
  const tainted = call.tainted ?? null;
  const history: Message[] = [
    {
      id: mintId('msg'),
      sessionKey: call.sessionKey,
      seq: 1,
      role: 'user',
      parts: [{ type: 'text', text: question, ...(tainted === null ? {} : { outside: tainted }) }],
      author: null,
      runId,
      time: clock.now(),
    },
  ];
  const candidates = models.resolve(agent.model);
  const model = candidates[0]?.name ?? '';
  const window = Math.min(agent.limits.contextTokens, candidates[0]?.desk.configured.contextWindow ?? Infinity);
  const context = { agent, loadFile: () => Promise.resolve(null), summary: null, now: null, cacheKey: runId };
  const { signal, id: _, ...caller } = call;
  const end = await loop.run(
    {
      caller: { ...caller, runId, agent: agent.name, depth },
      agent,
      owner: call.person,
      candidates,
      groups: toolbox.usable(agent, call.role),
      history: new RunHistory(history),
      request: async (visible, _needed, tight) =>
        compaction.fit(await requestOf(visible, context), window, model, tight),
      sized: (request) => compaction.sized(request),
      counted: (size, usage, of) => compaction.learn(size, usage, of),
      taint: (visible) => taintOf(visible, null),
      journal: null,
      steer: false,
      approved: null,
      record: null,
      attemptsBefore: 0,
      attempts: [],
      signal,
      logFields: { run_id: runId, asked_by: call.runId },
      visible: () => false,
    },
    () => undefined,
  );
  await store.saveAttempts(end.attempts);
  if (end.error !== null) return { text: `The agent could not answer: ${end.error.message}`, isError: true };
  const outside = taintOf(end.steps, null) ?? tainted;
  return { text: end.said, files: end.files, ...(outside === null ? {} : { outside }) };
}
