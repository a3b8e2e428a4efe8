/**
 * The Cloud API as far as a bot uses it, stricter than Meta's: an unknown field, a text that is too long, a person who
 * has not written, an address without a token are all refused.
 */
import { createHash, randomUUID } from 'node:crypto';
import { LoopbackServer, type Answered, type Asked } from './loopback-server.ts';

export interface SentMessage {
  id: string;
  to: string;
  type: string;
  /** What was said, markup and all. */
  words: string;
  file: Uint8Array | null;
  callback: string | null;
  wire: Record<string, unknown>;
}

type Problem = { status: number; code: number; message: string };
type Json = Record<string, unknown>;

const problem = (status: number, code: number, message: string): Problem => ({ status, code, message });
const invalid = (what: string): Problem => problem(400, 100, `Invalid parameter: ${what}`);
const messageFields = new Set([
  'messaging_product',
  'recipient_type',
  'to',
  'recipient',
  'context',
  'biz_opaque_callback_data',
  'type',
  'text',
  'interactive',
  'image',
  'video',
  'audio',
  'document',
]);

export class WhatsAppServer {
  readonly token = `EAAG${'x'.repeat(60)}`;
  readonly number = '106540352242922';
  readonly sent: SentMessage[] = [];
  /** Marked as read, with or without typing. */
  readonly read: { id: string; typing: boolean }[] = [];
  /** Posts that would have become a message. */
  posts = 0;
  /** What the next post is answered with. */
  next: Problem | 'cut_after' | null = null;
  /** Told of every message that was taken. */
  taken: (message: SentMessage) => void = () => undefined;
  readonly media = new Map<string, { bytes: Uint8Array; mimeType: string }>();
  /** People who wrote within 24 hours, and their messages. */
  readonly people = new Set<string>();
  readonly received = new Set<string>();
  readonly server = new LoopbackServer((asked) => this.#handle(asked));

  get root(): string {
    return `${this.server.url}/v23.0`;
  }

  store(bytes: Uint8Array, mimeType: string): string {
    const id = String(1_000_000 + this.media.size);
    this.media.set(id, { bytes, mimeType });
    return id;
  }

  #handle(asked: Asked): Answered | 'cut' | Promise<Answered> {
    const { method, path, headers } = asked;
    if (headers.authorization !== `Bearer ${this.token}`)
      return refused(problem(401, 190, 'Invalid OAuth access token'));
    if (method === 'GET' && path[0] === 'download') return this.#download(path[1] ?? '');
    const [version, id, edge] = path;
    if (version !== 'v23.0') return refused(problem(400, 2500, 'Unknown path components'));
    if (method === 'GET' && edge === undefined)
      return id === this.number ? this.#self(asked) : this.#find(id ?? '', asked);
    if (id !== this.number || method !== 'POST') return refused(problem(400, 100, 'Unsupported request'));
    if (edge === 'media') return this.#upload(asked);
    return edge === 'messages' ? this.#post(asked.json) : refused(problem(400, 2500, 'Unknown path components'));
  }

