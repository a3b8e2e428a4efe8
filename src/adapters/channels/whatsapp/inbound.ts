/**
 * What Meta tells, translated once. Everything here comes from outside: ids are checked before use, and a shape nobody
 * foresaw is malformed. https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components
 */
import type { Attachment } from '../../../core/message.ts';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import { field, textField } from '../json-http.ts';

const maxDisplay = 128;
const maxId = 512;
/** Of one notification; Meta sends at most a thousand. */
const maxEntries = 2000;

/** What became of a message of ours. */
export interface Status {
  id: string;
  /** `sent`, `delivered`, `read`, `failed`, … */
  status: string;
  /** What we gave with the message, when it has come back. */
  callback: string | null;
  /** Of a failure. */
  error: { code: number; words: string } | null;
}

export interface Notification {
  events: InboundEvent[];
  statuses: Status[];
  malformed: string[];
}

export interface InboundContext {
  account: string;
  /** The id of our number; an app tells of all its numbers at one address. */
  number: string;
}

class Malformed extends Error {}

export function translate(json: unknown, context: InboundContext): Notification {
  const notification: Notification = { events: [], statuses: [], malformed: [] };
  if (textField(json, 'object') !== 'whatsapp_business_account') {
    notification.malformed.push('it is no notification of WhatsApp');
    return notification;
  }
  for (const value of valuesOf(json)) {
    if (textField(field(value, 'metadata'), 'phone_number_id') !== context.number) continue;
    const names = namesOf(value);
    const each = (list: unknown, read: (item: unknown) => void): void => {
      for (const item of listOf(list)) {
        try {
          read(item);
        } catch (error) {
          if (!(error instanceof Malformed)) throw error;
          notification.malformed.push(error.message);
        }
      }
    };
    each(field(value, 'messages'), (message) => notification.events.push(eventOf(message, names, context)));
    each(field(value, 'statuses'), (status) => notification.statuses.push(statusOf(status)));
  }
  return notification;
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value.slice(0, maxEntries) : []);

/** Messages come under the field of that name; echoes, calls and templates are none of ours. */
const valuesOf = (json: unknown): unknown[] =>
  listOf(field(json, 'entry'))
    .flatMap((entry) => listOf(field(entry, 'changes')))
    .filter((change) => textField(change, 'field') === 'messages')
    .map((change) => field(change, 'value'));

function namesOf(value: unknown): Map<string, string> {
  const names = new Map<string, string>();
  for (const contact of listOf(field(value, 'contacts'))) {
    const name = textField(field(contact, 'profile'), 'name');
    if (name === undefined) continue;
    for (const key of ['wa_id', 'user_id']) names.set(textField(contact, key) ?? '', name.slice(0, maxDisplay));
  }
  return names;
}

function eventOf(message: unknown, names: ReadonlyMap<string, string>, { account }: InboundContext): InboundEvent {
  const id = idOf(message, 'id');
  // Somebody who shows no number has only the id that is made for this business.
  const sender = textField(message, 'from') ?? textField(message, 'from_user_id') ?? '';
  if (!/^[A-Za-z0-9.]{1,150}$/.test(sender)) throw new Malformed('a message without a sender');
  // Answering its sender alone would tell the words of a group to one, or the other way round.
  if (field(message, 'group_id') !== undefined) throw new Malformed('a message of a group, which is not supported');
  const seconds = Number(textField(message, 'timestamp'));
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw new Malformed('a message without a time');
  const context = field(message, 'context');
  const forwarded = field(context, 'forwarded') === true || field(context, 'frequently_forwarded') === true;
  return {
    dedupe: `message:${id}`,
    kind: 'message',
    conversation: { channel: 'whatsapp', account, native: sender },
    native: id,
    sender: { native: sender, display: names.get(sender) ?? sender, isBot: false },
    chat: { type: 'direct', addressed: true },
    text: '',
    attachments: [],
    occurredAt: seconds * 1000,
    ...(forwarded ? { forwarded: true } : {}),
    ...contentOf(message, textField(message, 'type') ?? ''),
  };
}

function contentOf(message: unknown, type: string): Partial<InboundEvent> {
  const content = field(message, type);
  switch (type) {
    case 'text':
      return { text: textOf(content, 'body') };
    case 'image':
    case 'video':
    case 'audio':
    case 'document':
    case 'sticker':
      return { text: textField(content, 'caption') ?? '', attachments: [fileOf(content, type)] };
    case 'location':
      return { text: placeOf(content) };
    case 'contacts':
      return { text: listOf(content).map(contactOf).join('\n') };
    case 'reaction':
      return { kind: 'reaction', native: idOf(content, 'message_id'), text: textField(content, 'emoji') ?? '' };
    case 'interactive':
      return pressed(message, field(content, textField(content, 'type') ?? ''));
    case 'button':
      return { text: textField(content, 'payload') ?? textOf(content, 'text') };
    case 'system':
      return { kind: 'lifecycle', text: textField(content, 'body') ?? '' };
    default:
      throw new Malformed(`a message of the type ${type.slice(0, 40) || 'none'}, which is not understood`);
  }
}

/** A reply button, or a line of a list: `native` is then the message that holds it. */
function pressed(message: unknown, reply: unknown): Partial<InboundEvent> {
  const command = textOf(reply, 'id');
  const under = textField(field(message, 'context'), 'id');
  return { kind: 'action', text: command, ...(under === undefined ? {} : { native: under }) };
}

function fileOf(content: unknown, type: string): Attachment {
  const name = textField(content, 'filename');
  const mimeType = (textField(content, 'mime_type') ?? 'application/octet-stream').split(';', 1)[0]?.trim() ?? '';
  return {
    native: idOf(content, 'id'),
    mimeType: /^[\w.+-]+\/[\w.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream',
    name: (name ?? (field(content, 'voice') === true ? 'voice message' : type)).slice(0, 255),
  };
}

function placeOf(content: unknown): string {
  const [latitude, longitude] = [field(content, 'latitude'), field(content, 'longitude')];
  if (typeof latitude !== 'number' || typeof longitude !== 'number') throw new Malformed('a place without coordinates');
  const words = [textField(content, 'name'), textField(content, 'address'), `${latitude}, ${longitude}`];
  return `[location] ${words.filter((each) => each !== undefined && each !== '').join('; ')}`;
}

function contactOf(contact: unknown): string {
  const name = textField(field(contact, 'name'), 'formatted_name') ?? 'unnamed';
  const phones = listOf(field(contact, 'phones')).map((phone) => textField(phone, 'phone') ?? '');
  return `[contact] ${[name, ...phones.filter((phone) => phone !== '')].join(', ')}`;
}

function statusOf(status: unknown): Status {
  const [error] = listOf(field(status, 'errors'));
  const code = field(error, 'code');
  const words = textField(field(error, 'error_data'), 'details') ?? textField(error, 'title') ?? 'no reason was given';
  return {
    id: idOf(status, 'id'),
    status: textField(status, 'status') ?? '',
    callback: textField(status, 'biz_opaque_callback_data') ?? null,
    error: typeof code === 'number' ? { code, words: words.slice(0, 300) } : null,
  };
}

function idOf(value: unknown, name: string): string {
  const id = textField(value, name);
  if (id !== undefined && id !== '' && id.length <= maxId && /^[\u0021-\u007e]+$/.test(id)) return id;
  throw new Malformed(`something without a usable ${name}`);
}

function textOf(value: unknown, name: string): string {
  const text = textField(value, name);
  if (text === undefined) throw new Malformed(`a message without its ${name}`);
  return text;
}
