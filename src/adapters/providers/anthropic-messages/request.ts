import type { JsonObject } from '../../../core/message.ts';
import type { ModelRequest, RequestMessage, RequestPart, ToolSpec } from '../../../core/ports/provider.ts';
import { base64, resultText, sendableHistory, sendableTools } from '../history.ts';
import { isObject } from '../json.ts';
import { portableCallId } from '../tool-calls.ts';

/** The API demands a limit; this one every current model accepts. */
const defaultMaxTokens = 8192;
const cached: JsonObject = { type: 'ephemeral' };

/**
 * POST /v1/messages. Cache breakpoints, four at most: the last tool, the system prompt, and the last two user messages
 * (the newest is written to the cache, the one before is read from it).
 */
export function messagesRequest(request: ModelRequest): JsonObject {
  const named = request.tools.length === 0 ? calledIn(request.messages) : request.tools;
  const tools = sendableTools(named).map(({ name, description, parameters }): JsonObject => ({
    name,
    description,
    input_schema: parameters,
  }));
  const wordsOnly = request.wordsOnly === true || request.tools.length === 0;
  const lastTool = tools.at(-1);
  if (lastTool !== undefined) lastTool['cache_control'] = cached;
  const messages = wireMessages(request);
  for (const { content } of messages.filter(({ role }) => role === 'user').slice(-2)) {
    const block = content.at(-1);
    if (block !== undefined) block['cache_control'] = cached;
  }
  return {
    model: request.model,
    ...(tools.length === 0 ? {} : { tools }),
    ...(tools.length === 0 || !wordsOnly ? {} : { tool_choice: { type: 'none' } }),
    ...(request.system === '' ? {} : { system: [{ type: 'text', text: request.system, cache_control: cached }] }),
    messages: messages.map(({ role, content }) => ({ role, content })),
    max_tokens: request.maxOutputTokens ?? defaultMaxTokens,
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    stream: true,
  };
}

/** The API refuses a history with calls in a request that defines no tools. */
function calledIn(messages: readonly RequestMessage[]): ToolSpec[] {
  const calls = messages.flatMap(({ parts }) => parts.filter((part) => part.type === 'tool_call'));
  const names = [...new Set(calls.map(({ name }) => name))];
  return names.map((name) => ({ name, description: 'No longer available.', parameters: { type: 'object' } }));
}

interface WireMessage {
  role: 'user' | 'assistant';
  content: JsonObject[];
}

/** Results of tools are the user's words here, before anything the user said in the same turn. */
function wireMessages(request: ModelRequest): WireMessage[] {
  const messages: WireMessage[] = [];
  for (const message of sendableHistory(request.messages, 'anthropic-messages')) {
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const before = messages.at(-1);
    if (before?.role === role) before.content.push(...blocks(message));
    else messages.push({ role, content: blocks(message) });
  }
  return messages;
}

const blocks = ({ parts }: RequestMessage): JsonObject[] =>
  parts.map(block).filter((block): block is JsonObject => block !== null);

function block(part: RequestPart): JsonObject | null {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'image':
      return { type: 'image', source: { type: 'base64', media_type: part.mimeType, data: base64(part.data) } };
    case 'tool_call':
      return { type: 'tool_use', id: portableCallId(part.id), name: part.name, input: part.args };
    case 'tool_result':
      return {
        type: 'tool_result',
        tool_use_id: portableCallId(part.callId),
        content: resultText(part, true),
        ...(part.isError ? { is_error: true } : {}),
      };
    default:
      return isObject(part.replay) ? part.replay : null;
  }
}
