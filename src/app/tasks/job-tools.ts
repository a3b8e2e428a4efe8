import { ClankerError, invalidInput } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { JsonObject } from '../../core/message.ts';
import type { Gate } from '../../core/ports/gate.ts';
import type { Store } from '../../core/ports/store.ts';
import type { TaskWork } from '../../core/ports/task-kind.ts';
import type { PreparedCall, Tool, ToolCall } from '../../core/ports/tool.ts';
import type { PersonRole } from '../../core/principal.ts';
import { jobChannel, jobSessionKey } from '../../core/session-key.ts';
import type { AgentSettings } from '../agent/settings.ts';
import type { Toolbox } from '../agent/toolbox.ts';
import type { Directory } from '../access/directory.ts';
import type { JobRights } from './rights.ts';

export interface JobToolsDeps {
  toolbox: Pick<Toolbox, 'usable'>;
  gate: Pick<Gate, 'judge'>;
  store: Pick<Store, 'person'>;
  directory: Pick<Directory, 'roleOf'>;
  mintId: MintId;
  rights: JobRights;
  /** The default agent's: what it may use, its person's jobs may use. */
  agent: () => Pick<AgentSettings, 'tools'>;
}

export interface JobCall {
  tool: Tool;
  prepared: PreparedCall;
  call: ToolCall;
}

/**
 * The tools of a job. Making it counted as its effects, so what the policy would ask a person about was asked then; what
 * it refuses, and what the owner may not use any more, is refused with each run.
 */
export class JobTools {
  readonly #deps: JobToolsDeps;

  constructor(deps: JobToolsDeps) {
    this.#deps = deps;
  }

  /** What is wrong with a call before it is stored; null: nothing. */
  async problem(name: string, args: JsonObject, owner: string): Promise<string | null> {
    const tool = this.#find(name, await this.#deps.directory.roleOf(owner));
    if (tool === null) return `There is no tool "${name.slice(0, 64)}" that you may use.`;
    const prepared = tool.prepare(args);
    return 'problem' in prepared ? `${name}: ${prepared.problem}` : null;
  }

  /** The call with the rights of the job, judged; rejects when it may not be made. */
  async prepare({ task, key, signal }: TaskWork, name: string, args: JsonObject): Promise<JobCall> {
    const { rights, store, gate, mintId } = this.#deps;
    const { owner, jobId, deliver, origin } = task;
    const role = await rights.of(task);
    const tool = this.#find(name, role);
    // Tools of others come and go.
    if (tool === null)
      throw new ClankerError('not_found', 'no_such_tool', `There is no tool "${name}" for this.`, { retryable: true });
    const prepared = tool.prepare(args);
    if ('problem' in prepared) throw invalidInput('bad_arguments', `${name}: ${prepared.problem}`);
    const place = deliver.to === 'conversation' ? deliver : null;
    const call: ToolCall = {
      id: key,
      runId: mintId('run'),
      person: owner,
      role,
      agent: null,
      depth: 0,
      sessionKey: jobSessionKey(owner, jobId ?? task.id),
      channel: jobChannel,
      account: owner,
      conversation: place?.conversation ?? null,
      chatType: place?.chatType ?? 'direct',
      language: (await store.person(owner))?.language ?? null,
      tainted: origin.tainted,
      signal,
    };
    const verdict = gate.judge({ tool, args, effects: prepared.effects, call, tainted: origin.tainted });
    if (verdict.decision === 'deny') throw new ClankerError('auth', 'not_allowed', verdict.reason);
    return { tool, prepared, call };
  }

  #find(name: string, role: PersonRole): Tool | null {
    const { toolbox, agent } = this.#deps;
    const tools = toolbox.usable(agent(), role).flatMap((group) => group.tools);
    return tools.find((tool) => tool.name === name) ?? null;
  }
}
