/**
 * What Telegram tells, translated once. Everything here comes from outside: ids are checked before use, a shape nobody
 * foresaw is malformed, and nothing is ever executed or compiled from it.
 */
import type {
  CallbackQuery,
  ChatMemberUpdated,
  Message,
  MessageEntity,
  MessageReactionUpdated,
  Update,
  UserFromGetMe,
} from '@grammyjs/types';
import type { ConversationRef } from '../../../core/message.ts';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import { attachmentsOf, placeholderOf } from './attachments.ts';

const maxDisplay = 128;

/** What is asked of `getUpdates`, always in full: the server remembers the last list otherwise. */
export const allowedUpdates = [
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'callback_query',
  'message_reaction',
  'my_chat_member',
] as const satisfies (keyof Update)[];

/** Who we are on the platform, from `getMe`. */
export type BotIdentity = Pick<UserFromGetMe, 'id'> &
  // Every bot of Telegram's has both; Bot API servers of others may leave them out.
  Partial<Pick<UserFromGetMe, 'username' | 'can_read_all_group_messages'>>;

export interface InboundContext {
  account: string;
  me: BotIdentity;
  /** Milliseconds since the epoch, for events that carry no time of their own. */
  now: number;
}

/**
 * `event: null` is an update that holds nothing to act on, such as a pinned message. `album` names the album that the
 * event is a part of; its text is then empty without a caption.
 */
export type Translated = { ok: true; event: InboundEvent | null; album: string | null } | { ok: false; detail: string };

class Malformed extends Error {}

export function translate(update: Update, context: InboundContext): Translated {
  try {
    const event = eventOf(update, context);
    return { ok: true, event, album: event === null ? null : albumOf(update) };
  } catch (error) {
    // A TypeError is a field that is not what the Bot API says it is.
    if (error instanceof Malformed || error instanceof TypeError) return { ok: false, detail: error.message };
    throw error;
  }
}

function eventOf(update: Update, context: InboundContext): InboundEvent | null {
  const message = update.message ?? update.channel_post;
  if (message) return messageEvent(message, update.update_id, context);
  const edited = update.edited_message ?? update.edited_channel_post;
  if (edited) return editEvent(edited, update.update_id, context);
  if (update.callback_query) return actionEvent(update.callback_query, context);
  if (update.message_reaction) return reactionEvent(update.message_reaction, update.update_id, context);
  if (update.my_chat_member) return memberEvent(update.my_chat_member, update.update_id, context);
  const kinds = Object.keys(update).filter((key) => key !== 'update_id');
  throw new Malformed(`unknown kind of update: ${kinds.join(', ').slice(0, 100) || 'none'}`);
}

function albumOf({ message, channel_post: post }: Update): string | null {
  const { chat, media_group_id: id } = message ?? post ?? {};
  return typeof id !== 'string' || id === '' ? null : `${chat?.id}:${id.slice(0, 64)}`;
}

const callbackPrefix = 'action:';

/** The id by which Telegram wants to hear that a pressed button was noticed; null for what is no such event. */
export const callbackIdOf = ({ kind, dedupe }: InboundEvent): string | null =>
  kind === 'action' ? dedupe.slice(callbackPrefix.length) : null;

function messageEvent(message: Message, updateId: number, context: InboundContext): InboundEvent | null {
  const conversation = conversationOf(message, context);
  const native = idOf(message.message_id, 'message_id');
  if (message.migrate_to_chat_id !== undefined) {
    const movedTo = idOf(message.migrate_to_chat_id, 'migrate_to_chat_id');
    return {
      ...base(message, conversation, native),
      // The chat's id and nothing else names this fact; the new chat tells it too, and both are one.
      dedupe: `migrate:${conversation.native}:${movedTo}`,
      kind: 'lifecycle',
      text: `The group became a supergroup with the id ${movedTo}.`,
      movedTo,
    };
  }
  const content = contentOf(message, context);
  if (content === null) return null;
  return {
    ...base(message, conversation, native),
    // By message, not by update: Telegram may repeat one under another update_id, and begins these ids anew at random
    // after a week without updates. In private chats every bot counts for itself. 0 is no id.
    dedupe:
      native === '0'
        ? `update:${updateId}:${message.date}`
        : `message:${context.me.id}:${conversation.native}:${native}`,
    kind: 'message',
    ...content,
    ...(message.forward_origin === undefined ? {} : { forwarded: true }),
  };
}

