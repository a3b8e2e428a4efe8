/** How each dialect writes an answer on the wire: the frames of the fault server, in the order the real APIs send them. */
import type { WireDialect } from './provider-requests.ts';

export interface WireUsage {
  /** All of the prompt, what the cache served included. */
  prompt: number;
  cacheRead?: number;
  cacheWrite?: number;
  output: number;
  reasoning?: number;
}

export interface WireToolCall {
  id?: string;
  name: string;
  /** An object, or the raw text of the arguments, valid or not. */
  args: Record<string, unknown> | string;
}

export interface WireAnswer {
  text: string;
  /** Into how many pieces the text is cut. */
  deltas: number;
  reasoning?: string;
  toolCalls?: WireToolCall[];
  /** `null`: the server reports none. */
  usage: WireUsage | null;
  /** The length limit cut the answer. */
  cut?: boolean;
}

/** An answer's frames as text: what opens it, what carries output, and what ends it. */
export interface WireFrames {
  head: string[];
  output: string[];
  tail: string[];
}

export function wireFrames(dialect: WireDialect, model: string, answer: WireAnswer): WireFrames {
  switch (dialect) {
    case 'openai-chat':
      return chatFrames(model, answer);
    case 'openai-responses':
      return responsesFrames(model, answer);
    case 'anthropic-messages':
      return anthropicFrames(model, answer);
    default:
      return ollamaFrames(model, answer);
  }
}

export function pieces(text: string, count: number): string[] {
  const characters = Array.from(text);
  const size = Math.max(1, Math.ceil(characters.length / Math.max(1, count)));
  const cut: string[] = [];
  for (let at = 0; at < characters.length; at += size) cut.push(characters.slice(at, at + size).join(''));
  return cut;
}

const sse = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
const named = (type: string, fields: object = {}): string => `event: ${type}\n${sse({ type, ...fields })}`;
const rawArgs = (call: WireToolCall): string => (typeof call.args === 'string' ? call.args : JSON.stringify(call.args));

