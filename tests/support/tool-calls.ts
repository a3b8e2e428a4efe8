import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/core/message.ts';
import type { Effect, ToolCall, ToolGroup, ToolOutput } from '../../src/core/ports/tool.ts';

/** Who calls in tests: a member in a direct chat. */
export const callBy = (person: string, more: Partial<ToolCall> = {}): ToolCall => ({
  id: 'call_1',
  runId: 'run_1',
  person,
  role: 'member',
  agent: null,
  depth: 0,
  sessionKey: 'scripted:main:7',
  channel: 'scripted',
  account: 'main',
  conversation: { channel: 'scripted', account: 'main', native: '7' },
  chatType: 'direct',
  language: null,
  tainted: null,
  signal: new AbortController().signal,
  ...more,
});

/** Calls a tool of a group as the agent does: arguments checked, failures that are expected told as an error. */
export async function callTool(
  group: ToolGroup,
  name: string,
  args: JsonObject,
  call: ToolCall,
): Promise<ToolOutput & { effects: readonly Effect[] }> {
  const tool = group.tools.find((each) => each.name === name);
  assert.ok(tool, `there is no tool ${name}`);
  const prepared = tool.prepare(args);
  if ('problem' in prepared) return { text: prepared.problem, isError: true, effects: [] };
  try {
    return { ...(await prepared.run(call)), effects: prepared.effects };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ClankerError') throw error;
    return { text: error.message, isError: true, effects: prepared.effects };
  }
}
