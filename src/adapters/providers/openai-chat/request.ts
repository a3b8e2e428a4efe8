import type { JsonObject } from '../../../core/message.ts';
import type { ModelRequest, RequestMessage, RequestPart } from '../../../core/ports/provider.ts';
import { dataUrl, joinedText, resultText, sendableHistory, sendableTools } from '../history.ts';
import { portableCallId, shortCallId } from '../tool-calls.ts';
import { extraOf, replayOf } from './replay.ts';
import type { ChatStyle } from './style.ts';

/**
 * POST /chat/completions. Equal requests serialise to equal bytes and what changes least stands first, so a provider's
 * prompt cache can match.
 */
export function chatRequest(request: ModelRequest, style: ChatStyle): JsonObject {
  const tools = sendableTools(request.tools);
  const messages = sendableHistory(request.messages, 'openai-chat').flatMap((message) => chatMessages(message, style));
  if (request.system !== '') messages.unshift({ role: 'system', content: request.system });
  return {
    model: request.model,
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: 'function',
            function: { name, description, parameters },
          })),
          ...(request.wordsOnly === true ? { tool_choice: 'none' } : {}),
        }),
    messages,
    stream: true,
    ...(style.usage ? { stream_options: { include_usage: true } } : {}),
    ...(request.maxOutputTokens === undefined ? {} : { [style.limit]: request.maxOutputTokens }),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(style.cacheKey ? { prompt_cache_key: request.cacheKey } : {}),
  };
}

function chatMessages({ role, parts }: RequestMessage, style: ChatStyle): JsonObject[] {
  if (role === 'user') return [{ role, content: userContent(parts) }];
  if (role === 'assistant') return [assistantMessage(parts, style)];
  return parts
    .filter((part) => part.type === 'tool_result')
    .map((part) => ({ role, tool_call_id: callId(part.callId, style), content: resultText(part, false) }));
}

function userContent(parts: RequestPart[]): string | JsonObject[] {
  if (!parts.some((part) => part.type === 'image')) return joinedText(parts);
  return parts.flatMap((part): JsonObject[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text }];
    return part.type === 'image' ? [{ type: 'image_url', image_url: { url: dataUrl(part) } }] : [];
  });
}

const callId = (id: string, { shortIds }: ChatStyle): string => (shortIds ? shortCallId(id) : portableCallId(id));

function assistantMessage(parts: RequestPart[], style: ChatStyle): JsonObject {
  const text = joinedText(parts);
  const { thought, extras } = replayOf(parts, style);
  const calls = parts
    .filter((part) => part.type === 'tool_call')
    .map((part, place) => ({
      id: callId(part.id, style),
      type: 'function',
      function: { name: part.name, arguments: JSON.stringify(part.args) },
      ...extraOf(extras[place], style),
    }));
  const thinking = thought === undefined ? {} : { reasoning_content: thought };
  if (calls.length === 0) return { role: 'assistant', content: text, ...thinking };
  return { role: 'assistant', content: text === '' ? null : text, ...thinking, tool_calls: calls };
}
