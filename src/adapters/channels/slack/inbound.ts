/**
 * What Slack tells, translated once. Everything here comes from outside: ids are checked before use, a shape nobody
 * foresaw is malformed, and nothing is ever executed or compiled from it.
 */
import type { Attachment, ConversationRef } from '../../../core/message.ts';
import { interactionPrefix } from '../../../core/ports/channel.ts';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import type {
  CommandPayload,
  Delivery,
  EventPayload,
  InteractionPayload,
  SlackEvent,
  SlackMessage,
} from './deliveries.ts';
import { namedIn, readText } from './text.ts';

const maxDisplay = 128;

/** Who we are in the workspace, from `auth.test`. */
export interface Identity {
  team: string;
  user: string;
  /** Empty where Slack does not tell. */
  bot: string;
  name: string;
}

export interface InboundContext {
  account: string;
  me: Identity;
  known: (id: string) => { name: string; language: string | null } | null;
  /** Whether a thread of a channel is a talk with us: it began with a message to us. */
  isOurThread: (channel: string, thread: string) => boolean;
  /** Names of commands, without the slash. */
  commands: ReadonlySet<string>;
  /** Milliseconds since the epoch, for deliveries that carry no time of their own. */
  now: number;
}

/** `event: null` holds nothing to act on, such as a channel that was renamed or a message of ours. */
export type Translated = { ok: true; event: InboundEvent | null } | { ok: false; detail: string };

class Malformed extends Error {}

export function translate(delivery: Delivery, context: InboundContext): Translated {
  try {
    return { ok: true, event: eventOf(delivery, context) };
  } catch (error) {
    // A TypeError is a field that is not what Slack says it is.
    if (error instanceof Malformed || error instanceof TypeError) return { ok: false, detail: error.message };
    throw error;
  }
}

/** Whose names a reader of this would want to know: people and channels. */
export function namedBy({ type, payload }: Delivery): string[] {
  if (type !== 'event') return [];
  const event = payload.event;
  const message = event?.message ?? event;
  const text = typeof message?.text === 'string' ? message.text : '';
  const channel = event?.channel;
  const place = typeof channel === 'string' && !isDirect(channel) ? channel : undefined;
  const ids = [message?.user ?? event?.user, place, ...namedIn(text)];
  return [...new Set(ids.filter((id) => typeof id === 'string' && isId(id)))].slice(0, 10) as string[];
}

/** Which conversation a delivery belongs to, as Slack's ids; null when it is none that can be read again. */
export function placeOf({ type, payload }: Delivery): { channel: string; thread: string | null; ts: string } | null {
  const event = type === 'event' ? payload.event : null;
  if (event?.type !== 'message' && event?.type !== 'app_mention') return null;
  const { channel, ts, thread_ts: thread } = event;
  if (typeof channel !== 'string' || !isId(channel) || typeof ts !== 'string' || !isTs(ts)) return null;
  return { channel, thread: typeof thread === 'string' && isTs(thread) && thread !== ts ? thread : null, ts };
}

function eventOf(delivery: Delivery, context: InboundContext): InboundEvent | null {
  if (delivery.type === 'command') return commandEvent(delivery.payload, context);
  if (delivery.type === 'interaction') return actionEvent(delivery.payload, context);
  const { event } = delivery.payload;
  if (typeof event !== 'object' || event === null) throw new Malformed('an event without an event');
  switch (event.type) {
    case 'message':
    case 'app_mention':
      return event.subtype === 'message_changed'
        ? editEvent(event, delivery.payload, context)
        : messageEvent(event, context);
    case 'reaction_added':
    case 'reaction_removed':
      return reactionEvent(event, delivery.payload, context);
    case 'member_joined_channel':
      return event.user === context.me.user ? joinedEvent(event, delivery.payload, context) : null;
    default:
      if (typeof event.type !== 'string') throw new Malformed('an event without a type');
      return null;
  }
}

/** Subtypes that are somebody saying something; the others are Slack telling what happened. */
const spoken = new Set([undefined, 'file_share', 'thread_broadcast', 'me_message', 'bot_message']);

function messageEvent(message: SlackMessage, context: InboundContext): InboundEvent | null {
  if (!spoken.has(message.subtype as string | undefined) || message.hidden === true) return null;
  if (isOurs(message, context.me)) return null;
  const channel = idOf(message.channel, 'channel');
  const ts = tsOf(message.ts, 'ts');
  return {
    // By message, not by event: the same message comes as `message` and as `app_mention`, with different event ids.
    dedupe: `message:${context.me.team}:${channel}:${ts}`,
    kind: 'message',
    ...contentOf(message, channel, ts, context),
    native: ts,
    sender: senderOf(message, context),
    ...languageOf(message.user, context),
    occurredAt: timeOf(ts),
  };
}

