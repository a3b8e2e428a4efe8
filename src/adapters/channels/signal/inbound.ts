/**
 * What signal-cli tells, translated once. Everything here comes from outside: a shape nobody foresaw is malformed, and
 * nothing is ever executed or compiled from it.
 */
import type { Attachment, ConversationRef } from '../../../core/message.ts';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import { countField, field, textField } from '../json-http.ts';

const maxDisplay = 128;

export interface InboundContext {
  account: string;
  /** `+491701234567` */
  number: string;
  /** Our account id, once known. */
  aci: string | null;
  /** Numbers that are listed: those people are known by number, all others by their account id. */
  listed: ReadonlySet<string>;
}

/** `event: null` is nothing to act on: a receipt, typing, what we said on another device. */
export type Translated = { ok: true; event: InboundEvent | null } | { ok: false; detail: string };

const nothing: Translated = { ok: true, event: null };

export function translate(told: unknown, context: InboundContext): Translated {
  const envelope = field(told, 'envelope');
  if (envelope === undefined) return { ok: false, detail: 'an event without an envelope' };
  const account = textField(told, 'account');
  if (account !== undefined && account !== context.number && account !== context.aci) return nothing;
  const edit = field(envelope, 'editMessage');
  const data = field(edit, 'dataMessage') ?? field(envelope, 'dataMessage');
  if (typeof data !== 'object' || data === null) return nothing;
  const author = authorOf(envelope);
  const timestamp = countField(data, 'timestamp') ?? countField(envelope, 'timestamp');
  if (author === null || timestamp === undefined) return { ok: false, detail: 'a message without author or time' };
  if (isOurs(author, context)) return nothing;
  const { groupId, title } = groupOf(data);
  const sender = idOf(author, context);
  const conversation: ConversationRef = { channel: 'signal', account: context.account, native: groupId ?? sender };
  const base = {
    conversation,
    sender: {
      native: sender,
      display: (textField(envelope, 'sourceName') ?? sender).slice(0, maxDisplay),
      isBot: false,
    },
    attachments: [],
    occurredAt: timestamp,
  };
  // Who wrote and when is what Signal itself tells messages apart by.
  const key = `${author.uuid ?? author.number}:${timestamp}`;
  const reaction = field(data, 'reaction');
  if (typeof reaction === 'object' && reaction !== null)
    return reactionEvent(reaction, key, base, { groupId, title }, context);
  if (field(data, 'remoteDelete') !== undefined && field(data, 'remoteDelete') !== null) return nothing;
  const attachments = attachmentsOf(data, conversation.native);
  const said = textOf(data, attachments.length > 0);
  if (said === null) return nothing;
  const { text, addressed } = readText(said, data, context);
  const target = countField(edit, 'targetSentTimestamp');
  const event: InboundEvent = {
    ...base,
    dedupe: edit === undefined ? `message:${key}` : `edit:${key}:${target}`,
    kind: edit === undefined ? 'message' : 'edit',
    native: nativeOf(target ?? timestamp, sender),
    chat: groupId === null ? { type: 'direct', addressed: true } : { type: 'group', addressed, ...title },
    text,
    attachments,
    ...quoteOf(data, context),
  };
  return { ok: true, event };
}

function quoteOf(data: object, context: InboundContext): Pick<InboundEvent, 'quote'> {
  const quote = field(data, 'quote');
  const text = textField(quote, 'text');
  if (text === undefined) return {};
  const author = quoted(quote);
  const name = isOurs(author, context) ? 'you' : (author.number ?? author.uuid ?? '');
  return { quote: { author: name, text } };
}

const quoted = (quote: unknown): Author => ({
  number: textField(quote, 'authorNumber') ?? textField(quote, 'author'),
  uuid: textField(quote, 'authorUuid'),
});

type Base = Pick<InboundEvent, 'conversation' | 'sender' | 'attachments' | 'occurredAt'>;
type Group = { groupId: string | null; title: { title?: string } };

function reactionEvent(reaction: object, key: string, base: Base, group: Group, context: InboundContext): Translated {
  const emoji = textField(reaction, 'emoji');
  const target = countField(reaction, 'targetSentTimestamp');
  if (emoji === undefined || target === undefined) return { ok: false, detail: 'a reaction to nothing' };
  const author = {
    number: textField(reaction, 'targetAuthorNumber') ?? textField(reaction, 'targetAuthor'),
    uuid: textField(reaction, 'targetAuthorUuid'),
  };
  const toUs = isOurs(author, context);
  const event: InboundEvent = {
    ...base,
    dedupe: `reaction:${key}`,
    kind: 'reaction',
    native: toUs ? String(target) : nativeOf(target, author.uuid ?? author.number ?? ''),
    chat:
      group.groupId === null ? { type: 'direct', addressed: true } : { type: 'group', addressed: toUs, ...group.title },
    text: field(reaction, 'isRemove') === true ? '' : emoji.slice(0, 64),
  };
  return { ok: true, event };
}

