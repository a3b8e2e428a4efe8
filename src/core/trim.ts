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
 * newest last. The question and the pairs of calls and results always stay. `estimate` adds up over messages.
 */
export function trimmed(
  system: string,
  messages: readonly RequestMessage[],
  tokens: number,
  estimate: (system: string, messages: readonly RequestMessage[]) => number = estimateRequestTokens,
): RequestMessage[] {
  // Each message is counted once and again when it changed: counting all at every look takes minutes for a long history.
  const sized = (message: RequestMessage): Sized => ({ message, size: estimate('', [message]) });
  let left = messages.map(sized);
  let size = left.reduce((sum, of) => sum + of.size, estimate(system, []));
  const shorten = (end: number, ofResults: number, ofTexts: number): void => {
    for (let at = 0; at < end && size > tokens; at++) {
      const before = left[at];
      if (before === undefined) return;
      const after = sized(shortened(before.message, ofResults, ofTexts));
      size += after.size - before.size;
      left[at] = after;
    }
  };
  const question = left.findLastIndex(({ message }) => message.role === 'user');
  shorten(question, keptOfOldResult, Infinity);
  while (size > tokens) {
    const next = left.findIndex(({ message }, at) => at > 0 && message.role === 'user');
    if (next < 0) break;
    for (const gone of left.slice(0, next)) size -= gone.size;
    left = left.slice(next);
  }
  shorten(left.length, keptOfNewResult, keptOfText);
  shorten(left.length, keptOfOldResult, keptOfText);
  return left.map(({ message }) => message);
}

interface Sized {
  message: RequestMessage;
  /** Tokens. */
  size: number;
}

function shortened(message: RequestMessage, ofResults: number, ofTexts: number): RequestMessage {
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
