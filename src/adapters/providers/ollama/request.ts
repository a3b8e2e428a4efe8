import type { JsonObject } from '../../../core/message.ts';
import type { ModelRequest, RequestMessage, RequestPart } from '../../../core/ports/provider.ts';
import { base64, joinedText, resultText, sendableHistory, sendableTools } from '../history.ts';

/** How long the server keeps the model loaded after a call. Its own default of 5 minutes makes every pause a cold load. */
const keepAlive = '15m';

/**
 * POST /api/chat. The context window is always said: left out, the server takes a small default and drops the oldest
 * messages without a word, and another value than the last one makes it load the model again.
 */
export function ollamaRequest(request: ModelRequest, contextWindow: number): JsonObject {
  // The API has no other way to say that no tool is to be called; the history may name tools all the same.
  const tools = request.wordsOnly === true ? [] : sendableTools(request.tools);
  const messages = sendableHistory(request.messages, 'ollama').flatMap(wireMessages);
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
        }),
    messages,
    stream: true,
    keep_alive: keepAlive,
    options: {
      num_ctx: contextWindow,
      ...(request.maxOutputTokens === undefined ? {} : { num_predict: request.maxOutputTokens }),
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    },
  };
}

function wireMessages({ role, parts }: RequestMessage): JsonObject[] {
  if (role === 'tool') return parts.filter((part) => part.type === 'tool_result').map(toolMessage);
  const images = parts.filter((part) => part.type === 'image').map((part) => base64(part.data));
  const calls = parts
    .filter((part) => part.type === 'tool_call')
    .map((part) => ({ function: { name: part.name, arguments: part.args } }));
  return [
    {
      role,
      content: joinedText(parts),
      ...(images.length === 0 ? {} : { images }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  ];
}

const toolMessage = (part: Extract<RequestPart, { type: 'tool_result' }>): JsonObject => ({
  role: 'tool',
  tool_name: part.name,
  content: resultText(part, false),
});
