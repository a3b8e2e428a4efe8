import { createHash } from 'node:crypto';
import { fence } from '../../core/outside.ts';
import type { Message, Part } from '../../core/message.ts';
import type { ModelRequest, RequestMessage, RequestPart } from '../../core/ports/provider.ts';
import { repairHistory, window, type TurnPart } from '../../core/repair.ts';
import type { SummaryRow } from '../../core/ports/run-store.ts';
import type { AgentSettings } from '../agent/settings.ts';

const maxImages = 8;
const imageTypes = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);

/** Loads a file of the owner; null when it is gone. */
export type LoadFile = (id: string) => Promise<Uint8Array | null>;

export interface RequestContext {
  agent: AgentSettings;
  loadFile: LoadFile;
  /** What stands for the messages before the history. */
  summary: SummaryRow | null;
  /**
   * What is true now and not in a minute, such as the time. It follows the newest message of the person, so that all
   * before it stays byte for byte what it was; null: nothing.
   */
  now: string | null;
  cacheKey: string;
}

/** The request for a history. The prefix (system prompt, older turns) is byte-stable, so that prompt caches hit. */
export async function requestOf(
  history: readonly Message[],
  { agent, loadFile, summary, now, cacheKey }: RequestContext,
): Promise<Omit<ModelRequest, 'model' | 'tools'>> {
  const turns = repairHistory(framed(window(history, agent.historyWindow)));
  const messages: RequestMessage[] = [];
  let images = 0;
  // Newest first, so that when there are too many images the old ones become words.
  for (const turn of turns.toReversed()) {
    if (namesNoFile(turn.parts)) {
      // A copy has no room to grow, as what was pushed to has: it is kept for as long as the model answers.
      messages.unshift({ role: turn.role, parts: [...turn.parts] });
      continue;
    }
    const parts: RequestPart[] = [];
    for (const part of turn.parts.toReversed()) {
      const wanted = part.type === 'file' && imageTypes.has(part.mimeType) && images < maxImages;
      const data = wanted ? await loadFile(part.file) : null;
      if (data !== null) images += 1;
      parts.unshift(...requestParts(part, data));
    }
    messages.unshift({ role: turn.role, parts });
  }
  if (now !== null)
    messages.findLast(({ role }) => role === 'user')?.parts.push({ type: 'text', text: `\n\n[${now}]` });
  if (summary !== null) messages[0]?.parts.unshift({ type: 'text', text: `${summaryText(summary)}\n\n` });
  return {
    system: agent.systemPrompt,
    messages,
    ...(agent.maxTokens === null ? {} : { maxOutputTokens: agent.maxTokens }),
    ...(agent.temperature === null ? {} : { temperature: agent.temperature }),
    cacheKey,
  };
}

function summaryText({ text, outside, seq }: SummaryRow): string {
  const shown = outside === null ? text : fence(text, outside, nonceOf(`summary ${seq} ${text}`));
  return `[Summary of the conversation before:]\n${shown}`;
}

/** The messages as models read them: outside text in its fence, and in a group of several who said what. */
export function framed(messages: readonly Message[]): readonly Message[] {
  const speakers = new Set<string>();
  for (const { parts } of messages)
    for (const part of parts)
      if (part.type === 'text' && part.by !== undefined) for (const by of part.by) speakers.add(by);
  const several = speakers.size > 1;
  return messages.map((message) => {
    const { role, parts } = message;
    if (role === 'assistant' || !parts.some((part) => needsFrame(part, several))) return message;
    // What somebody passes on is what they ask about: it is theirs to ask, though not theirs to have written.
    const passedOn = role === 'user' && parts.every((part) => part.type !== 'text' || part.outside !== undefined);
    return { ...message, parts: parts.map((part) => frame(part, message, { several, passedOn })) };
  });
}

const needsFrame = (part: Part, several: boolean): boolean =>
  (part.type === 'text' && (part.outside !== undefined || (several && part.by !== undefined))) ||
  (part.type === 'tool_result' && part.outside !== undefined);

function frame(
  part: Part,
  { id, author }: Message,
  { several, passedOn }: { several: boolean; passedOn: boolean },
): Part {
  if (part.type !== 'text' && part.type !== 'tool_result') return part;
  if (part.outside !== undefined && !passedOn) return { ...part, text: fence(part.text, part.outside, nonceOf(id)) };
  if (part.type !== 'text' || !several || part.by === undefined) return part;
  return {
    ...part,
    text: `[${inBrackets(author ?? 'somebody').slice(0, 60)} writes:]\n${part.text.replaceAll(speaker, '[\\')}`,
  };
}

/** What begins the words of the next one in a group; nobody can write it into their own. */
const speaker = /\[(?=[^\][\n]{0,80} writes:\])/g;

const inBrackets = (text: string): string => text.replaceAll(/[[\]\n]/g, ' ');

/** The same for the same message, and unknown to whoever wrote it: our ids are random. */
const nonceOf = (messageId: string): string => createHash('sha256').update(messageId).digest('hex').slice(0, 12);

const namesNoFile = (parts: TurnPart[]): parts is Exclude<TurnPart, { type: 'file' }>[] =>
  parts.every((part) => part.type !== 'file');

/** A file is named by its id, by which tools take it, whether it can be shown or not. */
function requestParts(part: TurnPart, data: Uint8Array | null): RequestPart[] {
  if (part.type !== 'file') return [part];
  const { file, mimeType, name } = part;
  const named: RequestPart = {
    type: 'text',
    text: `[attached file: ${name === undefined ? '' : `${inBrackets(name)}, `}${mimeType}, id ${file}]`,
  };
  return data === null ? [named] : [named, { type: 'image', mimeType, data }];
}
