/**
 * What Discord tells, translated once. Everything here comes from outside: ids are checked before use, a shape nobody
 * foresaw is malformed, and nothing is ever executed or compiled from it.
 */
import type {
  APIMessage,
  APIUser,
  GatewayMessageReactionAddDispatchData,
  GatewayMessageReactionRemoveDispatchData,
} from 'discord-api-types/v10';
import type { Attachment, ConversationRef } from '../../../core/message.ts';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import { interactionText } from './interaction-id.ts';
import { placeOf } from './places.ts';
import type { Place } from './places.ts';
import { isSnowflake, timeOfSnowflake } from './snowflake.ts';

const maxDisplay = 128;
const maxQuoted = 4000;

/** Who we are on the platform, from `/users/@me`. */
export interface BotIdentity {
  id: string;
  username: string;
}

export interface InboundContext {
  account: string;
  me: BotIdentity;
}

/** A message as the gateway and the API tell it; only the gateway tells the guild. */
export type ToldMessage = APIMessage & { guild_id?: string; member?: { nick?: string | null } };

export class Malformed extends Error {}

/** Null for what nobody said: joins, pins, boosts, calls, and whatever we wrote ourselves. */
export function messageEvent(message: ToldMessage, place: Place, context: InboundContext): InboundEvent | null {
  const native = idOf(message.id, 'id');
  return saidBy(message, place, context, {
    dedupe: `message:${native}`,
    kind: 'message',
    occurredAt: timeOfSnowflake(native),
  });
}

/** Null as well when Discord only added a preview. */
export function editEvent(message: ToldMessage, place: Place, context: InboundContext): InboundEvent | null {
  const edited = message.edited_timestamp;
  if (typeof edited !== 'string' || message.author === undefined) return null;
  const occurredAt = Date.parse(edited);
  if (Number.isNaN(occurredAt)) throw new Malformed('edited_timestamp is not a time');
  return saidBy(message, place, context, {
    dedupe: `edit:${idOf(message.id, 'id')}:${occurredAt}`,
    kind: 'edit',
    occurredAt,
  });
}

/** Default, reply; the rest is written by the platform. https://discord.com/developers/docs/resources/message#message-object-message-types */
const writtenTypes: ReadonlySet<number> = new Set([0, 19]);

function saidBy(
  message: ToldMessage,
  place: Place,
  context: InboundContext,
  fact: Pick<InboundEvent, 'dedupe' | 'kind' | 'occurredAt'>,
): InboundEvent | null {
  const { author, member } = message;
  const { me } = context;
  const sender = senderOf(author, member?.nick, message.webhook_id !== undefined);
  if (sender.native === me.id || !writtenTypes.has(message.type)) return null;
  const attachments = (message.attachments ?? []).map(attachmentOf);
  const content = contentOf(message);
  if (content === '' && attachments.length === 0) return null;
  const { text, addressed } = readText(content, message.mentions ?? [], me);
  const toUs = message.referenced_message?.author.id === me.id;
  return {
    ...fact,
    conversation: conversationOf(message.channel_id, context),
    native: idOf(message.id, 'id'),
    sender,
    chat: chatOf(place, addressed || toUs),
    text,
    attachments,
    ...quoteOf(message, me),
    ...(message.message_snapshots === undefined ? {} : { forwarded: true }),
  };
}

function quoteOf({ referenced_message: to }: ToldMessage, me: BotIdentity): Pick<InboundEvent, 'quote'> {
  if (!to || typeof to.content !== 'string') return {};
  const name = to.author.global_name ?? to.author.username;
  return { quote: { author: to.author.id === me.id ? 'you' : name.slice(0, maxDisplay), text: to.content } };
}

/** What was said, with words in place of what has none. */
function contentOf(message: APIMessage): string {
  const { content, sticker_items: stickers, poll, message_snapshots: forwarded } = message;
  if (typeof content !== 'string') throw new Malformed('content is not a string');
  const more = [
    ...(stickers ?? []).map(({ name }) => `[sticker ${name}]`),
    ...(poll?.question.text === undefined ? [] : [`[poll ${poll.question.text}]`]),
    ...(forwarded ?? []).map((one) => `[forwarded] ${one.message.content.slice(0, maxQuoted)}`),
  ];
  return [content, ...more].filter((piece) => piece !== '').join('\n');
}

/**
 * The text without a mention of us at its begin, which only served to address us; other mentions say the name in place
 * of a number. `addressed` holds for a mention of us anywhere, but not for `@everyone` and roles.
 */
export function readText(
  original: string,
  mentions: readonly Pick<APIUser, 'id' | 'username' | 'global_name'>[],
  me: BotIdentity,
): { text: string; addressed: boolean } {
  const names = new Map(mentions.map((user) => [user.id, user.global_name ?? user.username]));
  const ours = new RegExp(`<@!?${me.id}>`);
  const addressed = ours.test(original) || names.has(me.id);
  const lead = new RegExp(`^\\s*(?:<@!?${me.id}>[\\s,:]*)+`);
  // A bare mention stays: it is all that was said.
  const rest = original.replace(lead, '') || original;
  const text = rest.replaceAll(/<@!?(\d{1,20})>/g, (whole, id: string) => {
    const name = id === me.id ? me.username : names.get(id);
    return name === undefined ? whole : `@${name.slice(0, maxDisplay)}`;
  });
  return { text: text.trim(), addressed };
}