interface Author {
  number?: string | undefined;
  uuid?: string | undefined;
}

function authorOf(envelope: unknown): Author | null {
  const source = textField(envelope, 'source');
  const number = textField(envelope, 'sourceNumber') ?? (isNumber(source) ? source : undefined);
  const uuid = textField(envelope, 'sourceUuid') ?? (isNumber(source) ? undefined : source);
  return isNumber(number) || isUuid(uuid) ? { number, uuid } : null;
}

/** Signal shows numbers only of some people; the account id is always the same, but nobody knows theirs. */
const idOf = ({ number, uuid }: Author, { listed }: InboundContext): string =>
  (number !== undefined && listed.has(number) ? number : (uuid ?? number)) ?? '';

const isOurs = ({ number, uuid }: Author, context: InboundContext): boolean =>
  number === context.number || (uuid !== undefined && uuid === context.aci);

/** What an answer has to name: when, and by whom. Of our own messages the time is enough. */
const nativeOf = (timestamp: number, author: string): string => `${timestamp}:${author}`;

/** Null when nothing was said: a timer was set, a call was made, a group changed. */
function textOf(data: object, hasFiles: boolean): string | null {
  const message = textField(data, 'message');
  if (message !== undefined && message !== '') return message;
  if (hasFiles) return '[file]';
  if (isThere(field(data, 'sticker')))
    return `[sticker ${textField(field(data, 'sticker'), 'emoji') ?? ''}]`.replace(' ]', ']');
  const contacts = field(data, 'contacts');
  return Array.isArray(contacts) && contacts.length > 0 ? '[contact]' : null;
}

/** Signal writes this sign where a mention stands. */
const placeholder = '\ufffc';

function readText(said: string, data: object, context: InboundContext): { text: string; addressed: boolean } {
  const found = field(data, 'mentions');
  const mentions = (Array.isArray(found) ? found : [])
    .map((mention: unknown) => ({
      start: countField(mention, 'start') ?? -1,
      length: countField(mention, 'length') ?? 0,
      author: { number: textField(mention, 'number'), uuid: textField(mention, 'uuid') },
      name: textField(mention, 'name') ?? '',
    }))
    .filter(({ start, length }) => start >= 0 && length > 0 && start + length <= said.length)
    .sort((a, b) => b.start - a.start);
  let text = said;
  let addressed = false;
  for (const { start, length, author, name } of mentions) {
    const ours = isOurs(author, context);
    addressed ||= ours;
    const after = text.slice(start + length);
    // Where we are only called, our name is no part of what is said.
    const isCall = ours && text.slice(0, start).trim() === '' && after.trim() !== '';
    text = isCall ? after.replace(/^[\s,:]+/, '') : `${text.slice(0, start)}@${name.slice(0, maxDisplay)}${after}`;
  }
  const quote = field(data, 'quote');
  const command = /^\/[a-z0-9_]{1,32}(?=\s|$)/i.test(text);
  return {
    text: text.replaceAll(placeholder, ''),
    addressed: addressed || command || (isThere(quote) && isOurs(quoted(quote), context)),
  };
}

function attachmentsOf(data: object, place: string): Attachment[] {
  const found = field(data, 'attachments');
  return (Array.isArray(found) ? found : []).flatMap((file: unknown) => {
    const id = textField(file, 'id');
    const mimeType = textField(file, 'contentType');
    const size = countField(file, 'size');
    const name = textField(file, 'filename');
    if (id === undefined || id === '' || id.length > 256) return [];
    return {
      // The daemon wants to know where it came from, too.
      native: `${encodeURIComponent(id)} ${place}`,
      mimeType: mimeType !== undefined && /^[\w.+-]+\/[\w.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream',
      ...(size === undefined ? {} : { size }),
      ...(name === undefined ? {} : { name: name.slice(0, maxDisplay) }),
    };
  });
}

function groupOf(data: object): Group {
  const group = field(data, 'groupInfo') ?? field(data, 'groupV2');
  const groupId = textField(group, 'groupId') ?? textField(group, 'id') ?? null;
  const title = textField(group, 'groupName') ?? textField(group, 'name');
  return { groupId, title: title === undefined ? {} : { title: title.slice(0, maxDisplay) } };
}

const isThere = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** E.164 */
export const isNumber = (id: string | undefined): boolean => id !== undefined && /^\+[1-9]\d{4,14}$/.test(id);

export const isUuid = (id: string | undefined): boolean =>
  id !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);

/** The Base64 of at least 16 bytes. */
export const isGroupId = (id: string): boolean => /^[A-Za-z0-9+/]{20,86}={0,2}$/.test(id) && !isNumber(id);
