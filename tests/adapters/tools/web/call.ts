import type { JsonObject } from '../../../../src/core/message.ts';
import type { Tool, ToolCall, ToolOutput } from '../../../../src/core/ports/tool.ts';

const call: ToolCall = {
  id: 'call_1',
  runId: 'run_1',
  person: 'per_ann',
  role: 'member',
  agent: null,
  depth: 0,
  sessionKey: 'api:per_ann:main',
  channel: 'api',
  account: 'main',
  conversation: null,
  chatType: 'direct',
  language: null,
  signal: new AbortController().signal,
};

/** Calls a tool as the loop does; arguments that are not understood are an output like any other. */
export async function callTool(tool: Tool, args: JsonObject, more: Partial<ToolCall> = {}): Promise<ToolOutput> {
  const prepared = tool.prepare(args);
  return 'problem' in prepared ? { text: prepared.problem, isError: true } : prepared.run({ ...call, ...more });
}
