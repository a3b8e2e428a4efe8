/** What a caller says, translated once. Its signature was verified; its shape is held against a strict schema all the same. */
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { Attachment } from '../../../core/message.ts';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import { webhookIdForm } from './options.ts';

/** Characters of one message; as for every client. */
const maxTextLength = 32_768;
const maxAttachments = 10;
const maxUrlLength = 2048;

/** Two looks without backtracking, as the text may be megabytes long. */
const isBase64 = (text: string): boolean =>
  text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.replace(/={1,2}$/, ''));

const id = z.string().check(z.regex(webhookIdForm));
const described = {
  mime_type: z.string().check(z.regex(/^[\w.+-]{1,64}\/[\w.+-]{1,64}$/)),
  name: z.exactOptional(z.string().check(z.minLength(1), z.maxLength(255))),
};
const attachment = z.union([
  z.strictObject({ ...described, data: z.string().check(z.refine(isBase64)) }),
  z.strictObject({ ...described, url: z.string().check(z.maxLength(maxUrlLength)) }),
]);

/** The body of `POST /hooks/{name}`. */
const message = z.strictObject({
  text: z.string().check(z.maxLength(maxTextLength)),
  conversation: id,
  sender: id,
  attachments: z.exactOptional(z.array(attachment).check(z.maxLength(maxAttachments))),
});

export interface InboundContext {
  account: string;
  /** `webhook-id` and the signed time, seconds since the epoch. */
  id: string;
  timestamp: number;
  /** Where attachments named by a URL may come from; null: nowhere. */
  filesOrigin: string | null;
}

export type Read = { ok: true; event: InboundEvent } | { ok: false; detail: string };
const no = (detail: string): Read => ({ ok: false, detail });

export function readMessage(body: Uint8Array, context: InboundContext): Read {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return no('The body is not JSON in UTF-8.');
  }
  const parsed = message.safeParse(json);
  if (!parsed.success) return no(complaint(parsed.error.issues));
  const { text, conversation, sender, attachments = [] } = parsed.data;
  if (text.trim() === '' && attachments.length === 0) return no('"text" is empty and there is no attachment.');
  const files: Attachment[] = [];
  for (const { mime_type: mimeType, name, ...source } of attachments) {
    const base = { mimeType, ...(name === undefined ? {} : { name }) };
    if ('data' in source) files.push({ ...base, native: `${dataPrefix}${source.data}`, size: sizeOf(source.data) });
    else if (context.filesOrigin !== null && URL.parse(source.url)?.origin === context.filesOrigin)
      files.push({ ...base, native: source.url });
    else return no('The url of an attachment must be on the same host as the url of this webhook.');
  }
  return {
    ok: true,
    event: {
      dedupe: context.id,
      kind: 'message',
      conversation: { channel: 'webhook', account: context.account, native: conversation },
      native: context.id,
      sender: { native: sender, display: sender, isBot: false },
      chat: { type: 'direct', addressed: true },
      text,
      attachments: files,
      occurredAt: context.timestamp * 1000,
      bodyHash: createHash('sha256').update(body).digest('hex'),
    },
  };
}

const dataPrefix = 'data:';

/** The bytes of an attachment that came with its message; null when it must be fetched. */
export const bytesOf = ({ native = '' }: Attachment): Uint8Array | null =>
  native.startsWith(dataPrefix) ? Buffer.from(native.slice(dataPrefix.length), 'base64') : null;

const sizeOf = (base64: string): number => (base64.replace(/=+$/, '').length * 3) >> 2;

/** The field that is wrong, by name; what its value was is the caller's to know. */
function complaint(issues: readonly z.core.$ZodIssue[]): string {
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown !== undefined) {
    const names = unknown.keys.slice(0, 5).map((key) => JSON.stringify(key.slice(0, 60)));
    return `Unknown field ${names.join(', ')}.`;
  }
  const path = issues[0]?.path.map(String).join('.').slice(0, 120) ?? '';
  return path === '' ? 'The body is no JSON object.' : `"${path}" is missing or not of the right form.`;
}
