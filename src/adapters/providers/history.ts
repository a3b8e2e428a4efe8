import type { Dialect, RequestMessage, RequestPart, ToolSpec } from '../../core/ports/provider.ts';
import type { JsonObject } from '../../core/message.ts';
import { canonical } from '../../core/canonical-json.ts';

/**
 * The history as one dialect may send it: thinking of other dialects and empty texts are left out, a message that is
 * empty without them too, and neighbours of one role that meet because of that become one message.
 */
export function sendableHistory(messages: readonly RequestMessage[], dialect: Dialect): RequestMessage[] {
  const sendable: RequestMessage[] = [];
  for (const message of messages) {
    const parts = withoutDanglingReasoning(message.parts.filter((part) => isSendable(part, dialect)));
    const before = sendable.at(-1);
    if (parts.length === 0) continue;
    if (before?.role === message.role) before.parts.push(...parts);
    else sendable.push({ role: message.role, parts });
  }
  return sendable;
}

function isSendable(part: RequestPart, dialect: Dialect): boolean {
  if (part.type === 'text') return part.text.trim() !== '';
  return part.type !== 'reasoning' || (part.replay !== undefined && part.dialect === dialect);
}

/** Providers refuse a thinking block that nothing follows. */
function withoutDanglingReasoning(parts: RequestPart[]): RequestPart[] {
  while (parts.at(-1)?.type === 'reasoning') parts.pop();
  return parts;
}

/** The tools in an order and a spelling that do not change between equal requests, for the provider's prompt cache. */
export function sendableTools(tools: readonly ToolSpec[]): ToolSpec[] {
  const sorted = [...tools].sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map((tool) => ({ ...tool, parameters: canonicalOf(tool.parameters) }));
}

/** The same schemas travel with every request. */
const spelled = new WeakMap<JsonObject, JsonObject>();

function canonicalOf(parameters: JsonObject): JsonObject {
  const known = spelled.get(parameters);
  if (known !== undefined) return known;
  const made = canonical(parameters);
  spelled.set(parameters, made);
  return made;
}

/** The joined text parts of a message; paragraphs apart. */
export function joinedText(parts: readonly RequestPart[]): string {
  let text: string | null = null;
  for (const part of parts) if (part.type === 'text') text = text === null ? part.text : `${text}\n\n${part.text}`;
  return text ?? '';
}

export const base64 = (data: Uint8Array): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');

export const dataUrl = (part: { mimeType: string; data: Uint8Array }): string =>
  `data:${part.mimeType};base64,${base64(part.data)}`;

/** A tool's result as text that is never empty; dialects without an error flag mark a failure in words. */
export const resultText = (part: { text: string; isError: boolean }, flagged: boolean): string => {
  const text = part.text.trim() === '' ? '(no output)' : part.text;
  return part.isError && !flagged ? `Error: ${text}` : text;
};