function editEvent(event: SlackEvent, payload: EventPayload, context: InboundContext): InboundEvent | null {
  const { message, previous_message: before } = event;
  if (typeof message !== 'object' || message === null) throw new Malformed('message_changed without a message');
  // Unfurled links and answers below a message change it, too; only people set `edited`.
  if (message.edited === undefined || message.text === before?.text) return null;
  if (!spoken.has(message.subtype as string | undefined) || isOurs(message, context.me)) return null;
  const channel = idOf(event.channel, 'channel');
  const ts = tsOf(message.ts, 'message.ts');
  return {
    dedupe: eventKey(payload),
    kind: 'edit',
    ...contentOf({ ...message, channel_type: event.channel_type }, channel, ts, context),
    native: ts,
    sender: senderOf(message, context),
    ...languageOf(message.user, context),
    occurredAt: timeOf(tsOf(event.event_ts ?? event.ts ?? ts, 'event_ts')),
  };
}

function reactionEvent(event: SlackEvent, payload: EventPayload, context: InboundContext): InboundEvent | null {
  const { item, user, reaction, type } = event;
  if (item?.type !== 'message' || user === context.me.user) return null;
  const channel = idOf(item.channel, 'item.channel');
  return {
    dedupe: eventKey(payload),
    kind: 'reaction',
    conversation: refOf(channel, undefined, context),
    native: tsOf(item.ts, 'item.ts'),
    sender: senderOf(event, context),
    chat: chatOf(channel, false),
    text: type === 'reaction_removed' ? '' : emojiOf(reaction),
    attachments: [],
    occurredAt: timeOf(tsOf(event.event_ts, 'event_ts')),
  };
}

function joinedEvent(event: SlackEvent, payload: EventPayload, context: InboundContext): InboundEvent {
  const channel = idOf(event.channel, 'channel');
  const by = typeof event.inviter === 'string' ? event.inviter : event.user;
  return {
    dedupe: eventKey(payload),
    kind: 'lifecycle',
    conversation: refOf(channel, undefined, context),
    native: '0',
    sender: senderOf({ user: by }, context),
    chat: chatOf(channel, false),
    text: 'The bot was added to the channel.',
    attachments: [],
    occurredAt: context.now,
  };
}

/**
 * A slash command. One command for all (`/clanker status`) or one for each (`/status`): the first word that is a
 * command of ours becomes one, anything else is a question.
 */