/** `seq` and the session make the fact one of its own: a reaction can be given, taken back and given again. */
export function reactionEvent(
  reaction: GatewayMessageReactionAddDispatchData | GatewayMessageReactionRemoveDispatchData,
  { given, session, seq, now }: { given: boolean; session: string; seq: number; now: number },
  place: Place,
  context: InboundContext,
): InboundEvent | null {
  const by = idOf(reaction.user_id, 'user_id');
  if (by === context.me.id) return null;
  const member = 'member' in reaction ? reaction.member : undefined;
  const { name, id } = reaction.emoji;
  const emoji = id ? `:${name ?? id}:` : (name ?? '');
  const display = member?.nick ?? member?.user?.global_name ?? member?.user?.username ?? by;
  const toUs = 'message_author_id' in reaction && reaction.message_author_id === context.me.id;
  return {
    dedupe: `reaction:${session}:${seq}`,
    kind: 'reaction',
    conversation: conversationOf(reaction.channel_id, context),
    native: idOf(reaction.message_id, 'message_id'),
    sender: { native: by, display: display.slice(0, maxDisplay), isBot: member?.user?.bot === true },
    chat: chatOf(place, toUs),
    text: given ? emoji.slice(0, maxDisplay) : '',
    attachments: [],
    occurredAt: now,
  };
}

/** What is read of an interaction. */
export interface ToldInteraction {
  id: string;
  application_id: string;
  token: string;
  type: number;
  guild_id?: string;
  channel?: { id?: unknown; parent_id?: unknown; name?: unknown };
  member?: { nick?: string | null; user?: APIUser };
  user?: APIUser;
  locale?: string;
  data?: { name?: unknown; custom_id?: unknown; options?: { value?: string | number | boolean }[] };
  message?: { id?: unknown };
}

/** A command of the menu becomes `/name argument`, a button its command. Null for what we never offered. */
export function interactionEvent(interaction: ToldInteraction, context: InboundContext): InboundEvent | null {
  const id = idOf(interaction.id, 'id');
  const said = wordsOf(interaction);
  if (said === null) return null;
  const { locale = '' } = interaction;
  const user = interaction.member?.user ?? interaction.user;
  const application = idOf(interaction.application_id, 'application_id');
  return {
    dedupe: `interaction:${id}`,
    kind: said.kind,
    conversation: conversationOf(interaction.channel?.id, context),
    native: said.native ?? interactionText({ application, id, token: interaction.token }),
    sender: senderOf(user, interaction.member?.nick, false),
    chat: chatOf(placeOf(interaction.channel ?? {}, interaction.guild_id), true),
    text: said.text,
    attachments: [],
    ...(/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(locale) ? { language: locale } : {}),
    occurredAt: timeOfSnowflake(id),
  };
}

/** https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-type */
export const interactionType = { command: 2, component: 3 } as const;

interface Said {
  kind: 'message' | 'action';
  text: string;
  /** Of the message the button stands under. */
  native: string | null;
}

function wordsOf({ type, data, message }: ToldInteraction): Said | null {
  if (type === interactionType.command) {
    if (typeof data?.name !== 'string') throw new Malformed('a command without a name');
    const values = (data.options ?? []).flatMap(({ value }) => (value === undefined ? [] : String(value)));
    return { kind: 'message', text: [`/${data.name}`, ...values].join(' '), native: null };
  }
  if (type !== interactionType.component) return null;
  if (typeof data?.custom_id !== 'string') throw new Malformed('a button without an id');
  return { kind: 'action', text: data.custom_id, native: idOf(message?.id, 'message') };
}

function attachmentOf({ url, content_type, size, filename }: APIMessage['attachments'][number]): Attachment {
  return {
    native: url,
    mimeType: content_type ?? 'application/octet-stream',
    ...(Number.isSafeInteger(size) ? { size } : {}),
    ...(typeof filename === 'string' ? { name: filename.slice(0, maxDisplay) } : {}),
  };
}

function senderOf(user: APIUser | undefined, nick: string | null | undefined, hook: boolean): InboundEvent['sender'] {
  const native = idOf(user?.id, 'author');
  const display = nick ?? user?.global_name ?? user?.username ?? native;
  return { native, display: display.slice(0, maxDisplay), isBot: hook || user?.bot === true };
}

const conversationOf = (channel: unknown, { account }: InboundContext): ConversationRef => ({
  channel: 'discord',
  account,
  native: idOf(channel, 'channel_id'),
});

function chatOf({ guild, parent, title }: Place, addressed: boolean): InboundEvent['chat'] {
  if (guild === null) return { type: 'direct', addressed: true };
  const parents = parent === null ? [guild] : [parent, guild];
  return { type: 'group', addressed, parents, ...(title === null ? {} : { title }) };
}

function idOf(value: unknown, name: string): string {
  if (!isSnowflake(value)) throw new Malformed(`${name} is not an id`);
  return value;
}
