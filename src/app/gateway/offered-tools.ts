import { invalidInput, notFound } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { Gate } from '../../core/ports/gate.ts';
import type { OfferedCall, OfferedTool } from '../../core/ports/gateway.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { type Effect, readsOnly, type Tool, type ToolCall, type ToolOutput } from '../../core/ports/tool.ts';
import { type Principal, requireScope, type Scope, scopeIncludes } from '../../core/principal.ts';
import { clientSessionKey, defaultSession, isApiSessionKey } from '../../core/session-key.ts';
import { callTool, cutText } from '../agent/call-tool.ts';
import type { Toolbox } from '../agent/toolbox.ts';
import type { AgentSettings } from '../agent/settings.ts';

/** What of ours is of use to another agent. What we get from others, such as MCP servers, is not passed on. */
const offeredGroups: ReadonlySet<string> = new Set(['notes', 'chat_memory', 'send', 'schedule']);

export interface OfferedToolsDeps {
  toolbox: Toolbox;
  gate: Gate;
  store: Pick<Store, 'person' | 'session'>;
  clock: Clock;
  mintId: MintId;
  channelTypes: ReadonlySet<string>;
  agent: () => Pick<AgentSettings, 'tools'>;
  limits: () => { timeoutMs: number; maxResult: number };
}

/** Tools for the agents of others, called in the name of a person: what the default agent may do for them, and no more. */
export class OfferedTools {
  readonly #deps: OfferedToolsDeps;

  constructor(deps: OfferedToolsDeps) {
    this.#deps = deps;
  }

  async list(principal: Principal): Promise<OfferedTool[]> {
    const { tools } = await this.#offered(principal);
    return tools
      .filter(({ effects }) => scopeIncludes(principal.scope, scopeFor(effects)))
      .map(({ name, description, parameters, effects }) => ({
        name,
        description,
        parameters,
        readsOnly: readsOnly(effects),
      }));
  }

  async call(principal: Principal, { name, args, session = defaultSession, signal }: OfferedCall): Promise<ToolOutput> {
    const { mintId, gate, channelTypes, limits, clock, store } = this.#deps;
    const { tools, role, language } = await this.#offered(principal);
    const tool = tools.find((offered) => offered.name === name);
    if (tool === undefined) throw notFound(`tool "${name.slice(0, 64)}"`);
    requireScope(principal, scopeFor(tool.effects));
    const prepared = tool.prepare(args);
    if ('problem' in prepared) throw invalidInput('bad_arguments', `${name}: ${prepared.problem}`);
    const sessionKey = clientSessionKey(session, principal.person, channelTypes);
    // As for chat: any other key is that of a conversation, which must be there and theirs.
    if (!isApiSessionKey(sessionKey) && (await store.session(sessionKey, principal.person)) === null)
      throw notFound('session');
    const call: ToolCall = {
      id: mintId('req'),
      runId: mintId('run'),
      person: principal.person,
      role,
      agent: null,
      depth: 0,
      sessionKey,
      channel: 'api',
      account: 'main',
      conversation: null,
      chatType: 'direct',
      language,
      signal,
    };
    const verdict = gate.judge({ tool, args, effects: prepared.effects, call, tainted: null });
    if (verdict.decision !== 'allow') {
      const { decision, reason } = verdict;
      const fix = `Nobody is asked over this door; the operator can allow it with tools.policy.tools.${name} = "allow".`;
      return { text: decision === 'deny' ? reason : `${reason} ${fix}`, isError: true };
    }
    const { timeoutMs, maxResult } = limits();
    const output = await callTool({ tool, prepared, call }, { clock, timeoutMs });
    return { ...output, text: cutText(output.text, maxResult) };
  }

  async #offered({ person: id }: Principal): Promise<Pick<ToolCall, 'role' | 'language'> & { tools: Tool[] }> {
    const { store, toolbox, agent } = this.#deps;
    const person = await store.person(id);
    const role = person?.role ?? 'guest';
    const groups = toolbox.usable(agent(), role).filter((group) => offeredGroups.has(group.name));
    return { role, language: person?.language ?? null, tools: groups.flatMap((group) => group.tools) };
  }
}

/** As for the routes of the API: reading needs `read`, messages `send`, notes and the like `manage`. */
function scopeFor(effects: readonly Effect[]): Scope {
  if (readsOnly(effects)) return 'read';
  return effects.every((effect) => effect === 'read' || effect === 'send') ? 'send' : 'manage';
}