function commandEvent(payload: CommandPayload, context: InboundContext): InboundEvent {
  const trigger = payload.trigger_id;
  if (typeof trigger !== 'string' || trigger === '') throw new Malformed('a command without a trigger_id');
  const channel = idOf(payload.channel_id, 'channel_id');
  const name = typeof payload.command === 'string' ? payload.command.replace(/^\//, '').toLowerCase() : '';
  const said = readText(typeof payload.text === 'string' ? payload.text : '', reading(context)).text;
  const [word = ''] = said.split(/\s/, 1);
  const isWord = context.commands.has(word.replace(/^\//, '').toLowerCase());
  let text = said === '' ? '/help' : said;
  if (context.commands.has(name)) text = `/${name} ${said}`.trim();
  else if (isWord && !word.startsWith('/')) text = `/${said}`;
  return {
    dedupe: `command:${trigger}`,
    kind: 'message',
    conversation: refOf(channel, undefined, context),
    native: commandNative(trigger),
    sender: senderOf({ user: payload.user_id }, context, payload.user_name),
    chat: chatOf(channel, true),
    text,
    attachments: [],
    occurredAt: context.now,
  };
}

/** A slash command is no message; its answer names it all the same, as it may have to go another way. */
export const commandNative = (trigger: string): string => `${interactionPrefix}${trigger}`;

function actionEvent(payload: InteractionPayload, context: InboundContext): InboundEvent | null {
  const [action] = payload.actions ?? [];
  const value = action?.value;
  if (payload.type !== 'block_actions' || typeof value !== 'string') return null;
  const { container, message } = payload;
  const channel = idOf(payload.channel?.id ?? container?.channel_id, 'channel');
  const ts = tsOf(message?.ts ?? container?.message_ts, 'message.ts');
  const thread = message?.thread_ts ?? container?.thread_ts;
  const { trigger_id: trigger, user } = payload;
  return {
    dedupe: `action:${channel}:${ts}:${String(trigger ?? action?.action_ts)}`,
    kind: 'action',
    conversation: refOf(channel, threadOf(channel, ts, thread), context),
    native: ts,
    sender: senderOf({ user: user?.id }, context, user?.username ?? user?.name),
    chat: chatOf(channel, true),
    text: value,
    attachments: [],
    occurredAt: context.now,
  };
}

type Content = Pick<InboundEvent, 'conversation' | 'chat' | 'text' | 'attachments' | 'forwarded'>;

function contentOf(message: SlackMessage, channel: string, ts: string, context: InboundContext): Content {
  const said = message.text ?? '';
  if (typeof said !== 'string') throw new Malformed('text is not a string');
  const { text, mentionsUs, toAnother } = readText(said, reading(context));
  const thread = threadOf(channel, ts, message.thread_ts);
  const attachments = attachmentsOf(message);
  const shared = text === '' ? sharedText(message, context) : '';
  const talking =
    message.parent_user_id === context.me.user ||
    (thread !== undefined && thread !== ts && context.isOurThread(channel, thread));
  const addressed = mentionsUs || message.type === 'app_mention' || (talking && !toAnother);
  return {
    conversation: refOf(channel, thread, context),
    chat: { ...chatOf(channel, addressed, message.channel_type), ...titleOf(channel, context) },
    text: text || shared || (attachments.length > 0 ? '[file]' : ''),
    ...(shared === '' ? {} : { forwarded: true as const }),
    attachments,
  };
}

/** The words of a message that was passed on without a word of one's own. */
function sharedText({ attachments }: SlackMessage, context: InboundContext): string {
  const shared = (attachments ?? []).find((each) => each.is_share === true || each.is_msg_unfurl === true);
  const words = shared?.text ?? shared?.fallback;
  return typeof words === 'string' ? readText(words, reading(context)).text : '';
}

const reading = ({ me, known }: InboundContext): { me: string; nameOf: (id: string) => string | null } => ({
  me: me.user,
  nameOf: (id) => known(id)?.name ?? null,
});

/**
 * In channels every question has its thread: the one it was asked in, or the one that its answer begins. A private
 * chat is one conversation, unless the person opened a thread in it.
 */
function threadOf(channel: string, ts: string, thread: unknown): string | undefined {
  if (thread !== undefined && thread !== null) {
    const root = tsOf(thread, 'thread_ts');
    if (root !== ts || !isDirect(channel)) return root;
  }
  return isDirect(channel) ? undefined : ts;
}

function attachmentsOf({ files }: SlackMessage): Attachment[] {
  return (files ?? []).flatMap(({ id, name, mimetype, size }): Attachment[] =>
    typeof id === 'string' && isId(id)
      ? [
          {
            native: id,
            mimeType: typeof mimetype === 'string' && mimetype !== '' ? mimetype : 'application/octet-stream',
            ...(Number.isSafeInteger(size) ? { size: Number(size) } : {}),
            ...(typeof name === 'string' ? { name: name.slice(0, maxDisplay) } : {}),
          },
        ]
      : [],
  );
}

const isOurs = ({ user, bot_id }: SlackMessage, me: Identity): boolean =>
  user === me.user || (me.bot !== '' && bot_id === me.bot);

function senderOf(
  { user, bot_id: bot }: Pick<SlackMessage, 'user' | 'bot_id'>,
  { known }: InboundContext,
  name?: unknown,
): InboundEvent['sender'] {
  const native = idOf(user ?? bot, 'user');
  const display = known(native)?.name ?? (typeof name === 'string' && name !== '' ? name : native);
  return { native, display: display.slice(0, maxDisplay), isBot: bot !== undefined && bot !== null };
}

function languageOf(user: unknown, { known }: InboundContext): { language?: string } {
  const language = typeof user === 'string' ? known(user)?.language : null;
  return typeof language === 'string' ? { language } : {};
}

function refOf(channel: string, thread: string | undefined, { account }: InboundContext): ConversationRef {
  return { channel: 'slack', account, native: channel, ...(thread === undefined ? {} : { thread }) };
}

function chatOf(channel: string, addressed: boolean, type?: unknown): InboundEvent['chat'] {
  return isDirect(channel) || type === 'im' ? { type: 'direct', addressed: true } : { type: 'group', addressed };
}

function titleOf(channel: string, { known }: InboundContext): { title?: string } {
  const title = isDirect(channel) ? undefined : known(channel)?.name;
  return title === undefined ? {} : { title };
}

function eventKey({ event_id: id }: EventPayload): string {
  if (typeof id !== 'string' || id === '') throw new Malformed('an event without an event_id');
  return `event:${id}`;
}

/** Slack has names for emoji; these few mean the same everywhere. */
const emoji: Record<string, string> = {
  '+1': '👍',
  thumbsup: '👍',
  '-1': '👎',
  thumbsdown: '👎',
  heart: '❤️',
  tada: '🎉',
  eyes: '👀',
  white_check_mark: '✅',
  x: '❌',
  pray: '🙏',
  clap: '👏',
  fire: '🔥',
};

function emojiOf(name: unknown): string {
  if (typeof name !== 'string' || name === '') throw new Malformed('a reaction without a name');
  const [plain = ''] = name.split('::', 1); // What follows is the skin tone.
  return emoji[plain] ?? `:${plain.slice(0, maxDisplay)}:`;
}

const isId = (text: string): boolean => /^[A-Z][A-Z0-9]{1,40}$/.test(text);
export const isTs = (text: string): boolean => /^\d{1,12}\.\d{1,9}$/.test(text);
/** `D…` names a private chat, `C…` and `G…` channels and groups, `U…` and `W…` people. */
export const isDirect = (channel: string): boolean => /^[DUW]/.test(channel);

function idOf(value: unknown, name: string): string {
  if (typeof value !== 'string' || !isId(value)) throw new Malformed(`${name} is not an id`);
  return value;
}

function tsOf(value: unknown, name: string): string {
  if (typeof value !== 'string' || !isTs(value)) throw new Malformed(`${name} is not a ts`);
  return value;
}

const timeOf = (ts: string): number => Math.round(Number(ts) * 1000);
