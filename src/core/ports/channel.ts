import type { Attachment, ConversationRef, MessageRef, OutboundBody } from '../message.ts';
import type { RichText } from '../rich-text.ts';
import type { Clock, Log } from './system.ts';

/** What a platform can do; static per channel. */
export interface ChannelCapabilities {
  /**
   * The longest text of one message and the most spans it may carry. `measure` is the length of a body as the platform
   * counts it, where markup adds to it; without it the UTF-16 units of the text count.
   */
  text: { maxLength: number; maxSpans: number; measure?: (body: RichText) => number };
  /** Editing one's own message, and the pace at which a stream may edit it: in private chats and in groups. */
  edit: { supported: boolean; directMs: number; groupMs: number };
  /**
   * What happens when the same part is sent again with its idempotency key: `native` the platform drops it, `lookup`
   * it can be found by `findSent`, `none` it would appear twice.
   */
  idempotentSend: 'native' | 'lookup' | 'none';
  typing: { supported: boolean; refreshMs: number };
  /**
   * Files the bot can send, one per message, their largest size, and the longest text beside one (default as without a
   * file); null when it can send none.
   */
  files: { maxBytes: number; maxCaption?: number } | null;
  /** Whether a message can carry buttons; where it cannot, their commands are written below the text. */
  buttons: boolean;
  /**
   * Every part of an answer names what it answers, for what is read by programs. Default: only the first part does, and
   * only in groups.
   */
  correlates?: boolean;
  /** Messages per second the platform takes: for the account, one conversation, one group (per minute). */
  pace: { accountPerSecond: number; conversationPerSecond: number; groupPerMinute: number };
}

/**
 * What came in, translated once by the channel; plain data that is stored and replayed. `message`: somebody wrote, or
 * used a command of the platform's menu (`text` is then `/name argument`). `edit`: `native` now says `text`.
 * `reaction`: `text` is the emoji given to the message `native`, empty when it was taken back. `action`: a button
 * under the message `native` was pressed, `text` is its command. `lifecycle`: something happened to the chat.
 */
export interface InboundEvent {
  /**
   * The platform's own id of what happened: UNIQUE per channel and account in the store. A platform that tells one
   * message in several events (Slack's `message` and `app_mention`) has one id for them: the message's.
   */
  dedupe: string;
  kind: 'message' | 'edit' | 'reaction' | 'action' | 'lifecycle';
  conversation: ConversationRef;
  /**
   * The platform's id of the message, to reply to. One that begins with `interactionPrefix` is what its platform needs
   * to answer an interaction: the answer always names it, as somebody is shown that it is waited for.
   */
  native: string;
  sender: { native: string; display: string; isBot: boolean };
  /** `addressed`: a private chat, a mention, a reply to us or a command; only these are answered in groups. */
  chat: {
    type: 'direct' | 'group';
    addressed: boolean;
    title?: string;
    /** Native ids of what the chat is part of, nearest first (a thread's channel, its guild): lists may name them, too. */
    parents?: string[];
  };
  text: string;
  /** Words of somebody else that the sender passed on: never a command. */
  forwarded?: true;
  attachments: Attachment[];
  /** The message this one replies to, where the platform tells its words; `author` as shown, or `you` for the bot. */
  quote?: { author: string; text: string };
  /** BCP 47 language of the sender, where the platform tells. */
  language?: string;
  /** Milliseconds since the epoch, by the platform's clock. */
  occurredAt: number;
  /** Of a `lifecycle` event: the chat lives on under this native id. */
  movedTo?: string;
  /** SHA-256 of what the sender sent, where the sender chose the dedupe key and must hear of a conflict. */
  bodyHash?: string;
}

export const interactionPrefix = 'i:';

/** What became of an event of a batch. */
export interface InboundReceipt {
  /** Our id of the message it became, the first time it came; null when it left no trace. */
  messageId: string | null;
  /** The `bodyHash` of that first time. */
  bodyHash: string | null;
  /** Its sender may not talk here: there will be no answer. */
  refused?: true;
}

export interface CursorUpdate {
  key: string;
  value: string;
}

/** Where a channel hands over what it received. */
export interface InboundSink {
  /**
   * Resolves after the COMMIT that holds the events and the cursor, fsynced; only then may the channel acknowledge to
   * its platform. Rejects when the store cannot take them: nothing was accepted, try again later. A sink that keeps
   * what it takes gives a receipt for each event, in the order of the batch.
   */
  commit(batch: InboundEvent[], cursor?: CursorUpdate): Promise<readonly InboundReceipt[] | void>;
  /** An event the channel could not understand; counted, shown, never fatal. */
  malformed(detail: string): void;
}