function editEvent(message: Message, updateId: number, context: InboundContext): InboundEvent | null {
  // A live location is told anew every few seconds, for hours; nobody wrote anything.
  if (message.location !== undefined) return null;
  const conversation = conversationOf(message, context);
  const native = idOf(message.message_id, 'message_id');
  const content = contentOf(message, context);
  if (content === null) return null;
  return {
    ...base(message, conversation, native),
    dedupe: `edit:${conversation.native}:${native}:${updateId}:${message.edit_date}`,
    kind: 'edit',
    ...content,
    occurredAt: timeOf(message.edit_date ?? message.date),
  };
}

function actionEvent(query: CallbackQuery, context: InboundContext): InboundEvent | null {
  if (!query.message) return null; // A button under an inline result: there is no chat to answer in.
  return {
    dedupe: `${callbackPrefix}${query.id}`,
    kind: 'action',
    conversation: conversationOf(query.message, context),
    native: idOf(query.message.message_id, 'message_id'),
    sender: senderOf(query.from),
    chat: chatOf(query.message.chat, true),
    text: query.data ?? '',
    attachments: [],
    ...languageOf(query.from),
    occurredAt: context.now,
  };
}

function reactionEvent(reaction: MessageReactionUpdated, updateId: number, context: InboundContext): InboundEvent {
  const actor = reaction.actor_chat ?? reaction.user;
  return {
    dedupe: `reaction:${updateId}:${reaction.date}`,
    kind: 'reaction',
    conversation: conversationOf(reaction, context),
    native: idOf(reaction.message_id, 'message_id'),
    sender: senderOf(actor),
    chat: chatOf(reaction.chat, false),
    text: reaction.new_reaction.map((type) => (type.type === 'emoji' ? type.emoji : `[${type.type}]`)).join(''),
    attachments: [],
    occurredAt: timeOf(reaction.date),
  };
}

function memberEvent(change: ChatMemberUpdated, updateId: number, context: InboundContext): InboundEvent {
  return {
    dedupe: `member:${updateId}:${change.date}`,
    kind: 'lifecycle',
    conversation: conversationOf(change, context),
    native: '0',
    sender: senderOf(change.from),
    chat: chatOf(change.chat, false),
    text: `The bot is now ${change.new_chat_member.status} here.`,
    attachments: [],
    occurredAt: timeOf(change.date),
  };
}

function base(message: Message, conversation: ConversationRef, native: string): Omit<InboundEvent, 'dedupe' | 'kind'> {
  return {
    conversation,
    native,
    sender: messageSender(message),
    chat: chatOf(message.chat, false),
    text: '',
    attachments: [],
    ...languageOf(message.from),
    occurredAt: timeOf(message.date),
  };
}

type Content = Pick<InboundEvent, 'text' | 'attachments' | 'chat' | 'quote'>;

/** Null for a service message. */
function contentOf(message: Message, { me }: InboundContext): Content | null {
  const attachments = attachmentsOf(message);
  const inAlbum = message.media_group_id !== undefined && attachments.length > 0;
  const original = message.text ?? message.caption ?? (inAlbum ? '' : placeholderOf(message, attachments));
  if (original === null) return null;
  if (typeof original !== 'string') throw new Malformed('text is not a string');
  const entities = message.text === undefined ? message.caption_entities : message.entities;
  const { text, addressed } = readText(original, Array.isArray(entities) ? entities : mentionsIn(original), me);
  const toUs = message.reply_to_message?.from?.id === me.id && !message.reply_to_message.forum_topic_created;
  return { text, attachments, chat: chatOf(message.chat, addressed || toUs), ...quoteOf(message, me) };
}

/** Telegram itself always marks mentions; Bot API servers of others may leave that out with all entities. */
const mentionsIn = (text: string): MessageEntity[] =>
  Array.from(text.matchAll(/(?<![\w.@/-])@\w{1,64}/g), ({ index, 0: { length } }) => ({
    type: 'mention',
    offset: index,
    length,
  }));

/** What is replied to: the part that was chosen, else all of it. */
function quoteOf({ reply_to_message: to, quote }: Message, me: BotIdentity): Pick<InboundEvent, 'quote'> {
  const text: unknown = quote?.text ?? to?.text ?? to?.caption;
  if (to === undefined || typeof text !== 'string') return {};
  return { quote: { author: to.from?.id === me.id ? 'you' : messageSender(to).display, text } };
}

