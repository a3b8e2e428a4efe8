import type { JsonObject } from '../../../core/message.ts';
import type { ModelRequest, RequestMessage, RequestPart } from '../../../core/ports/provider.ts';
import { joinedText } from '../history.ts';

const maxEcho = 200;

/** What the demo model answers: text, or a call of one of the request's tools. Pure, so the same words get the same answer. */
export type DemoReply = { text: string } | { tool: string; args: JsonObject };

export function demoReply(request: ModelRequest): DemoReply {
  const last = request.messages.at(-1);
  if (last?.role === 'tool') return { text: toolReport(last) };
  const asked = last === undefined ? '' : joinedText(wordsOfThePerson(last.parts)).trim();
  const tool = toolAskedFor(asked, request) ?? reminderAskedFor(asked, request);
  if (tool !== null) return tool;
  return { text: textReply(asked, last) };
}

/** What the gateway adds, the time behind a question and what jobs sent before it, is nothing that the person said. */
const wordsOfThePerson = (parts: readonly RequestPart[]): RequestPart[] =>
  parts.filter(
    (part, n) => !isTime.test(textOf(part)) && !isNote.test(textOf(part)) && !isNote.test(textOf(parts[n - 1])),
  );

const isTime = /^\s*\[It is [^\]]*\]$/;
/** The part after it is what was sent. */
const isNote = /^\s*\[The person was sent this by [^\]]*:\]\s*$/;
const textOf = (part: RequestPart | undefined): string => (part?.type === 'text' ? part.text : '');

/** "call the tool NAME", with the arguments as a JSON object after it if there are any. */
function toolAskedFor(asked: string, request: ModelRequest): DemoReply | null {
  const match = /\b(?:call|use|run)\s+(?:the\s+)?tool\s+[`"']?([\w.-]*\w)[`"']?/i.exec(asked);
  const tool = request.tools.find((tool) => tool.name.toLowerCase() === match?.[1]?.toLowerCase());
  if (match === null || tool === undefined || request.wordsOnly === true) return null;
  const written = /\{.*\}/s.exec(asked.slice(match.index))?.[0];
  return { tool: tool.name, args: written === undefined ? {} : (parseArgs(written) ?? {}) };
}

/** "remind me in 2 minutes to drink tea": the one wish in plain words that is understood, to try reminders without a key. */
function reminderAskedFor(asked: string, request: ModelRequest): DemoReply | null {
  const [, when, what] = /^remind me\s+(.+?)\s+to\s+(.+)$/is.exec(asked) ?? [];
  if (when === undefined || what === undefined || request.wordsOnly === true) return null;
  if (!request.tools.some(({ name }) => name === 'schedule_add')) return null;
  return { tool: 'schedule_add', args: { do: 'say', what, when } };
}

function parseArgs(text: string): JsonObject | null {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return null;
  }
}

function toolReport(message: RequestMessage): string {
  const results = message.parts.filter((part) => part.type === 'tool_result');
  return results
    .map(({ name, text, isError }) => `The tool ${name} ${isError ? 'failed' : 'answered'}: ${shortened(text)}`)
    .join('\n');
}

function textReply(asked: string, message: RequestMessage | undefined): string {
  const images = message?.parts.filter((part) => part.type === 'image').length ?? 0;
  const seen = images === 0 ? '' : ` (with ${images === 1 ? 'a picture' : `${images} pictures`})`;
  return [
    asked === '' ? `I received an empty message${seen}.` : `You said${seen}: "${shortened(asked)}"`,
    'I am the built-in demo model: everything works, but there is no intelligence behind me yet. To connect a real model, ' +
      'set OPENAI_API_KEY or ANTHROPIC_API_KEY, or start Ollama on this machine (OLLAMA_BASE_URL if it runs elsewhere), ' +
      'and restart. `open-clanker config generate --path open-clanker.toml` writes a configuration with every option.',
  ].join('\n\n');
}

const shortened = (text: string): string => (text.length > maxEcho ? `${text.slice(0, maxEcho)}…` : text);
