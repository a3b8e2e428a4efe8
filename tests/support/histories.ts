/**
 * Transcripts for property tests, and an oracle that knows nothing of the repair: the rules of the strictest providers
 * in words of its own (OpenAI: every call answered, results right behind; Anthropic: user first, roles alternate, no
 * blank text, unique tool ids; strict chat templates: after tool results only the assistant).
 */
import * as fc from 'fast-check';
import type { Message, Part, Role } from '../../src/core/message.ts';
import type { Turn } from '../../src/core/repair.ts';

export const message = (role: Role, parts: Part[]): Message => ({
  id: 'msg_1',
  sessionKey: 'main',
  seq: 1,
  role,
  parts,
  author: null,
  runId: null,
  time: 0,
});

const someText = fc.oneof(
  { weight: 6, arbitrary: fc.string({ minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '\n\t', '…', '漢字', '\ud800', '🙂') },
);
const callId = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'call_0', 'call_0_2', '', 'ä b', 'x'.repeat(60)),
  fc.string({ maxLength: 6 }),
);
const toolName = fc.constantFrom('look', 'read_file', '', 'bad name!', 'n'.repeat(90));
const args = fc.dictionary(
  fc.string({ maxLength: 4 }),
  fc.oneof(fc.string({ maxLength: 4 }), fc.integer(), fc.boolean()),
  {
    maxKeys: 2,
  },
);

const textPart = someText.map((text): Part => ({ type: 'text', text }));
const filePart = fc
  .constantFrom('image/png', 'application/pdf')
  .map((mimeType): Part => ({ type: 'file', file: 'file_1', mimeType }));
/** Thinking as its dialects store it: with what they want back, or as bare words. */
const reasoningPart = fc.oneof(
  someText.map((thinking): Part => {
    const replay = { type: 'thinking', thinking, signature: 's' };
    return { type: 'reasoning', text: thinking, dialect: 'anthropic-messages', replay };
  }),
  someText.map((text): Part => {
    const replay = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'c' };
    return { type: 'reasoning', text, dialect: 'openai-responses', replay };
  }),
  someText.map((text): Part => ({ type: 'reasoning', text })),
);
const callPart = fc.record({ id: callId, name: toolName, args }).map((call): Part => ({ type: 'tool_call', ...call }));
const resultPart = fc
  .record({ callId, name: toolName, text: someText, isError: fc.boolean() })
  .map((result): Part => ({ type: 'tool_result', ...result }));

/** One exchange as the gateway writes it: words of the user, steps with calls and their results, an answer. */
const exchange = fc
  .record({
    said: fc.array(fc.array(fc.oneof(textPart, filePart), { minLength: 1, maxLength: 2 }), {
      minLength: 1,
      maxLength: 2,
    }),
    steps: fc.array(
      fc.record({
        words: fc.array(fc.oneof(textPart, reasoningPart), { maxLength: 2 }),
        calls: fc.array(callPart, { minLength: 1, maxLength: 3 }),
      }),
      { maxLength: 2 },
    ),
    answer: fc.option(fc.array(textPart, { minLength: 1, maxLength: 2 })),
    note: fc.option(textPart, { freq: 5 }),
  })
  .map(({ said, steps, answer, note }) => {
    const messages = said.map((parts) => message('user', parts));
    for (const { words, calls } of steps) {
      messages.push(message('assistant', [...words, ...calls]));
      for (const call of calls) {
        if (call.type !== 'tool_call') continue;
        messages.push(
          message('tool', [{ type: 'tool_result', callId: call.id, name: call.name, text: 'done', isError: false }]),
        );
      }
    }
    if (answer !== null) messages.push(message('assistant', answer));
    if (note !== null) messages.push(message('system', [note]));
    return messages;
  });

export const transcripts = fc.array(exchange, { maxLength: 5 }).map((exchanges) => exchanges.flat());

/** Anything the type allows, sense or not. */
export const wildHistories = fc.array(
  fc
    .tuple(
      fc.constantFrom<Role>('user', 'assistant', 'tool', 'system'),
      fc.array(fc.oneof(textPart, filePart, reasoningPart, callPart, resultPart), { maxLength: 4 }),
    )
    .map(([role, parts]) => message(role, parts)),
  { maxLength: 12 },
);

/** What a crash may leave: the transcript cut after any message and, in the last one, after any part. */
export function* crashPrefixes(transcript: readonly Message[]): Generator<Message[]> {
  for (const [index, last] of transcript.entries()) {
    for (let parts = 0; parts <= last.parts.length; parts++) {
      yield [...transcript.slice(0, index), { ...last, parts: last.parts.slice(0, parts) }];
    }
  }
}

/** What a strict provider would refuse about these turns; empty when nothing. */
export function violations(turns: readonly Turn[]): string[] {
  const found: string[] = [];
  if (turns.length === 0) return found;
  if (turns[0]?.role !== 'user') found.push('does not begin with the user');
  if (turns.at(-1)?.role === 'assistant') found.push('ends with the assistant');
  const seen = new Set<string>();
  for (const [index, turn] of turns.entries()) {
    const next = turns[index + 1]?.role;
    const calls = turn.parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : []));
    if (turn.parts.length === 0) found.push(`${index} is empty`);
    if (turn.role === 'user' && next !== undefined && next !== 'assistant') found.push(`${index} user before ${next}`);
    if (turn.role === 'tool' && next !== undefined && next !== 'assistant') found.push(`${index} tool before ${next}`);
    if (turn.role === 'assistant') {
      const wanted = calls.length > 0 ? 'tool' : 'user';
      if (next !== wanted) found.push(`${index} assistant before ${next}, not ${wanted}`);
      const answered = (turns[index + 1]?.parts ?? []).flatMap((part) =>
        part.type === 'tool_result' ? [part.callId] : [],
      );
      if (calls.length > 0 && calls.join() !== answered.join())
        found.push(`${index} calls ${calls.join()} answered ${answered.join()}`);
      if (!turn.parts.some((part) => part.type === 'text' || part.type === 'tool_call'))
        found.push(`${index} says nothing`);
    }
    for (const part of turn.parts) {
      const allowed = { user: ['text', 'file'], assistant: ['text', 'reasoning', 'tool_call'], tool: ['tool_result'] }[
        turn.role
      ];
      if (!allowed.includes(part.type)) found.push(`${index} ${part.type} in ${turn.role}`);
      if ((part.type === 'text' || part.type === 'tool_result') && part.text.trim() === '')
        found.push(`${index} blank ${part.type}`);
      if ('text' in part && part.type !== 'reasoning' && !part.text.isWellFormed())
        found.push(`${index} is no Unicode`);
      if (part.type !== 'tool_call') continue;
      if (!/^[\w-]{1,40}$/.test(part.id)) found.push(`${index} bad id ${part.id}`);
      if (!/^[\w-]{1,64}$/.test(part.name)) found.push(`${index} bad name ${part.name}`);
      if (seen.has(part.id)) found.push(`${index} id ${part.id} twice`);
      seen.add(part.id);
    }
  }
  return found;
}