/**
 * The text without what only served to address us: a leading @mention, or `@us` after a command. `addressed` holds for
 * a mention of exactly our name anywhere, and for a command unless it names another bot.
 */
export function readText(
  original: string,
  entities: readonly MessageEntity[],
  me: BotIdentity,
): { text: string; addressed: boolean } {
  const name = me.username === undefined ? null : `@${me.username}`.toLowerCase();
  let text = original;
  let addressed = false;
  for (const entity of entities) {
    const { offset, length } = entity;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) continue;
    if (offset < 0 || length <= 0 || offset + length > original.length) continue;
    const named =
      entity.type === 'text_mention'
        ? entity.user?.id === me.id
        : entity.type === 'mention' && original.slice(offset, offset + length).toLowerCase() === name;
    if (!named) continue;
    addressed = true;
    if (original.slice(0, offset).trim() === '') {
      // A bare mention stays: it is all that was said.
      text = original.slice(offset + length).replace(/^[\s,:]+/, '') || original;
    }
  }
  const command = /^\/[a-z0-9_]{1,32}(@[a-z0-9_]{1,64})?(?=\s|$)/i.exec(text);
  const to = command?.[1];
  if (command !== null && to?.toLowerCase() === name) {
    text = command[0].slice(0, -to.length) + text.slice(command[0].length);
  }
  return { text, addressed: addressed || (command !== null && (to === undefined || to.toLowerCase() === name)) };
}

/** A person, a bot or a chat that speaks. */
interface Actor {
  id: number;
  first_name?: string | undefined;
  last_name?: string | undefined;
  username?: string | undefined;
  title?: string | undefined;
  is_bot?: boolean | undefined;
  language_code?: string | undefined;
}

function messageSender(message: Message): InboundEvent['sender'] {
  // On behalf of a chat (anonymous admins, channels) `from` is a stand-in that many share; the chat is who speaks.
  if (message.sender_chat) {
    return { ...senderOf(message.sender_chat), isBot: message.is_automatic_forward === true };
  }
  return senderOf(message.from ?? message.chat);
}

function senderOf(actor: Actor | undefined): InboundEvent['sender'] {
  const native = idOf(actor?.id, 'sender');
  const names = [actor?.first_name, actor?.last_name].filter((name) => typeof name === 'string' && name !== '');
  const display = names.join(' ') || actor?.title || actor?.username || native;
  return { native, display: display.slice(0, maxDisplay), isBot: actor?.is_bot === true };
}

function languageOf(actor: Actor | undefined): { language?: string } {
  const language = actor?.language_code;
  return typeof language === 'string' && /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(language) ? { language } : {};
}

type Place = Pick<Message, 'chat'> &
  Partial<Pick<Message, 'is_topic_message' | 'message_thread_id' | 'reply_to_message'>>;

function conversationOf(place: Place, { account }: InboundContext): ConversationRef {
  const native = idOf(place.chat?.id, 'chat');
  const thread = isInTopic(place) ? idOf(place.message_thread_id, 'message_thread_id') : null;
  return { channel: 'telegram', account, native, ...(thread === null ? {} : { thread }) };
}

/**
 * Replies outside of topics carry a message_thread_id, too; only a topic is a place of its own. Telegram itself says so;
 * where a Bot API server of others does not, what is no reply can only be in a topic.
 */
function isInTopic({ chat, is_topic_message, message_thread_id, reply_to_message }: Place): boolean {
  if (is_topic_message === true) return true;
  const hasTopics = chat.is_forum === true || chat.type === 'private';
  return hasTopics && message_thread_id !== undefined && reply_to_message === undefined;
}

function chatOf(chat: Message['chat'], addressed: boolean): InboundEvent['chat'] {
  if (chat.type === 'private') return { type: 'direct', addressed: true };
  const { title } = chat;
  return { type: 'group', addressed, ...(typeof title === 'string' ? { title: title.slice(0, maxDisplay) } : {}) };
}

function idOf(value: unknown, name: string): string {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new Malformed(`${name} is not an id`);
  return String(value);
}

function timeOf(seconds: unknown): number {
  if (typeof seconds !== 'number' || !Number.isSafeInteger(seconds * 1000)) throw new Malformed('date is not a time');
  return seconds * 1000;
}
