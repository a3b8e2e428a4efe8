import type { JsonObject, JsonValue, OutboundFile } from '../../core/message.ts';
import type { ToolOutput } from '../../core/ports/tool.ts';
import { isObject, oneLine } from './schema.ts';

/** What is kept of a result at all; how much of it the model reads is decided by whoever called. */
const maxText = 1_000_000;
const maxBlocks = 200;
const maxFiles = 10;

/** What a server answered to a call; nothing of it is believed. */
export interface CallResult {
  content?: unknown;
  structuredContent?: unknown;
  isError?: unknown;
}

/** Stores a file for the person who asked. */
export type KeepFile = (mimeType: string, bytes: Uint8Array) => Promise<OutboundFile>;

/** The answer as text, its pictures, sounds and blobs as files of the person. */
export async function outputOf(result: CallResult, server: string, keep: KeepFile): Promise<ToolOutput> {
  const texts: string[] = [];
  const files: OutboundFile[] = [];
  const blocks: unknown[] = Array.isArray(result.content) ? result.content : [];
  for (const block of blocks.slice(0, maxBlocks)) {
    const { text, blob } = read(block);
    if (text !== null) texts.push(text);
    if (blob === null) continue;
    const bytes = Buffer.from(blob.data, 'base64');
    if (files.length === maxFiles || bytes.length === 0) {
      texts.push(`[${blob.kind} left out: ${bytes.length === 0 ? 'it is empty' : `more than ${maxFiles} files`}]`);
      continue;
    }
    const file = await keep(blob.mimeType, bytes);
    files.push(file);
    texts.push(`[${blob.kind} kept as file ${file.id}, ${file.mimeType}, ${file.size} bytes]`);
  }
  if (blocks.length > maxBlocks) texts.push(`[${blocks.length - maxBlocks} more parts left out]`);
  const structured = structuredText(result.structuredContent, texts);
  if (structured !== null) texts.push(structured);
  const text = texts.join('\n');
  return {
    text: text.length > maxText ? `${text.slice(0, maxText)}\n[cut here]` : text === '' ? '(nothing)' : text,
    outside: `mcp ${server}`,
    ...(result.isError === true ? { isError: true } : {}),
    ...(files.length === 0 ? {} : { files }),
  };
}

interface Read {
  text: string | null;
  blob: { kind: string; mimeType: string; data: string } | null;
}

/** One content block: text, image, audio, resource, resource_link (MCP 2025-11-25, server/tools). */
function read(block: unknown): Read {
  if (!isObject(block)) return { text: null, blob: null };
  const { type, text, data, resource } = block;
  if (type === 'text') return { text: asText(text), blob: null };
  if (type === 'image' || type === 'audio') return { text: null, blob: blobOf(type, data, block['mimeType']) };
  if (type === 'resource_link') return { text: `[resource ${asText(block['uri'])}]`, blob: null };
  if (type === 'resource' && isObject(resource)) {
    const uri = asText(resource['uri']);
    if (typeof resource['blob'] === 'string')
      return {
        text: null,
        blob: blobOf(`resource ${oneLine(uri).slice(0, 200)}`, resource['blob'], resource['mimeType']),
      };
    return { text: `[resource ${uri}]\n${asText(resource['text'])}`, blob: null };
  }
  return { text: '[a part of a kind that is not known here was left out]', blob: null };
}

const asText = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');

function blobOf(kind: string, data: JsonValue | undefined, mimeType: JsonValue | undefined): Read['blob'] {
  const given = asText(mimeType).toLowerCase();
  return {
    kind,
    data: asText(data),
    mimeType: /^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,60}$/.test(given) ? given : 'application/octet-stream',
  };
}

/** Servers are asked to say the same as text too; then it is not said twice. */
function structuredText(structured: unknown, texts: readonly string[]): string | null {
  if (!isObject(structured)) return null;
  try {
    const json = JSON.stringify(structured);
    return texts.some((text) => sameJson(text, structured, json)) ? null : json;
  } catch {
    // Nested deeper than the stack.
    return null;
  }
}

function sameJson(text: string, structured: JsonObject, json: string): boolean {
  if (text === json || !text.trimStart().startsWith('{')) return text === json;
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(structured);
  } catch {
    return false;
  }
}
