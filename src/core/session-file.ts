/** A session as a file of JSON lines: `{"session"}` first, then one `{"message"}` a line, as the export writes it. */
import * as z from 'zod/mini';
import { invalidInput } from './errors.ts';
import { nestedDeeperThan } from './json-depth.ts';
import type { JsonObject, Part, Role } from './message.ts';

/** Messages of a file that is brought in. */
export const maxImportedMessages = 10_000;

const maxText = 1_000_000;
const longText = z.string().check(z.maxLength(maxText));
const shortText = z.string().check(z.maxLength(300));
/** Of arguments: what reads them later may take the stack for each level. */
const maxDepth = 64;
const json = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !nestedDeeperThan(value, maxDepth),
);

const text = z.object({
  type: z.literal('text'),
  text: longText,
  by: z.exactOptional(shortText),
  outside: z.exactOptional(shortText),
});
const file = z.object({
  type: z.literal('file'),
  file: shortText,
  mimeType: shortText,
  name: z.exactOptional(shortText),
});
/** The opaque form of a provider is left behind: it is no history of ours that it belongs to. */
const reasoning = z.object({ type: z.literal('reasoning'), text: longText });
const call = z.object({ type: z.literal('tool_call'), id: shortText, name: shortText, args: json });
const result = z.object({
  type: z.literal('tool_result'),
  callId: shortText,
  name: shortText,
  text: longText,
  isError: z.boolean(),
  outside: z.exactOptional(shortText),
});

/** What may stand in a message of each role. What the system says is never taken from a file. */
const parts = {
  user: z.array(z.union([text, file])),
  assistant: z.array(z.union([text, file, reasoning, call])),
  tool: z.array(result),
} satisfies Partial<Record<Role, z.ZodMiniType<Part[]>>>;

const maxParts = 1000;
const head = z.object({
  session: z.object({ key: shortText, title: z.exactOptional(z.nullable(shortText)) }),
});
const body = z.object({
  message: z.object({
    role: z.enum(['user', 'assistant', 'tool']),
    parts: z.array(z.unknown()).check(z.minLength(1), z.maxLength(maxParts)),
    author: z.nullable(shortText),
    time: z.int().check(z.minimum(0), z.maximum(8_640_000_000_000_000)),
  }),
});

export interface ImportedMessage {
  role: Role;
  parts: Part[];
  author: string | null;
  time: number;
}

export interface SessionFile {
  key: string;
  title: string | null;
  messages: ImportedMessage[];
}

/** Rejects with invalid_input `bad_import` that names the line. */
export async function readSessionFile(lines: AsyncIterable<unknown> | Iterable<unknown>): Promise<SessionFile> {
  let found: SessionFile | null = null;
  let number = 0;
  for await (const line of lines) {
    number++;
    if (found === null) {
      const first = z.safeParse(head, line);
      if (!first.success)
        throw bad(number, 'the file does not begin with {"session": …}; is it an export of a session?');
      const { key, title } = first.data.session;
      found = { key, title: title ?? null, messages: [] };
      continue;
    }
    if (found.messages.length >= maxImportedMessages) {
      throw bad(number, `a file may have at most ${maxImportedMessages} messages`);
    }
    found.messages.push(messageOf(line, number));
  }
  if (found === null) throw bad(1, 'the file is empty');
  return found;
}

function messageOf(line: unknown, number: number): ImportedMessage {
  const parsed = z.safeParse(body, line);
  if (!parsed.success) throw bad(number, problemOf(parsed.error));
  const { role, author, time } = parsed.data.message;
  const read = z.safeParse(parts[role], parsed.data.message.parts);
  if (!read.success) throw bad(number, `a part is none that "${role}" may have (${problemOf(read.error)})`);
  return { role, parts: read.data, author, time };
}

function problemOf({ issues }: z.core.$ZodError): string {
  const [issue] = issues;
  return issue === undefined ? 'it is no message' : `${issue.path.join('.')}: ${issue.message}`;
}

const bad = (line: number, problem: string): Error =>
  invalidInput('bad_import', `Line ${line} of the file cannot be brought in: ${problem}.`);
