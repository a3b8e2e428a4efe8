import type { Attachment, ConversationRef, MessageRef } from '../message.ts';
import type { RichText } from '../rich-text.ts';
import type { Clock, Log } from './system.ts';

/** What a platform can do; static per channel. */
export interface ChannelCapabilities {
  /** The longest text of one message, in UTF-16 units, and the most spans it may carry. */
  text: { maxLength: number; maxSpans: number };
  /** Editing one's own message, and the pace at which a stream may edit it: in private chats and in groups. */
  edit: { supported: boolean; directMs: number; groupMs: number };
  /**
   * What happens when the same part is sent again with its idempotency key: `native` the platform drops it, `lookup`
   * it can be found by `findSent`, `none` it would appear twice.
   */
  idempotentSend: 'native' | 'lookup' | 'none';
  typing: { supported: boolean; refreshMs: number };
  /** Messages per second the platform takes: for the account, one conversation, one group (per minute). */
  pace: { accountPerSecond: number; conversationPerSecond: number; groupPerMinute: number };
}

/** What came in, translated once by the channel; plain data that is stored and replayed. */
export interface InboundEvent {
  /** The platform's own id of the event: UNIQUE per channel and account in the store. */
  dedupe: string;
  kind: 'message' | 'edit' | 'reaction' | 'action' | 'lifecycle';
  conversation: ConversationRef;
  /** The platform's id of the message, to reply to. */
  native: string;
  sender: { native: string; display: string; isBot: boolean };
  /** `addressed`: a private chat, a mention, a reply to us or a command; only these are answered in groups. */
  chat: { type: 'direct' | 'group'; addressed: boolean; title?: string };
  text: string;
  attachments: Attachment[];
  /** BCP 47 language of the sender, where the platform tells. */
  language?: string;
  /** Milliseconds since the epoch, by the platform's clock. */
  occurredAt: number;
  /** Of a `lifecycle` event: the chat lives on under this native id. */
  movedTo?: string;
}

export interface CursorUpdate {
  key: string;
  value: string;
}

/** Where a channel hands over what it received. */
export interface InboundSink {
  /**
   * Resolves after the COMMIT that holds the events and the cursor, fsynced; only then may the channel acknowledge to
   * its platform. Rejects when the store cannot take them: nothing was accepted, try again later.
   */
  commit(batch: InboundEvent[], cursor?: CursorUpdate): Promise<void>;
  /** An event the channel could not understand; counted, shown, never fatal. */
  malformed(detail: string): void;
}

export interface OutboundPart {
  /** Stable over retries, restarts and streams; unique per part of a reply. */
  idempotencyKey: string;
  conversation: ConversationRef;
  /** The platform's id of the message this answers. */
  replyTo?: string;
  body: RichText;
}

/** What one attempt came to. Expected failures are values; a channel throws only for a bug. */
export type SendOutcome =
  | { ok: true; ref: string }
  /** `scope`: what must wait; `retryAfterMs` is never shortened. */
  | { ok: false; kind: 'rate_limited'; scope: 'conversation' | 'account'; retryAfterMs: number; detail: string }
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
  edit?(message: MessageRef, body: RichText, signal: AbortSignal): Promise<SendOutcome>;
  /** One pulse. */
  typing?(conversation: ConversationRef, signal: AbortSignal): Promise<void>;
  /** For `idempotentSend: 'lookup'`: the message a part became, if it arrived. */
  findSent?(part: OutboundPart, signal: AbortSignal): Promise<string | null>;
  /** The bytes of an attachment, bounded. */
  fetchAttachment?(attachment: Attachment, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
  /** A conversation from what a person typed after `--channel-id`; throws invalid_input when it cannot be one. */
  conversation(target: string, thread?: string): ConversationRef;
  /** Which pace holds in a conversation. */
  chatType(conversation: ConversationRef): 'direct' | 'group';
  health(): ChannelHealth;
}
