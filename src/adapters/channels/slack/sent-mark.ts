/** Every message carries its key where only apps see it, so that it can be found again when its answer was lost. */
import type { OutboundPart } from '../../../core/ports/channel.ts';
import type { Params, SlackApi } from './api.ts';
import type { SlackMessage } from './deliveries.ts';
import { isTs } from './inbound.ts';
import type { Identity } from './inbound.ts';

const eventType = 'open_clanker_part';
const pageSize = 100;
const maxPages = 3;
/** How far back a part can have been sent: what may be repeated is younger than ten minutes; clocks may differ. */
const lookBackMs = 1_200_000;
/** A beginning of fewer letters could be that of any reply. */
const minBeginning = 8;

/** https://docs.slack.dev/messaging/message-metadata */
export const metadataOf = (key: string): object => ({ event_type: eventType, event_payload: { key } });

/** The ts of the message a part became; null when it is not there, or cannot be looked for now. */
export async function findSent(
  api: SlackApi,
  part: OutboundPart,
  me: Identity | null,
  nowMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  const { native: channel, thread } = part.conversation;
  const method = thread === undefined ? 'conversations.history' : 'conversations.replies';
  const oldest = ((nowMs - lookBackMs) / 1000).toFixed(6);
  let cursor: string | undefined;
  let beginning: string | null = null;
  for (let page = 0; page < maxPages; page++) {
    const params: Params = { channel, ts: thread, oldest, limit: pageSize, include_all_metadata: true, cursor };
    const answer = await api.call<{ messages?: SlackMessage[]; response_metadata?: { next_cursor?: string } }>(
      method,
      params,
      signal,
    );
    if (!answer.ok || !Array.isArray(answer.result.messages)) return beginning;
    for (const message of answer.result.messages) {
      if (typeof message.ts !== 'string' || !isTs(message.ts)) continue;
      if (holdsPart(message, part, me)) return message.ts;
      if (me !== null && isBeginning(message, part, me)) beginning = message.ts;
    }
    cursor = answer.result.response_metadata?.next_cursor;
    if (cursor === undefined || cursor === '') break;
  }
  return beginning;
}

function holdsPart(message: SlackMessage, part: OutboundPart, me: Identity | null): boolean {
  const { metadata } = message;
  if (metadata?.event_type === eventType) return metadata.event_payload?.key === part.idempotencyKey;
  const { file } = part.body;
  if (file === undefined || me === null || message.user !== me.user) return false;
  // A shared file carries no mark; its name and size tell it apart well enough within minutes.
  return (message.files ?? []).some(({ name, size }) => name === fileName(file) && size === part.file?.length);
}

/** A stream carries its mark only from its end on: a message of ours without one, which says the first words of this. */
function isBeginning(message: SlackMessage, part: OutboundPart, me: Identity): boolean {
  const { thread } = part.conversation;
  if (thread === undefined || message.ts === thread || message.user !== me.user) return false;
  if (message.metadata !== undefined && message.metadata !== null) return false;
  if (part.replyTo !== undefined && isTs(part.replyTo) && Number(message.ts) <= Number(part.replyTo)) return false;
  const said = typeof message.text === 'string' ? lettersOf(message.text) : '';
  return said.length >= minBeginning && lettersOf(part.body.text).includes(said);
}

const lettersOf = (text: string): string => text.replaceAll(/&\w+;|[^\p{L}\p{N}]/gu, '');

/** As it is shown to people. */
export const fileName = ({ name, id }: { name?: string; id: string }): string =>
  (name ?? id)
    .replaceAll(/[\\/\p{Cc}]/gu, '_')
    .slice(0, 200)
    .toWellFormed() || id;
