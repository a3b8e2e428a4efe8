import { McpServers } from '../adapters/mcp/index.ts';
import { Compaction } from '../app/agent/compaction.ts';
import { AgentLoop } from '../app/agent/loop.ts';
import { CallRunner } from '../app/agent/calls.ts';
import { Replays } from '../app/agent/replay.ts';
import { Toolbox } from '../app/agent/toolbox.ts';
import { PersonalNotes } from '../app/notes/notes.ts';
import { version } from '../version.ts';
import { composeApprovals } from './approvals.ts';
import { keepFile } from './keep-file.ts';
import type { Models } from './models.ts';
import { skillsPart } from './skills.ts';

export type Agent = Models & ReturnType<typeof composeAgent>;

/** The agent, its tools, what is asked of people about them, and what is remembered. */
export function composeAgent(models: Models) {
  const { live } = models;
  const { gate, approvals } = composeApprovals(models);
  const toolbox = new Toolbox();
  const toolLimits = (): { timeoutMs: number; maxResult: number } => {
    const { timeout, max_result } = live.config.tools;
    return { timeoutMs: timeout, maxResult: max_result };
  };
  const keep = async (person: string, text: string): Promise<string> =>
    (await keepFile(models, person, 'text/plain', new TextEncoder().encode(text))).id;
  const calls = new CallRunner({ ...models, gate, limits: toolLimits, keep });
  return {
    gate,
    approvals,
    toolbox,
    toolLimits,
    loop: new AgentLoop({ ...models, calls }),
    compaction: new Compaction(models),
    replays: new Replays({ ...models, gate, toolbox, limits: toolLimits, agent: (name) => live.agent(name) }),
    mcp: new McpServers({
      ...models,
      env: process.env,
      version,
      keepFile: (owner, mimeType, bytes) => keepFile(models, owner, mimeType, bytes),
    }),
    skills: skillsPart(models),
    notes: new PersonalNotes({ ...models, settings: () => live.notes }),
  };
}
