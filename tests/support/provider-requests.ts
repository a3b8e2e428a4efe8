/**
 * What the real APIs refuse. The fault server answers 400 to a request in which this finds something, so that our
 * adapters and core/repair.ts are held to each protocol without asking a real provider.
 */
export type WireDialect = 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'ollama';
export const wireDialects: readonly WireDialect[] = ['openai-chat', 'openai-responses', 'anthropic-messages', 'ollama'];

type Json = Record<string, unknown>;

/** Everything wrong with a request body, in words; empty when the API would take it. */
export function validateRequest(dialect: WireDialect, body: unknown): string[] {
  if (!isObject(body)) return ['the body is not a JSON object'];
  const problems = new Problems();
  problems.check(isText(body['model']), 'model is missing');
  problems.check(body['stream'] === true, 'stream is not true');
  problems.check(body['tool_choice'] === undefined || Array.isArray(body['tools']), 'tool_choice without tools');
  if (body['temperature'] !== undefined)
    problems.check(typeof body['temperature'] === 'number', 'temperature is no number');
  switch (dialect) {
    case 'openai-chat':
      validateChat(body, problems);
      break;
    case 'openai-responses':
      validateResponses(body, problems);
      break;
    case 'anthropic-messages':
      validateAnthropic(body, problems);
      break;
    case 'ollama':
      validateOllama(body, problems);
      break;
  }
  return problems.found;
}

class Problems {
  readonly found: string[] = [];

  check(holds: boolean, problem: string): void {
    if (!holds) this.found.push(problem);
  }

  onlyFields(object: Json, allowed: readonly string[], where: string): void {
    for (const key of Object.keys(object)) this.check(allowed.includes(key), `${where} has the unknown field ${key}`);
  }
}

/** Calls that still wait for their result; results must follow their calls before anything else does. */
class Pairing {
  readonly #open = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #problems: Problems;

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  called(id: unknown): void {
    this.#problems.check(typeof id === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(id), `bad tool call id ${String(id)}`);
    this.#problems.check(!this.#seen.has(String(id)), `tool call id ${String(id)} is used twice`);
    this.#seen.add(String(id));
    this.#open.add(String(id));
  }

  answered(id: unknown): void {
    this.#problems.check(this.#open.delete(String(id)), `tool result ${String(id)} has no call before it`);
  }

  /** Something that is no result comes. */
  settled(where: string): void {
    this.#problems.check(this.#open.size === 0, `${where}: tool calls without results: ${[...this.#open].join(', ')}`);
    this.#open.clear();
  }
}

function validateChat(body: Json, problems: Problems): void {
  problems.onlyFields(
    body,
    [
      'model',
      'messages',
      'tools',
      'tool_choice',
      'stream',
      'stream_options',
      'max_tokens',
      'max_completion_tokens',
      'temperature',
      'prompt_cache_key',
    ],
    'the request',
  );
  problems.check(
    isObject(body['stream_options']) && body['stream_options']['include_usage'] === true,
    'usage is not asked for',
  );
  validateFunctions(
    body['tools'],
    problems,
    (tool) => (isObject(tool['function']) ? tool['function'] : {}),
    'parameters',
  );
  const pairing = new Pairing(problems);
  const messages = objects(body['messages'], 'messages', problems);
  let before = '';
  for (const [index, message] of messages.entries()) {
    const where = `messages[${index}]`;
    const role = String(message['role']);
    const calls = message['tool_calls'];
    problems.check(['system', 'user', 'assistant', 'tool'].includes(role), `${where} has the role ${role}`);
    problems.check(role !== 'system' || index === 0, `${where}: a system message in the middle`);
    if (role === 'tool') {
      pairing.answered(message['tool_call_id']);
      problems.check(isText(message['content']), `${where} is empty`);
    } else {
      pairing.settled(where);
      problems.check(role !== before, `${where}: two ${role} messages in a row`);
      problems.check(hasChatContent(message, role), `${where} has no valid content`);
      if (calls !== undefined)
        for (const call of objects(calls, `${where}.tool_calls`, problems)) {
          const written = isObject(call['function']) ? call['function'] : {};
          problems.check(call['type'] === 'function' && isText(written['name']), `${where}: a malformed tool call`);
          problems.check(isObject(parsed(written['arguments'])), `${where}: arguments are not the text of an object`);
          pairing.called(call['id']);
        }
    }
    before = role;
  }
  pairing.settled('the end');
  endsWithQuestion(messages, problems);
}