  #self({ query }: Asked): Answered {
    if (query.get('fields') !== 'display_phone_number,verified_name') return refused(invalid('fields'));
    return { status: 200, json: { display_phone_number: '+1 555-0100', verified_name: 'Clanker', id: this.number } };
  }

  #find(id: string, { query }: Asked): Answered {
    const media = this.media.get(id);
    if (media === undefined || query.get('phone_number_id') !== this.number) {
      return refused(problem(400, 100, 'Unsupported get request. Object does not exist'));
    }
    const { bytes, mimeType } = media;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const url = `${this.server.url}/download/${id}`;
    return {
      status: 200,
      json: { messaging_product: 'whatsapp', url, mime_type: mimeType, sha256, file_size: bytes.length, id },
    };
  }

  #download(id: string): Answered {
    const media = this.media.get(id);
    return media === undefined ? { status: 404 } : { status: 200, bytes: media.bytes };
  }

  async #upload({ headers, body }: Asked): Promise<Answered> {
    const type = { 'content-type': String(headers['content-type']) };
    const form = await new Response(new Uint8Array(body), { headers: type }).formData();
    const file = form.get('file');
    const mimeType = form.get('type');
    if (form.get('messaging_product') !== 'whatsapp' || !(file instanceof File)) return refused(invalid('file'));
    if (mimeType !== file.type) return refused(invalid('type'));
    return { status: 200, json: { id: this.store(new Uint8Array(await file.arrayBuffer()), file.type) } };
  }

  #post(json: Json): Answered | 'cut' {
    if (json['status'] === 'read') return this.#markRead(json);
    this.posts += 1;
    const { next } = this;
    this.next = null;
    if (next !== null && next !== 'cut_after') return refused(next);
    const wrong = this.#problemOf(json);
    if (wrong !== null) return refused(wrong);
    const message = this.#take(json);
    this.taken(message);
    if (next === 'cut_after') return 'cut';
    const contacts = [{ input: message.to, wa_id: message.to }];
    return { status: 200, json: { messaging_product: 'whatsapp', contacts, messages: [{ id: message.id }] } };
  }

  #markRead(json: Json): Answered {
    const { messaging_product, message_id, typing_indicator } = json;
    const known = ['messaging_product', 'status', 'message_id', 'typing_indicator'];
    if (messaging_product !== 'whatsapp' || Object.keys(json).some((name) => !known.includes(name))) {
      return refused(invalid('status'));
    }
    if (!this.received.has(String(message_id))) return refused(problem(400, 131_009, 'Parameter value is not valid'));
    this.read.push({ id: String(message_id), typing: typing_indicator !== undefined });
    return { status: 200, json: { success: true } };
  }

  #problemOf(json: Json): Problem | null {
    const unknown = Object.keys(json).find((name) => !messageFields.has(name));
    if (unknown !== undefined) return invalid(unknown);
    if (json['messaging_product'] !== 'whatsapp') return invalid('messaging_product');
    if (json['recipient_type'] !== 'individual') return invalid('recipient_type');
    const to = textIn(json, 'to') || textIn(json, 'recipient');
    if ((json['to'] === undefined) === (json['recipient'] === undefined)) return invalid('to');
    if (json['to'] !== undefined && !/^\d{5,20}$/.test(to)) return invalid('to');
    if (!this.people.has(to)) return problem(400, 131_047, 'Re-engagement message');
    const context = json['context'] as { message_id?: string } | undefined;
    if (context !== undefined && !this.received.has(context.message_id ?? '')) return invalid('context');
    if (textIn(json, 'biz_opaque_callback_data').length > 512) return invalid('biz_opaque_callback_data');
    return contentProblem(json, this.media);
  }

  #take(json: Json): SentMessage {
    const type = textIn(json, 'type');
    const content = json[type] as { body?: string | { text: string }; caption?: string; id?: string };
    const words = typeof content.body === 'object' ? content.body.text : (content.body ?? content.caption ?? '');
    const message: SentMessage = {
      id: `wamid.${randomUUID()}`,
      to: textIn(json, 'to') || textIn(json, 'recipient'),
      type,
      words,
      file: this.media.get(content.id ?? '')?.bytes ?? null,
      callback: textIn(json, 'biz_opaque_callback_data') || null,
      wire: json,
    };
    this.sent.push(message);
    return message;
  }
}

const refused = ({ status, code, message }: Problem): Answered => ({
  status,
  json: { error: { message: `(#${code}) ${message}`, type: 'OAuthException', code, fbtrace_id: 'A1' } },
});

const captionMax = 1024;

const textIn = (json: Json, name: string): string => (typeof json[name] === 'string' ? json[name] : '');

function contentProblem(json: Json, media: ReadonlyMap<string, unknown>): Problem | null {
  const type = textIn(json, 'type');
  const content = json[type] as Json | undefined;
  if (content === undefined) return invalid('type');
  if (type === 'text') {
    const body = textIn(content, 'body');
    return body === '' || body.length > 4096 || body !== body.trim() ? invalid('text.body') : null;
  }
  if (type === 'interactive') return buttonsProblem(content);
  if (!media.has(textIn(content, 'id'))) return problem(400, 131_009, 'Media id not found');
  if (type === 'audio' && content['caption'] !== undefined) return invalid('audio.caption');
  return textIn(content, 'caption').length > captionMax ? invalid('caption') : null;
}

function buttonsProblem(content: Json): Problem | null {
  const { type, body, action } = content as {
    type?: string;
    body?: { text?: string };
    action?: { buttons?: { type: string; reply: { id: string; title: string } }[] };
  };
  const buttons = action?.buttons ?? [];
  const text = body?.text ?? '';
  if (type !== 'button' || text === '' || text.length > captionMax) return invalid('interactive.body');
  if (buttons.length < 1 || buttons.length > 3) return invalid('interactive.action');
  const titles = buttons.map(({ reply }) => reply.title);
  const fits =
    titles.every((title) => title.length >= 1 && title.length <= 20) && new Set(titles).size === titles.length;
  return fits && buttons.every(({ reply }) => reply.id.length <= 256) ? null : invalid('interactive.action.buttons');
}
