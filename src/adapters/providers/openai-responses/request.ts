import type { JsonObject } from '../../../core/message.ts';
import type { ModelRequest, RequestMessage, RequestPart } from '../../../core/ports/provider.ts';
import { dataUrl, resultText, sendableHistory, sendableTools } from '../history.ts';
import { isObject } from '../json.ts';
import { portableCallId } from '../tool-calls.ts';

/** Models that think; only they accept a request for their encrypted reasoning. */
const reasoningModel = /^(?:o[1-9]|gpt-[5-9]|codex)/;

/**
 * POST /responses. Nothing is stored at the provider, so the reasoning of earlier steps is asked for in its encrypted
 * form and sent back with the history.
 */
export function responsesRequest(request: ModelRequest): JsonObject {
  const tools = sendableTools(request.tools);
  return {
    model: request.model,
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: 'function',
            name,
            description,
            parameters,
            strict: false,
          })),
          ...(request.wordsOnly === true ? { tool_choice: 'none' } : {}),
        }),
    ...(request.system === '' ? {} : { instructions: request.system }),
    input: sendableHistory(request.messages, 'openai-responses').flatMap(inputItems),
    stream: true,
    store: false,
    ...(reasoningModel.test(request.model) ? { include: ['reasoning.encrypted_content'] } : {}),
    ...(request.maxOutputTokens === undefined ? {} : { max_output_tokens: request.maxOutputTokens }),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    prompt_cache_key: request.cacheKey,
  };
}

function inputItems({ role, parts }: RequestMessage): JsonObject[] {
  if (role === 'user') return [{ role, content: parts.flatMap(userContent) }];
  return parts.flatMap((part): JsonObject[] => {
    switch (part.type) {
      case 'text':
        return [{ role: 'assistant', content: [{ type: 'output_text', text: part.text }] }];
      case 'reasoning':
        return isObject(part.replay) ? [part.replay] : [];
      case 'tool_call':
        return [
          {
            type: 'function_call',
            call_id: portableCallId(part.id),
            name: part.name,
            arguments: JSON.stringify(part.args),
          },
        ];
      case 'tool_result':
        return [
          { type: 'function_call_output', call_id: portableCallId(part.callId), output: resultText(part, false) },
        ];
      default:
        return [];
    }
  });
}

function userContent(part: RequestPart): JsonObject[] {
  if (part.type === 'text') return [{ type: 'input_text', text: part.text }];
  return part.type === 'image' ? [{ type: 'input_image', image_url: dataUrl(part) }] : [];
}
