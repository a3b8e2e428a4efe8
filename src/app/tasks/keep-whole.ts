import type { OutboundFile } from '../../core/message.ts';
import { maxResultText } from '../../core/task.ts';
import { cutText } from '../agent/call-tool.ts';
import { saveUpload } from '../files/upload.ts';

export type SaveDeps = Parameters<typeof saveUpload>[3];

/** Room for the words that say that something is left out. */
const cutAt = maxResultText - 100;

export async function saveText(owner: string, mimeType: string, text: string, deps: SaveDeps): Promise<OutboundFile> {
  return saveUpload(owner, mimeType, bytesOf(text), deps);
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

/** A text as a result may be; the whole of a longer one goes along as a file. */
export async function keepWhole(
  text: string,
  owner: string,
  deps: SaveDeps,
): Promise<{ text: string; files: OutboundFile[] }> {
  if (text.length <= maxResultText) return { text, files: [] };
  const file = await saveText(owner, 'text/plain', text.toWellFormed(), deps);
  return { text: cutText(text, cutAt), files: [{ ...file, name: 'result.txt' }] };
}