function hasChatContent(message: Json, role: string): boolean {
  const content = message['content'];
  if (role === 'assistant' && Array.isArray(message['tool_calls'])) return content === null || isText(content);
  if (typeof content === 'string') return isText(content);
  if (!Array.isArray(content) || content.length === 0 || role !== 'user') return false;
  return content.every(
    (part) =>
      isObject(part) &&
      ((part['type'] === 'text' && isText(part['text'])) ||
        (part['type'] === 'image_url' && isObject(part['image_url']) && isDataUrl(part['image_url']['url']))),
  );
}

function validateResponses(body: Json, problems: Problems): void {
  problems.onlyFields(
    body,
    [
      'model',
      'instructions',
      'input',
      'tools',
      'tool_choice',
      'stream',
      'store',
      'include',
      'max_output_tokens',
      'temperature',
      'prompt_cache_key',
    ],
    'the request',
  );
  validateFunctions(body['tools'], problems, (tool) => tool, 'parameters');
  const pairing = new Pairing(problems);
  const items = objects(body['input'], 'input', problems);
  for (const [index, item] of items.entries()) {
    const where = `input[${index}]`;
    switch (item['type'] ?? 'message') {
      case 'message': {
        pairing.settled(where);
        const types = item['role'] === 'user' ? ['input_text', 'input_image'] : ['output_text'];
        problems.check(item['role'] === 'user' || item['role'] === 'assistant', `${where} has a wrong role`);
        for (const part of objects(item['content'], `${where}.content`, problems)) {
          problems.check(
            types.includes(String(part['type'])),
            `${where}: ${String(part['type'])} does not belong there`,
          );
          problems.check(
            part['type'] === 'input_image' ? isDataUrl(part['image_url']) : isText(part['text']),
            `${where} holds an empty part`,
          );
        }
        break;
      }
      case 'function_call':
        problems.check(isText(item['name']), `${where} names no function`);
        problems.check(isObject(parsed(item['arguments'])), `${where}: arguments are not the text of an object`);
        pairing.called(item['call_id']);
        break;
      case 'function_call_output':
        pairing.answered(item['call_id']);
        problems.check(isText(item['output']), `${where} is empty`);
        break;
      case 'reasoning': {
        const next = items[index + 1];
        problems.check(isText(item['id']) && isText(item['encrypted_content']), `${where} cannot be replayed`);
        problems.check(
          next !== undefined && next['role'] !== 'user' && next['type'] !== 'function_call_output',
          `${where}: a reasoning item without what followed it`,
        );
        break;
      }
      default:
        problems.check(false, `${where} has an unknown type`);
    }
  }
  pairing.settled('the end');
}

function validateAnthropic(body: Json, problems: Problems): void {
  problems.onlyFields(
    body,
    ['model', 'system', 'messages', 'tools', 'tool_choice', 'stream', 'max_tokens', 'temperature'],
    'the request',
  );
  const limit = body['max_tokens'];
  problems.check(typeof limit === 'number' && Number.isInteger(limit) && limit > 0, 'max_tokens is missing');
  problems.check((JSON.stringify(body).match(/"cache_control"/g) ?? []).length <= 4, 'more than 4 cache breakpoints');
  validateFunctions(body['tools'], problems, (tool) => tool, 'input_schema');
  if (body['system'] !== undefined)
    for (const block of objects(body['system'], 'system', problems))
      problems.check(block['type'] === 'text' && isText(block['text']), 'an empty system block');
  const pairing = new Pairing(problems);
  const messages = objects(body['messages'], 'messages', problems);
  for (const [index, message] of messages.entries()) {
    const where = `messages[${index}]`;
    const role = index % 2 === 0 ? 'user' : 'assistant';
    problems.check(message['role'] === role, `${where} is not of the role ${role}: roles must alternate from user on`);
    const blocks = objects(message['content'], `${where}.content`, problems);
    let resultsOver = false;
    for (const block of blocks) {
      const type = String(block['type']);
      const allowed =
        role === 'user' ? ['text', 'image', 'tool_result'] : ['text', 'tool_use', 'thinking', 'redacted_thinking'];
      problems.check(allowed.includes(type), `${where}: ${type} does not belong there`);
      if (type === 'tool_result') {
        problems.check(!resultsOver, `${where}: results must come before anything else`);
        problems.check(isText(block['content']), `${where}: an empty result`);
        pairing.answered(block['tool_use_id']);
        continue;
      }
      if (role === 'user' && !resultsOver) pairing.settled(where);
      resultsOver = true;
      if (type === 'text') problems.check(isText(block['text']), `${where}: an empty text block`);
      if (type === 'thinking') problems.check(isText(block['signature']), `${where}: thinking without its signature`);
      if (type === 'image') problems.check(isBase64Image(block['source']), `${where}: a malformed image`);
      if (type === 'tool_use') {
        problems.check(isText(block['name']) && isObject(block['input']), `${where}: a malformed tool call`);
        pairing.called(block['id']);
      }
    }
    if (role === 'user') pairing.settled(`${where} ends`);
    const last = String(blocks.at(-1)?.['type']);
    problems.check(!last.endsWith('thinking'), `${where} ends with thinking`);
  }
  pairing.settled('the end');
}

