/** What a client may send as the body of a call: JSON, or a form with a file. https://core.telegram.org/bots/api#making-requests */
import type { Params } from './telegram-chats.ts';

/** A file of a form. */
export interface Upload {
  name: string;
  mimeType: string;
  bytes: Uint8Array;
}

/** The parameters of a call, or null when the body cannot be read. Files stand under the names of their fields. */
export async function paramsOf(body: Buffer, contentType: string): Promise<Params | null> {
  try {
    if (!contentType.startsWith('multipart/form-data')) {
      return (body.length === 0 ? {} : JSON.parse(body.toString())) as Params;
    }
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
    const params: Params = {};
    for (const [name, value] of form)
      params[name] = typeof value === 'string' ? read(name, value) : await upload(value);
    return params;
  } catch {
    return null;
  }
}

/** In a form everything is text: what is no text in the Bot API is JSON there. */
function read(name: string, value: string): unknown {
  return name === 'caption' || name === 'text' || value.startsWith('@') ? value : JSON.parse(value);
}

const upload = async (file: File): Promise<Upload> => ({
  name: file.name,
  mimeType: file.type,
  bytes: new Uint8Array(await file.arrayBuffer()),
});
