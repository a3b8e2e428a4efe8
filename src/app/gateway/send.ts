import { noLongerNeeded } from '../../core/abort.ts';
import { ClankerError, invalidInput, notFound } from '../../core/errors.ts';
import { cleanFileName } from '../../core/file-path.ts';
import type { MintId } from '../../core/ids.ts';
import type { ConversationRef, OutboundFile } from '../../core/message.ts';
import type { Channel } from '../../core/ports/channel.ts';
import type { SendRequest, SendTicket } from '../../core/ports/gateway.ts';
import type { NewOutbound, OutboxRow } from '../../core/ports/outbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { Principal } from '../../core/principal.ts';
import type { Markdown } from '../../core/rich-text.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { planMessage, replyMaxAgeMs } from '../runs/reply-plan.ts';
import { destinationOf, type DestinationDeps } from './destination.ts';

export interface SendDeps extends DestinationDeps {
  store: Store;
  clock: Clock;
  mintId: MintId;
  markdown: Markdown;
  delivery: Delivery;
}

/** Who waits for a delivery is told after so long that it is still to come: a platform may be away for hours. */
const maxDeliveryWaitMs = 300_000;

/** Messages that a client injects: planned and committed first, delivered by the same outbox as every reply. */
export async function send(principal: Principal, request: SendRequest, deps: SendDeps): Promise<SendTicket> {
  const { store, clock, mintId, delivery } = deps;
  const { attachments = [] } = request;
  if (request.content.trim() === '' && attachments.length === 0)
    throw invalidInput('empty_content', 'content: write something.');
  const { channel, conversation, chatType } = await destinationOf(request, deps);
  const now = clock.now();
  const id = mintId('msg');
  const files = await filesOf(attachments, principal.person, channel, store);
  const parts = planMessage(
    {
      key: `send:${principal.person}:${request.idempotencyKey ?? id}`,
      runId: null,
      sessionKey: null,
      owner: principal.person,
      conversation,
      chatType,
      replyTo: null,
      correlates: false,
      correlation: id,
      createdAt: now,
      expiresAt: now + replyMaxAgeMs,
    },
    { text: request.content, files },
    channel.capabilities,
    deps,
  );
  // What the client is told is what the log calls it.
  const rows = parts.map((row) => ({ ...row, correlation: parts[0]?.id ?? id }));
  // A conflict shows at the first part, before anything of the message is planned.
  const planned = await plan(rows.slice(0, 1), store);
  const [first] = planned;
  if (first === undefined) throw invalidInput('empty_content', 'content: nothing of it can be shown.');
  if (rows.length > 1) planned.push(...(await plan(rows.slice(1), store)));
  // After a failure the same message is tried again. What is uncertain may have arrived, and is not.
  for (const { id: part, state } of planned)
    if (state === 'dead') await store.retryDead(part, now, now + replyMaxAgeMs);
  delivery.wake(conversation, first.chatType);
  return {
    messageId: first.id,
    // Only who asks for it waits: a message to a blocked account may take a day.
    get delivered(): Promise<void> {
      const settled = Promise.all(planned.map((row) => delivery.settled(row.id))).then(assertSent);
      const delivered = withinWait(settled, first.id, deps);
      delivered.catch(() => undefined);
      return delivered;
    },
  };
}

async function withinWait(settled: Promise<void>, id: string, { store, clock }: SendDeps): Promise<void> {
  const enough = new AbortController();
  const late = clock.sleep(maxDeliveryWaitMs, enough.signal).then(async () => {
    const row = await store.outbound(id);
    throw new ClankerError(
      'channel',
      'delivery_pending',
      `The message waits and is delivered when it can be; so far: ${row?.error ?? 'others are before it'}`,
      { retryable: true },
    );
  });
  late.catch(() => undefined);
  await Promise.race([settled, late]).finally(() => enough.abort(noLongerNeeded));
}

async function filesOf(
  attachments: NonNullable<SendRequest['attachments']>,
  owner: string,
  { type, capabilities }: Channel,
  store: Store,
): Promise<OutboundFile[]> {
  if (attachments.length > 0 && capabilities.files === null)
    throw invalidInput('no_files', `${type} cannot send files; send a link instead.`);
  const files: OutboundFile[] = [];
  for (const { id, name } of attachments) {
    const file = await store.file(id, owner);
    if (file === null) throw notFound(`file "${id}"`);
    const { mimeType, size } = file;
    const maxBytes = capabilities.files?.maxBytes ?? 0;
    if (size > maxBytes)
      throw invalidInput(
        'file_too_large',
        `${type} takes files of at most ${Math.floor(maxBytes / 2 ** 20)} MB; ${id} is larger.`,
      );
    const shown = name === undefined ? undefined : cleanFileName(name);
    files.push({ id, mimeType, size, ...(shown === undefined ? {} : { name: shown }) });
  }
  return files;
}

async function plan(rows: NewOutbound[], store: Store): Promise<OutboxRow[]> {
  const planned = await store.planOutbound(rows);
  const same = planned.every((row, n) => {
    const wanted = rows[n];
    return (
      row.body.text === wanted?.body.text &&
      row.body.file?.id === wanted.body.file?.id &&
      isSamePlace(row.conversation, wanted.conversation)
    );
  });
  if (same) return planned;
  throw new ClankerError(
    'conflict',
    'idempotency_conflict',
    'This idempotency key was used with another message; use a new key.',
  );
}

const isSamePlace = (a: ConversationRef, b: ConversationRef): boolean =>
  a.channel === b.channel && a.account === b.account && a.native === b.native && a.thread === b.thread;

function assertSent(rows: OutboxRow[]): void {
  const lost = rows.find((row) => row.state !== 'sent');
  if (lost === undefined) return;
  if (lost.state === 'uncertain') {
    throw new ClankerError(
      'channel',
      'delivery_uncertain',
      `The message may or may not have arrived: ${lost.error ?? ''}`,
    );
  }
  throw new ClankerError('channel', 'delivery_failed', lost.error ?? 'The platform refused the message.');
}
