import type { MintId } from '../../core/ids.ts';
import type { OutboundFile } from '../../core/message.ts';
import { interactionPrefix } from '../../core/ports/channel.ts';
import type { ChannelCapabilities } from '../../core/ports/channel.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { NewOutbound } from '../../core/ports/outbox-store.ts';
import type { Markdown } from '../../core/rich-text.ts';
import { splitRich } from '../../core/split.ts';
import { withRoomForMark } from '../delivery/repeat-mark.ts';
import type { StreamMode } from '../delivery/reply-stream.ts';

/** Replies older than this are not sent any more. */
export const replyMaxAgeMs = 24 * 3_600_000;

/** What the account allows an answer to be. */
export interface ReplyLimits {
  text: ChannelCapabilities['text'];
  files?: ChannelCapabilities['files'];
  stream: StreamMode;
  correlates?: boolean;
  buttons?: boolean;
}

/** What the parts of a text have in common. */
export interface ReplyTemplate extends Omit<NewOutbound, 'id' | 'part' | 'body' | 'idempotencyKey'> {
  key: string;
  /** Every part names what it answers, not only the first. */
  correlates: boolean;
}

/** The outbox rows of a text for one conversation: parsed once, cut once, each part with its stable key. */
export function planParts(
  template: ReplyTemplate,
  markdownText: string,
  limits: ChannelCapabilities['text'],
  deps: { markdown: Markdown; mintId: MintId },
): NewOutbound[] {
  const { key, correlates, ...rest } = template;
  return splitRich(deps.markdown.parse(markdownText), withRoomForMark(limits)).map((body, part) => ({
    ...rest,
    id: deps.mintId('out'),
    idempotencyKey: `${key}:${part}`,
    part,
    body,
    replyTo: part === 0 || correlates ? rest.replyTo : null,
  }));
}

/**
 * A text and files: one file takes a short text as its caption, else the text goes first and each file follows in a
 * message of its own.
 */
export function planMessage(
  template: ReplyTemplate,
  { text, files }: { text: string; files: readonly OutboundFile[] },
  capabilities: Pick<ChannelCapabilities, 'text' | 'files'>,
  deps: { markdown: Markdown; mintId: MintId },
): NewOutbound[] {
  const parts = text.trim() === '' ? [] : planParts(template, text, capabilities.text, deps);
  const { key, correlates, ...rest } = template;
  const [only] = parts;
  const [first] = files;
  const { maxLength, measure = (body) => body.text.length } = capabilities.text;
  const maxCaption = capabilities.files?.maxCaption ?? maxLength;
  if (only !== undefined && first !== undefined && parts.length === 1 && files.length === 1) {
    if (measure(only.body) <= maxCaption) return [{ ...only, body: { ...only.body, file: first } }];
  }
  const carrying = files.map((file, n): NewOutbound => {
    const part = parts.length + n;
    const replyTo = part === 0 || correlates ? rest.replyTo : null;
    const body = { text: '', spans: [], file };
    return { ...rest, id: deps.mintId('out'), idempotencyKey: `${key}:${part}`, part, body, replyTo };
  });
  return [...parts, ...carrying];
}

/** Which files a channel can send, and the names of those that it cannot. */
export function sendable(
  files: readonly OutboundFile[],
  { files: limits = null }: Pick<ReplyLimits, 'files'>,
): { files: OutboundFile[]; left: string[] } {
  const maxBytes = limits?.maxBytes ?? -1;
  const fits = ({ size }: OutboundFile): boolean => size <= maxBytes;
  return {
    files: files.filter((file) => fits(file)),
    left: files.filter((file) => !fits(file)).map(({ name, id }) => name ?? id),
  };
}

/** What every part of the answer to an inbound message has in common; null for API clients. */
export function replyTemplate(
  inbound: InboxRow,
  now: number,
  { correlates = false }: { correlates?: boolean | undefined },
): ReplyTemplate | null {
  if (inbound.conversation === null) return null;
  const awaited = inbound.native?.startsWith(interactionPrefix) === true;
  return {
    key: inbound.runId,
    runId: inbound.runId,
    sessionKey: inbound.sessionKey,
    owner: inbound.owner,
    conversation: inbound.conversation,
    chatType: inbound.chatType,
    // In a group an answer names its question; in a direct chat that is noise, but to programs it is the point, and a
    // platform that shows that it waits for an answer must be told which one it is.
    replyTo: correlates || inbound.chatType === 'group' || awaited ? inbound.native : null,
    correlates,
    correlation: inbound.correlation,
    createdAt: now,
    expiresAt: now + replyMaxAgeMs,
  };
}