function validateOllama(body: Json, problems: Problems): void {
  problems.onlyFields(body, ['model', 'messages', 'tools', 'stream', 'keep_alive', 'options'], 'the request');
  const options = isObject(body['options']) ? body['options'] : {};
  problems.check(typeof options['num_ctx'] === 'number', 'num_ctx is not said');
  problems.check(body['keep_alive'] !== undefined, 'keep_alive is not said');
  validateFunctions(
    body['tools'],
    problems,
    (tool) => (isObject(tool['function']) ? tool['function'] : {}),
    'parameters',
  );
  const messages = objects(body['messages'], 'messages', problems);
  let before = '';
  let open = 0;
  for (const [index, message] of messages.entries()) {
    const where = `messages[${index}]`;
    const role = String(message['role']);
    const calls = message['tool_calls'];
    problems.check(['system', 'user', 'assistant', 'tool'].includes(role), `${where} has the role ${role}`);
    if (role === 'tool') {
      problems.check(open-- > 0, `${where}: a result without its call`);
      problems.check(isText(message['tool_name']) && isText(message['content']), `${where} is not a valid result`);
    } else {
      problems.check(open <= 0, `${where}: tool calls without results`);
      problems.check(role !== before, `${where}: two ${role} messages in a row`);
      problems.check(
        typeof message['content'] === 'string' &&
          (isText(message['content']) || calls !== undefined || message['images'] !== undefined),
        `${where} has no content`,
      );
      open = calls === undefined ? 0 : objects(calls, `${where}.tool_calls`, problems).length;
    }
    before = role;
  }
  problems.check(open <= 0, 'the end: tool calls without results');
  endsWithQuestion(messages, problems);
}

function validateFunctions(tools: unknown, problems: Problems, inner: (tool: Json) => Json, schema: string): void {
  if (tools === undefined) return;
  const names: unknown[] = [];
  for (const tool of objects(tools, 'tools', problems)) {
    const written = inner(tool);
    names.push(written['name']);
    problems.check(/^[A-Za-z0-9_-]{1,64}$/.test(String(written['name'])), `bad tool name ${String(written['name'])}`);
    problems.check(
      isObject(written[schema]) && written[schema]['type'] === 'object',
      'a tool without an object schema',
    );
  }
  problems.check(new Set(names).size === names.length, 'two tools of one name');
}

function endsWithQuestion(messages: Json[], problems: Problems): void {
  const last = messages.at(-1)?.['role'];
  problems.check(last === 'user' || last === 'tool', `the last message is of the role ${String(last)}`);
}

/** The objects of an array that must not be empty. */
function objects(value: unknown, name: string, problems: Problems): Json[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  problems.check(list.length > 0 && list.every(isObject), `${name} is no array of objects, or is empty`);
  return list.filter(isObject);
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isDataUrl = (value: unknown): boolean => /^data:image\/[a-z+]+;base64,[A-Za-z0-9+/]+=*$/.test(String(value));
const isBase64Image = (source: unknown): boolean =>
  isObject(source) && source['type'] === 'base64' && isText(source['media_type']) && isText(source['data']);

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
