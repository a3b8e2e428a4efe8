/**
 * What of a conversation is sent when all of it is too much: the same every time for the same conversation, and never so
 * that a call loses its result or the question its words. Used where a summary does not help or cannot be had.
 */
import { estimateRequestTokens } from './estimate.ts';
import type { RequestMessage, RequestPart } from './ports/provider.ts';

/** No text has more tokens than about this many a character, so a short request need not be estimated. */
const maxTokensPerCharacter = 1.2;
const imageCharacters = 1500;
/** What stays of a result that was read long ago, and of one that was just read. */
const keptOfOldResult = 400;
const keptOfNewResult = 4000;
const keptOfText = 4000;

/** Characters of a request: an upper bound of its size that costs nothing to know. */
export function charactersOf(system: string, messages: readonly RequestMessage[]): number {
  let characters = system.length;
  for (const { parts } of messages) for (const part of parts) characters += charactersIn(part);
  return characters;
}

function charactersIn(part: RequestPart): number {
  if (part.type === 'image') return imageCharacters;
  // Arguments are small beside results, and never cut.
  return part.type === 'tool_call' ? 200 : part.text.length;
}

/** Whether a request surely has at most so many tokens, without counting them. */
export const surelyFits = (system: string, messages: readonly RequestMessage[], tokens: number): boolean =>
  charactersOf(system, messages) * maxTokensPerCharacter <= tokens;

/**
 * The newest of a conversation that fits into `tokens`, by `estimate` (tokens of what is left). In this order, oldest
 * first, until it fits: results of tools are shortened, whole exchanges are left out, then what is left is shortened,
 * newest last. The question and the pairs of calls and results always stay.
 */
export function trimmed(
  system: string,
  messages: readonly RequestMessage[],
  tokens: number,
  estimate: (system: string, messages: readonly RequestMessage[]) => number = estimateRequestTokens,
): RequestMessage[] {
  let left = [...messages];
  const fits = (): boolean => estimate(system, left) <= tokens;
  if (fits()) return left;
  const question = left.findLastIndex(({ role }) => role === 'user');
  for (let at = 0; at < question && !fits(); at++) left[at] = shortened(left[at], keptOfOldResult, Infinity);
  while (!fits()) {
    const next = left.findIndex(({ role }, at) => at > 0 && role === 'user');
    if (next < 0) break;
    left = left.slice(next);
  }
  for (let at = 0; at < left.length && !fits(); at++) left[at] = shortened(left[at], keptOfNewResult, keptOfText);
  for (let at = 0; at < left.length && !fits(); at++) left[at] = shortened(left[at], keptOfOldResult, keptOfText);
  return left;
}

const nothing: RequestMessage = { role: 'user', parts: [] };

function shortened(message: RequestMessage = nothing, ofResults: number, ofTexts: number): RequestMessage {
  const parts = message.parts.map((part): RequestPart => {
    if (part.type === 'tool_result') return { ...part, text: cut(part.text, ofResults) };
    return part.type === 'text' ? { ...part, text: cut(part.text, ofTexts) } : part;
  });
  return { ...message, parts };
}

/** The beginning and the end: a question often stands below what it is about. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const half = Math.floor(max / 2);
  return `${text.slice(0, half)}\n[… ${text.length - 2 * half} characters are left out …]\n${text.slice(-half)}`.toWellFormed();
}
