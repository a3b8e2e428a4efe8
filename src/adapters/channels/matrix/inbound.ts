/**
 * What rooms tell, translated once. Everything here comes from outside: a shape nobody foresaw is malformed, and
 * nothing is ever executed or compiled from it. https://spec.matrix.org/latest/client-server-api/#instant-messaging
 */
import type { Attachment, ConversationRef } from '../../../core/message.ts';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import { countField, field, textField } from '../json-http.ts';

const maxDisplay = 128;

/** What is asked of `/sync` and `/messages`; redactions and everything else are never sent. */
export const wantedTypes = ['m.room.message', 'm.room.encrypted', 'm.reaction', 'm.sticker', 'm.room.member'] as const;

export interface InboundContext {
  account: string;
  /** `@bot:example.org` */
  me: string;
  /** How the bot is called in rooms; empty when unknown. */
  myName: string;
  room: { id: string; direct: boolean; title?: string };
  /** Whether an event is a message of ours. */
  isOurs: (eventId: string) => boolean;
  /** How a member is called, when the sync told. */
  nameOf: (user: string) => string | undefined;
}

/** `event: null` is nothing to act on: our own message, a membership, a message nobody here can read. */
export type Translated = { ok: true; event: InboundEvent | null } | { ok: false; detail: string };

export function translate(event: unknown, context: InboundContext): Translated {
  const id = textField(event, 'event_id');
  const sender = textField(event, 'sender');
  const type = textField(event, 'type');
  const content = field(event, 'content');
  if (id === undefined || !isEventId(id)) return { ok: false, detail: 'an event without an id' };
  if (sender === undefined || !isUserId(sender)) return { ok: false, detail: 'an event without a sender' };
  if (sender === context.me || field(event, 'state_key') !== undefined) return { ok: true, event: null };
  const base = {
    // By event id: the same in every sync, every backfill and after every restart.
    dedupe: id,
    sender: { native: sender, display: (context.nameOf(sender) ?? sender).slice(0, maxDisplay), isBot: false },
    attachments: [],
    occurredAt: countField(event, 'origin_server_ts') ?? 0,
  };
  if (type === 'm.reaction') return reaction(content, base, context);
  if (type !== 'm.room.message' && type !== 'm.sticker') return { ok: true, event: null };
  // A redacted message has no content left.
  if (textField(content, 'body') === undefined) return { ok: true, event: null };
  return { ok: true, event: messageEvent(type, id, content, base, context) };
}

/** The event that this one answers or reacts to. */
export function answeredIn(event: unknown): string | undefined {
  const relation = field(field(event, 'content'), 'm.relates_to');
  if (textField(event, 'type') === 'm.reaction') return eventIdOf(relation);
  return field(relation, 'is_falling_back') === true ? undefined : eventIdOf(field(relation, 'm.in_reply_to'));
}

type Base = Pick<InboundEvent, 'dedupe' | 'sender' | 'attachments' | 'occurredAt'>;

function reaction(content: unknown, base: Base, context: InboundContext): Translated {
  const relation = field(content, 'm.relates_to');
  const native = eventIdOf(relation);
  const key = textField(relation, 'key');
  if (native === undefined || key === undefined) return { ok: true, event: null };
  const chat = chatOf(context, context.isOurs(native));
  const event = {
    ...base,
    kind: 'reaction' as const,
    conversation: placeOf(context),
    native,
    chat,
    text: key.slice(0, 64),
  };
  return { ok: true, event };
}

function messageEvent(type: string, id: string, given: unknown, base: Base, context: InboundContext): InboundEvent {
  const relation = field(given, 'm.relates_to');
  const relType = textField(relation, 'rel_type');
  const target = eventIdOf(relation);
  const replaced = relType === 'm.replace' ? target : undefined;
  const content = replaced === undefined ? given : (field(given, 'm.new_content') ?? given);
  const repliedTo = answeredIn({ content: given });
  const isReply = repliedTo !== undefined;
  const msgtype = type === 'm.sticker' ? 'm.image' : (textField(content, 'msgtype') ?? 'm.text');
  const attachments = attachmentsOf(content, msgtype);
  const said = textOf(content, msgtype, attachments.length > 0, isReply);
  const { text, addressed } = readText(said, content, context);
  const toUs = isReply && context.isOurs(repliedTo);
  return {
    ...base,
    kind: replaced === undefined ? 'message' : 'edit',
    conversation: placeOf(context, relType === 'm.thread' ? target : undefined),
    native: replaced ?? id,
    // A notice is what automatons write and must never answer: https://spec.matrix.org/latest/client-server-api/#mnotice
    sender: { ...base.sender, isBot: msgtype === 'm.notice' },
    chat: chatOf(context, addressed || toUs),
    text,
    attachments,
  };
}

