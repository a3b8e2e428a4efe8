/** Front matter: fields in YAML between two lines of `---` at the head of a Markdown file, as skills and prompts have it. */
import type { JsonObject } from './message.ts';

/** Far more than names and descriptions need. */
export const maxFrontMatterLength = 16_384;

export interface FrontMatter {
  fields: JsonObject;
  /** The line of the file, from 1, on which a field stands. */
  lines: ReadonlyMap<string, number>;
  /** The Markdown below, without the line breaks around it. */
  body: string;
  /** The line of the file, from 1, on which the body begins. */
  bodyLine: number;
}

/** What is wrong with a file's head, in words, and on which line of the file. */
export class FrontMatterError extends Error {
  override readonly name = 'FrontMatterError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

export interface SplitText extends Pick<FrontMatter, 'body' | 'bodyLine'> {
  /** The YAML between the fences, its first line being line 2 of the file; null in a file without front matter. */
  head: string | null;
}

const fence = /^---[ \t]*$/;
const closingFence = /^(?:---|\.\.\.)[ \t]*$/;

/** Throws FrontMatterError when the head is not closed or too long. */
export function splitFrontMatter(text: string): SplitText {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  if (!fence.test(lines[0] ?? '')) return { head: null, ...bodyFrom(lines, 0) };
  const end = lines.findIndex((line, index) => index > 0 && closingFence.test(line));
  if (end < 0) throw new FrontMatterError(1, 'the front matter is not closed; a line "---" ends it');
  const head = lines.slice(1, end).join('\n');
  if (head.length > maxFrontMatterLength)
    throw new FrontMatterError(1, `the front matter is longer than ${maxFrontMatterLength} characters`);
  return { head, ...bodyFrom(lines, end + 1) };
}

function bodyFrom(lines: readonly string[], from: number): Pick<FrontMatter, 'body' | 'bodyLine'> {
  const first = lines.findIndex((line, index) => index >= from && line.trim() !== '');
  if (first < 0) return { body: '', bodyLine: Math.max(1, lines.length) };
  return { body: lines.slice(first).join('\n').trimEnd(), bodyLine: first + 1 };
}

/** Turns the text between the fences into fields. */
export type ReadHead = (head: string) => Pick<FrontMatter, 'fields' | 'lines'>;
