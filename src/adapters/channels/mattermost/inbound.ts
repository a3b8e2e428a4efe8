/**
 * What the server tells of posts, edits and reactions, translated once. Everything here comes from outside: ids are
 * checked before use, a shape nobody foresaw is malformed. https://developers.mattermost.com/integrate/reference/
 */
import type { Attachment, ConversationRef } from '../../../core/message.ts';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import { countField, field, textField } from '../json-http.ts';
import { isId } from './api.ts';

const maxDisplay = 128;

/** A chat as far as it matters here. */
export interface Chat {
  id: string;
  /** `D`: one other person; `G`: several; `O` and `P`: public and private channels. */
  type: string;
  title?: string;
}

export interface InboundContext {
  account: string;
  me: { id: string; username: string };
  chat: Chat;
  author: { name: string; isBot: boolean };
  isOurs: (postId: string) => boolean;
}

/** `event: null` is nothing to act on: our own post, a system message, something deleted. */
export type Translated = { ok: true; event: InboundEvent | null } | { ok: false; detail: string };

export function translatePost(post: unknown, kind: 'message' | 'edit', context: InboundContext): Translated {
  const id = textField(post, 'id') ?? '';
  const author = textField(post, 'user_id') ?? '';
  const message = textField(post, 'message');
  if (!isId(id) || author === '' || message === undefined)
    return { ok: false, detail: 'a post without id, author or text' };
  const isSystem = !['', 'me'].includes(textField(post, 'type') ?? '');
  if (author === context.me.id || isSystem || (countField(post, 'delete_at') ?? 0) > 0)
    return { ok: true, event: null };
  const editedAt = countField(post, 'edit_at') ?? 0;
  // The server tells pins and previews of links as edits, too.
  if (kind === 'edit' && editedAt === 0) return { ok: true, event: null };
  const rootId = textField(post, 'root_id') ?? '';
  const { text, addressed } = readText(message, context.me.username);
  const toUs = rootId !== '' && context.isOurs(rootId);
  const chat = chatOf(context.chat, addressed || toUs);
  const event: InboundEvent = {
    // By post: the same live, read back and after every restart.
    dedupe: kind === 'message' ? `post:${id}` : `edit:${id}:${editedAt}`,
    kind,
    conversation: placeOf(context, threadOf(id, rootId, chat)),
    native: id,
    sender: senderOf(author, context, post),
    chat,
    text,
    attachments: attachmentsOf(post),
    occurredAt: (kind === 'edit' ? editedAt : countField(post, 'create_at')) ?? 0,
  };
  return { ok: true, event };
}

/** `removed`: it was taken back. */
export function translateReaction(reaction: unknown, removed: boolean, context: InboundContext): Translated {
  const post = textField(reaction, 'post_id') ?? '';
  const author = textField(reaction, 'user_id') ?? '';
  const name = textField(reaction, 'emoji_name');
  if (!isId(post) || author === '' || name === undefined)
    return { ok: false, detail: 'a reaction without post or author' };
  if (author === context.me.id) return { ok: true, event: null };
  const at = countField(reaction, 'create_at') ?? 0;
  const event: InboundEvent = {
    dedupe: `reaction:${post}:${author}:${name}:${removed ? 'removed' : 'added'}:${at}`,
    kind: 'reaction',
    conversation: placeOf(context),
    native: post,
    sender: senderOf(author, context, null),
    chat: chatOf(context.chat, context.isOurs(post)),
    text: removed ? '' : (emoji[name] ?? `:${name.slice(0, 60)}:`),
    attachments: [],
    occurredAt: at,
  };
  return { ok: true, event };
}

/** What people judge an answer by; others keep their name. */
const emoji: Record<string, string> = {
  '+1': '👍',
  thumbsup: '👍',
  '-1': '👎',
  thumbsdown: '👎',
  heart: '❤️',
  tada: '🎉',
  white_check_mark: '✅',
  x: '❌',
  eyes: '👀',
  joy: '😂',
};

/**
 * Answers in a channel belong into a thread, so what is said to us there begins one: its follow-ups are the same
 * conversation. In a direct chat people write one below the other.
 */
function threadOf(id: string, rootId: string, chat: InboundEvent['chat']): string | undefined {
  if (isId(rootId)) return rootId;
  return chat.type === 'group' && chat.addressed ? id : undefined;
}

/** The text without a mention at its beginning, and whether we were mentioned by name or given a command. */
function readText(message: string, username: string): { text: string; addressed: boolean } {
  const name = `@${username}`.toLowerCase();
  const lower = message.toLowerCase();
  let addressed = /^\/[a-z0-9_]{1,32}(?=\s|$)/i.test(message.trimStart());
  for (let at = lower.indexOf(name); at !== -1; at = lower.indexOf(name, at + 1)) {
    const ends = !/^(?:[a-z0-9_]|[.-]+[a-z0-9_])/.test(lower.slice(at + name.length));
    if (ends && !/[a-z0-9]/.test(lower[at - 1] ?? '')) addressed = true;
  }
  if (!addressed || !lower.trimStart().startsWith(name)) return { text: message, addressed };
  const rest = message.trimStart().slice(name.length);
  // A bare mention stays: it is all that was said.
  const said = /^[\s,:]/.test(rest) ? rest.replace(/^[\s,:]+/, '') : '';
  return { text: said === '' ? message : said, addressed };
}

function attachmentsOf(post: unknown): Attachment[] {
  const described = field(field(post, 'metadata'), 'files');
  const ids = field(post, 'file_ids');
  const files: unknown[] = Array.isArray(described) ? described : Array.isArray(ids) ? ids.map((id) => ({ id })) : [];
  return files.flatMap((file) => {
    const native = textField(file, 'id');
    const mimeType = textField(file, 'mime_type');
    const size = countField(file, 'size');
    const name = textField(file, 'name');
    if (native === undefined || !isId(native)) return [];
    return {
      native,
      mimeType: mimeType !== undefined && /^[\w.+-]+\/[\w.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream',
      ...(size === undefined ? {} : { size }),
      ...(name === undefined ? {} : { name: name.slice(0, maxDisplay) }),
    };
  });
}

function senderOf(native: string, { author }: InboundContext, post: unknown): InboundEvent['sender'] {
  const props = field(post, 'props');
  const isBot = [field(props, 'from_bot'), field(props, 'from_webhook'), field(props, 'from_plugin')].includes('true');
  return { native, display: (author.name || native).slice(0, maxDisplay), isBot: isBot || author.isBot };
}

function chatOf({ type, title }: Chat, addressed: boolean): InboundEvent['chat'] {
  if (type === 'D') return { type: 'direct', addressed: true };
  return { type: 'group', addressed, ...(title ? { title: title.slice(0, maxDisplay) } : {}) };
}

const placeOf = ({ account, chat }: InboundContext, thread?: string): ConversationRef => ({
  channel: 'mattermost',
  account,
  native: chat.id,
  ...(thread === undefined ? {} : { thread }),
});
