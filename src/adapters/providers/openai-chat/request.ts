import type { JsonObject } from '../../../core/message.ts';
import type { ModelRequest, RequestMessage, RequestPart } from '../../../core/ports/provider.ts';
import { dataUrl, joinedText, resultText, sendableHistory, sendableTools } from '../history.ts';
import { portableCallId } from '../tool-calls.ts';

/**
 * POST /chat/completions. Equal requests serialise to equal bytes and what changes least stands first, so a provider's
 * prompt cache can match. `official`: OpenAI's own API; compatible servers get neither its newer token limit name nor
 * fields that a strict one refuses.
 */
export function chatRequest(request: ModelRequest, official: boolean): JsonObject {
  const tools = sendableTools(request.tools);
  const messages = sendableHistory(request.messages, 'openai-chat').flatMap(chatMessages);
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
    stream_options: { include_usage: true },
    ...(request.maxOutputTokens === undefined
      ? {}
      : { [official ? 'max_completion_tokens' : 'max_tokens']: request.maxOutputTokens }),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(official ? { prompt_cache_key: request.cacheKey } : {}),
  };
}

function chatMessages({ role, parts }: RequestMessage): JsonObject[] {
  if (role === 'tool') return parts.filter((part) => part.type === 'tool_result').map(toolMessage);
  return [role === 'user' ? { role, content: userContent(parts) } : assistantMessage(parts)];
}

const toolMessage = (part: Extract<RequestPart, { type: 'tool_result' }>): JsonObject => ({
  role: 'tool',
  tool_call_id: portableCallId(part.callId),
  content: resultText(part, false),
});

function userContent(parts: RequestPart[]): string | JsonObject[] {
  if (!parts.some((part) => part.type === 'image')) return joinedText(parts);
  return parts.flatMap((part): JsonObject[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text }];
    return part.type === 'image' ? [{ type: 'image_url', image_url: { url: dataUrl(part) } }] : [];
  });
}

function assistantMessage(parts: RequestPart[]): JsonObject {
  const text = joinedText(parts);
  const calls = parts
    .filter((part) => part.type === 'tool_call')
    .map((part) => ({
      id: portableCallId(part.id),
      type: 'function',
      function: { name: part.name, arguments: JSON.stringify(part.args) },
    }));
  if (calls.length === 0) return { role: 'assistant', content: text };
  return { role: 'assistant', content: text === '' ? null : text, tool_calls: calls };
}
