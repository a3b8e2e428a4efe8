/** Calls of tools as the loop makes them, for tests of single tools. */
import assert from 'node:assert/strict';
import { ClankerError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/message.ts';
import type { ToolCall, ToolGroup, ToolOutput } from '../../src/core/ports/tool.ts';

export const callOf = (person: string, more: Partial<ToolCall> = {}): ToolCall => ({
  id: 'call_1',
  runId: 'run_1',
  person,
  role: 'member',
  agent: null,
  depth: 0,
  sessionKey: `api:${person}:main`,
  channel: 'api',
  account: 'main',
  conversation: null,
  chatType: 'direct',
  language: null,
  signal: new AbortController().signal,
  ...more,
});

/** Carries a call out; what is wrong with its arguments is an output like any other. */
export async function use(group: ToolGroup, name: string, args: JsonObject, call: ToolCall): Promise<ToolOutput> {
  const tool = group.tools.find((each) => each.name === name);
  assert.ok(tool !== undefined, `there is no tool ${name}`);
  const prepared = tool.prepare(args);
  return 'problem' in prepared ? { text: prepared.problem, isError: true } : prepared.run(call);
}

/** The same, where the loop tells an expected failure to the model as an error. */
export async function outcome(group: ToolGroup, name: string, args: JsonObject, call: ToolCall): Promise<ToolOutput> {
  try {
    return await use(group, name, args, call);
  } catch (error) {
    if (!(error instanceof ClankerError)) throw error;
    return { text: error.message, isError: true };
  }
}