function chatFrames(model: string, answer: WireAnswer): WireFrames {
  const chunk = (delta: unknown, finish: string | null = null): string =>
    sse({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      model,
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
  const calls = answer.toolCalls ?? [];
  const { usage } = answer;
  const finish = answer.cut ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop';
  return {
    head: [': connected\n\n', chunk({ role: 'assistant', content: '' })],
    output: [
      ...(answer.reasoning === undefined ? [] : [chunk({ reasoning_content: answer.reasoning })]),
      ...pieces(answer.text, answer.deltas).map((content) => chunk({ content })),
      ...calls.flatMap((call, index) => [
        chunk({
          tool_calls: [
            { index, id: call.id ?? `call_${index}`, type: 'function', function: { name: call.name, arguments: '' } },
          ],
        }),
        ...pieces(rawArgs(call), 3).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
      ]),
    ],
    tail: [
      chunk({}, finish),
      ...(usage === null
        ? []
        : [sse({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model, choices: [], usage: chatUsage(usage) })]),
      'data: [DONE]\n\n',
    ],
  };
}

const chatUsage = (usage: WireUsage): unknown => ({
  prompt_tokens: usage.prompt,
  completion_tokens: usage.output,
  total_tokens: usage.prompt + usage.output,
  prompt_tokens_details: { cached_tokens: usage.cacheRead ?? 0, cache_write_tokens: usage.cacheWrite ?? 0 },
  completion_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
});

function responsesFrames(model: string, answer: WireAnswer): WireFrames {
  const calls = answer.toolCalls ?? [];
  const items: object[] = [];
  const output: string[] = [];
  if (answer.reasoning !== undefined) {
    const item = {
      type: 'reasoning',
      id: 'rs_1',
      summary: [{ type: 'summary_text', text: answer.reasoning }],
      encrypted_content: 'b3BhcXVl',
    };
    output.push(
      named('response.reasoning_summary_text.delta', { output_index: 0, delta: answer.reasoning }),
      named('response.output_item.done', { output_index: 0, item }),
    );
    items.push(item);
  }
  const place = items.length;
  if (answer.text !== '') {
    const item = {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      content: [{ type: 'output_text', text: answer.text }],
    };
    output.push(
      named('response.output_item.added', { output_index: place, item: { ...item, content: [] } }),
      ...pieces(answer.text, answer.deltas).map((delta) =>
        named('response.output_text.delta', { output_index: place, content_index: 0, delta }),
      ),
      named('response.output_item.done', { output_index: place, item }),
    );
    items.push(item);
  }
  for (const [index, call] of calls.entries()) {
    const at = { output_index: items.length };
    const item = {
      type: 'function_call',
      id: `fc_${index}`,
      call_id: call.id ?? `call_${index}`,
      name: call.name,
      arguments: rawArgs(call),
    };
    output.push(
      named('response.output_item.added', { ...at, item: { ...item, arguments: '' } }),
      ...pieces(rawArgs(call), 3).map((delta) => named('response.function_call_arguments.delta', { ...at, delta })),
      named('response.output_item.done', { ...at, item }),
    );
    items.push(item);
  }
  const { usage } = answer;
  const response = {
    id: 'resp_1',
    model,
    status: answer.cut ? 'incomplete' : 'completed',
    error: null,
    incomplete_details: answer.cut ? { reason: 'max_output_tokens' } : null,
    output: items,
    usage:
      usage === null
        ? null
        : {
            input_tokens: usage.prompt,
            output_tokens: usage.output,
            input_tokens_details: { cached_tokens: usage.cacheRead ?? 0, cache_write_tokens: usage.cacheWrite ?? 0 },
            output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
          },
  };
  return {
    head: [named('response.created', { response: { id: 'resp_1', status: 'in_progress', output: [] } })],
    output,
    tail: [named(`response.${response.status}`, { response })],
  };
}

function anthropicFrames(model: string, answer: WireAnswer): WireFrames {
  const calls = answer.toolCalls ?? [];
  const usage = answer.usage ?? { prompt: 0, output: 0 };
  const output: string[] = [];
  let index = 0;
  const block = (start: object, deltas: object[]): void => {
    output.push(
      named('content_block_start', { index, content_block: start }),
      ...deltas.map((delta) => named('content_block_delta', { index, delta })),
      named('content_block_stop', { index }),
    );
    index++;
  };
  if (answer.reasoning !== undefined)
    block({ type: 'thinking', thinking: '', signature: '' }, [
      { type: 'thinking_delta', thinking: answer.reasoning },
      { type: 'signature_delta', signature: 'c2lnbmF0dXJl' },
    ]);
  if (answer.text !== '')
    block(
      { type: 'text', text: '' },
      pieces(answer.text, answer.deltas).map((text) => ({ type: 'text_delta', text })),
    );
  for (const [place, call] of calls.entries())
    block(
      { type: 'tool_use', id: call.id ?? `toolu_${place}`, name: call.name, input: {} },
      pieces(rawArgs(call), 3).map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    );
  const input = {
    input_tokens: usage.prompt - (usage.cacheRead ?? 0) - (usage.cacheWrite ?? 0),
    cache_read_input_tokens: usage.cacheRead ?? 0,
    cache_creation_input_tokens: usage.cacheWrite ?? 0,
  };
  return {
    head: [
      named('message_start', {
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model,
          content: [],
          usage: { ...input, output_tokens: answer.usage === null ? 0 : 1 },
        },
      }),
      named('ping'),
    ],
    output,
    tail: [
      named('message_delta', {
        delta: {
          stop_reason: answer.cut ? 'max_tokens' : calls.length > 0 ? 'tool_use' : 'end_turn',
          stop_sequence: null,
        },
        usage: { output_tokens: usage.output },
      }),
      named('message_stop'),
    ],
  };
}

function ollamaFrames(model: string, answer: WireAnswer): WireFrames {
  const line = (message: object, rest: object = {}): string =>
    `${JSON.stringify({ model, created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content: '', ...message }, done: false, ...rest })}\n`;
  const calls = answer.toolCalls ?? [];
  const { usage } = answer;
  return {
    head: [],
    output: [
      ...(answer.reasoning === undefined ? [] : [line({ thinking: answer.reasoning })]),
      ...pieces(answer.text, answer.deltas).map((content) => line({ content })),
      ...calls.map((call) => line({ tool_calls: [{ function: { name: call.name, arguments: call.args } }] })),
    ],
    tail: [
      line(
        {},
        {
          done: true,
          done_reason: answer.cut ? 'length' : 'stop',
          total_duration: 1,
          ...(usage === null ? {} : { prompt_eval_count: usage.prompt, eval_count: usage.output }),
        },
      ),
    ],
  };
}

/** The whole answer as one JSON body, as servers send it that cannot stream. */
export function wireWhole(dialect: WireDialect, model: string, answer: WireAnswer): string {
  const frames = wireFrames(dialect, model, answer);
  const calls = answer.toolCalls ?? [];
  switch (dialect) {
    case 'openai-chat':
      return JSON.stringify({
        id: 'chatcmpl-1',
        object: 'chat.completion',
        model,
        choices: [
          {
            index: 0,
            message: {
              role: 'assistant',
              content: answer.text,
              ...(calls.length === 0
                ? {}
                : {
                    tool_calls: calls.map((call, index) => ({
                      id: call.id ?? `call_${index}`,
                      type: 'function',
                      function: { name: call.name, arguments: rawArgs(call) },
                    })),
                  }),
            },
            finish_reason: answer.cut ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop',
          },
        ],
        ...(answer.usage === null ? {} : { usage: chatUsage(answer.usage) }),
      });
    case 'openai-responses': {
      const last = frames.tail.at(-1) ?? '';
      return JSON.stringify((JSON.parse(last.slice(last.indexOf('data: ') + 6)) as { response: unknown }).response);
    }
    case 'anthropic-messages':
      return JSON.stringify({
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model,
        content: [
          { type: 'text', text: answer.text },
          ...calls.map((call, index) => ({
            type: 'tool_use',
            id: call.id ?? `toolu_${index}`,
            name: call.name,
            input: call.args,
          })),
        ],
        stop_reason: answer.cut ? 'max_tokens' : calls.length > 0 ? 'tool_use' : 'end_turn',
        usage: { input_tokens: answer.usage?.prompt ?? 0, output_tokens: answer.usage?.output ?? 0 },
      });
    default:
      return `${JSON.stringify({ model, message: { role: 'assistant', content: answer.text, tool_calls: calls.map((call) => ({ function: { name: call.name, arguments: call.args } })) }, done: true, done_reason: 'stop', prompt_eval_count: answer.usage?.prompt, eval_count: answer.usage?.output })}\n`;
  }
}

/** An error as the dialect writes it into an HTTP body. */
export function wireError(dialect: WireDialect, type: string, message: string): string {
  if (dialect === 'ollama') return JSON.stringify({ error: message });
  if (dialect === 'anthropic-messages') return JSON.stringify({ type: 'error', error: { type, message } });
  return JSON.stringify({ error: { message, type, param: null, code: type } });
}

/** An error as the dialect writes it into a stream that began well. */
export function wireErrorFrame(dialect: WireDialect, type: string, message: string): string {
  switch (dialect) {
    case 'openai-chat':
      return sse({ error: { message, type, code: type } });
    case 'openai-responses':
      return named('error', { code: type, message, param: null });
    case 'anthropic-messages':
      return named('error', { error: { type, message } });
    default:
      return `${JSON.stringify({ error: message })}\n`;
  }
}