function textOf(content: unknown, msgtype: string, hasFile: boolean, isReply: boolean): string {
  const body = textField(content, 'body') ?? '';
  if (msgtype === 'm.location') return `[location ${textField(content, 'geo_uri') ?? body}]`.slice(0, 300);
  const caption = textField(content, 'filename') === undefined ? '' : body;
  // Without `filename` the body of a file is its name, not words: MSC2530, in the spec since 1.10.
  if (['m.image', 'm.file', 'm.audio', 'm.video'].includes(msgtype)) {
    if (!hasFile) return `[${msgtype.slice(2)} ${body}: it is encrypted and cannot be read]`;
    return caption === textField(content, 'filename') || caption === '' ? `[${msgtype.slice(2)}]` : caption;
  }
  const text = isReply ? withoutFallback(body) : body;
  return msgtype === 'm.emote' ? `* ${text}` : text;
}

/** Clients before 1.13 of the spec put what they answer before the text, each line quoted, then an empty line. */
function withoutFallback(body: string): string {
  const lines = body.split('\n');
  const first = lines.findIndex((line) => !line.startsWith('> '));
  return first > 0 && lines[first] === '' ? lines.slice(first + 1).join('\n') : body;
}

/** The text without a mention that only served to address us, and whether we were. */
function readText(
  text: string,
  content: unknown,
  { me, myName }: Pick<InboundContext, 'me' | 'myName'>,
): { text: string; addressed: boolean } {
  const mentioned = field(field(content, 'm.mentions'), 'user_ids');
  const formatted = textField(content, 'formatted_body') ?? '';
  const names = [myName, me, `@${localpart(me)}`, localpart(me)].filter((name) => name !== '');
  const pill = [me, encodeURIComponent(me)].some((id) => formatted.includes(`https://matrix.to/#/${id}"`));
  const named = names.slice(0, 3).some((name) => holdsWord(text, name));
  const command = /^\/[a-z0-9_]{1,32}(?=\s|$)/i.test(text);
  const addressed = (Array.isArray(mentioned) && mentioned.includes(me)) || pill || named || command;
  if (!addressed) return { text, addressed };
  const start = text.trimStart();
  const lead = names.find((name) => start.slice(0, name.length).toLowerCase() === name.toLowerCase());
  if (lead === undefined) return { text, addressed };
  const rest = start.slice(lead.length);
  // A bare mention stays: it is all that was said.
  const said = /^[\s,:]/.test(rest) ? rest.replace(/^[\s,:]+/, '') : '';
  return { text: said === '' ? text : said, addressed };
}

const localpart = (user: string): string => user.slice(1, user.indexOf(':'));

/** Whether `name` stands in `text` as a word of its own, whatever its case. */
function holdsWord(text: string, name: string): boolean {
  const [hay, needle] = [text.toLowerCase(), name.toLowerCase()];
  for (let at = hay.indexOf(needle); at !== -1; at = hay.indexOf(needle, at + 1)) {
    if (!isWordSign(hay[at - 1]) && !isWordSign(hay[at + needle.length])) return true;
  }
  return false;
}

const isWordSign = (sign: string | undefined): boolean => sign !== undefined && /[\p{L}\p{N}_]/u.test(sign);

function attachmentsOf(content: unknown, msgtype: string): Attachment[] {
  const url = textField(content, 'url');
  if (!['m.image', 'm.file', 'm.audio', 'm.video'].includes(msgtype) || url === undefined) return [];
  const info = field(content, 'info');
  const mimeType = textField(info, 'mimetype');
  const size = countField(info, 'size');
  const name = textField(content, 'filename') ?? textField(content, 'body');
  return [
    {
      native: url,
      mimeType: mimeType !== undefined && /^[\w.+-]+\/[\w.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream',
      ...(size === undefined ? {} : { size }),
      ...(name === undefined ? {} : { name: name.slice(0, maxDisplay) }),
    },
  ];
}

function chatOf({ room }: InboundContext, addressed: boolean): InboundEvent['chat'] {
  if (room.direct) return { type: 'direct', addressed: true };
  return { type: 'group', addressed, ...(room.title === undefined ? {} : { title: room.title.slice(0, maxDisplay) }) };
}

const placeOf = ({ account, room }: InboundContext, thread?: string): ConversationRef => ({
  channel: 'matrix',
  account,
  native: room.id,
  ...(thread === undefined ? {} : { thread }),
});

function eventIdOf(relation: unknown): string | undefined {
  const id = textField(relation, 'event_id');
  return id !== undefined && isEventId(id) ? id : undefined;
}

export const isEventId = (id: string): boolean => /^\$[^\s]{1,254}$/.test(id);

export const isUserId = (id: string): boolean => /^@[^\s:]{1,200}:[^\s]{1,253}$/.test(id) && id.length <= 255;

/** `!opaque:server`, since room version 12 without a server. */
export const isRoomId = (id: string): boolean => /^![^\s]{1,254}$/.test(id);