export interface OutboundPart {
  /** Stable over retries, restarts and streams; unique per part of a reply. */
  idempotencyKey: string;
  conversation: ConversationRef;
  /** The platform's id of the message this answers. */
  replyTo?: string;
  body: OutboundBody;
  /** The bytes of `body.file`. */
  file?: Uint8Array;
  /** The first piece of a reply that is still being written: edits follow, the last of them `final`. */
  growing?: boolean;
}

/** The new body of a message of ours. Edits that are not `final` may be dropped by a later one. */
export interface Change {
  body: OutboundBody;
  final: boolean;
}

/** An HTTP request to `/hooks/…` as it came, its body at most `server.max_body`. */
export interface HookRequest {
  method: 'GET' | 'POST';
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  query: URLSearchParams;
  /** As received: signatures are over these bytes. */
  body: Uint8Array;
}

export interface HookResponse {
  status: number;
  /** Default none. */
  body?: string;
  /** Default `application/json` with a body. */
  contentType?: string;
  headers?: Record<string, string>;
  /** Of a refusal, in place of a body: the door says it as it says all errors. */
  error?: { code: string; message: string };
}

/** What one attempt came to. Expected failures are values; a channel throws only for a bug. */
export type SendOutcome =
  | { ok: true; ref: string }
  /** `scope`: what must wait; `retryAfterMs` is never shortened. */
  | { ok: false; kind: 'rate_limited'; scope: 'conversation' | 'account'; retryAfterMs: number; detail: string }
  /** There was no connection, so nothing was said: the account rests, and the part is sent once there is one. */
  | { ok: false; kind: 'unreachable'; detail: string }
  /** Certainly not accepted: safe to try again. */
  | { ok: false; kind: 'transient'; detail: string }
  /** The request may have been delivered and the answer was lost. */
  | { ok: false; kind: 'ambiguous'; detail: string }
  /** The platform refused the formatting: the same part is tried once more as plain text. */
  | { ok: false; kind: 'bad_format'; detail: string }
  /** The chat has a new id; the part is sent there and the session follows. */
  | { ok: false; kind: 'moved'; native: string; detail: string }
  /** Permanent: blocked, kicked, gone, not allowed, bad token. */
  | { ok: false; kind: 'refused'; code: string; detail: string };

export type ChannelState = 'starting' | 'connected' | 'degraded' | 'stopped' | 'fatal';

/** Judged from the receive side only: a successful send never makes a deaf channel look healthy. */
export interface ChannelHealth {
  state: ChannelState;
  /** In words, with the fix, when the state is degraded or fatal. */
  detail: string;
  /** Milliseconds since the epoch of the last completed receive (a finished poll, a heartbeat acknowledgement). */
  lastReceiveAt: number | null;
  lastEventAt: number | null;
  /** How the bot is called on its platform, once known. */
  identity: string | null;
}

export interface ChannelContext {
  signal: AbortSignal;
  /** Cursors committed through the sink before, by key. */
  cursors: ReadonlyMap<string, string>;
  clock: Clock;
  log: Log;
}

/**
 * One account on one chat platform: dumb transport. Retry, rate limits, splitting, streaming pace, typing leases,
 * dedupe and access live in app/, once for all channels.
 */
export interface Channel {
  /** `telegram` */
  readonly type: string;
  /** `main` */
  readonly account: string;
  readonly capabilities: ChannelCapabilities;
  /** Begins to receive and returns at once; reconnects by itself until the signal aborts. */
  start(sink: InboundSink, context: ChannelContext): void;
  /** Stops receiving; settles by the deadline, idempotent. */
  stop(deadlineMs: number): Promise<void>;
  /** Exactly one attempt. */
  send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome>;
  /** Exactly one attempt to replace the body of our own message; "not modified" is success. */
  edit?(message: MessageRef, change: Change, signal: AbortSignal): Promise<SendOutcome>;
  /** Shows a reply while it is written without making a message of it; the message comes by `send`. Never retried. */
  draft?(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome>;
  /** One pulse. */
  typing?(conversation: ConversationRef, signal: AbortSignal): Promise<void>;
  /** For `idempotentSend: 'lookup'`: the message a part became, if it arrived. */
  findSent?(part: OutboundPart, signal: AbortSignal): Promise<string | null>;
  /** The bytes of an attachment as they come; the reader bounds them. Throws a ClankerError when they are not to be had. */
  fetchAttachment?(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * A request to the channel's address under `/hooks/`: verified over the raw bytes, committed through the sink, and
   * only then answered with success. Never throws for what a stranger sent.
   */
  hook?(request: HookRequest, signal: AbortSignal): Promise<HookResponse>;
  /** A conversation from what a person typed after `--channel-id`; throws invalid_input when it cannot be one. */
  conversation(target: string, thread?: string): ConversationRef;
  /** Which pace holds in a conversation. */
  chatType(conversation: ConversationRef): 'direct' | 'group';
  health(): ChannelHealth;
}
