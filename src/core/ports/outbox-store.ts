/** What must go out, what became of it, and what people felt about it: a part of the Store, under its promises. */
import type { ConversationRef, OutboundBody } from '../message.ts';

/**
 * Life of an outbox row: `planned | streaming → sending → sent | uncertain | dead`. `streaming` is a reply that grows
 * on the platform; finishing its run turns it into a planned final edit. `uncertain` may have been sent and is not
 * tried again.
 */
export type OutboxState = 'planned' | 'streaming' | 'sending' | 'sent' | 'uncertain' | 'dead';

export interface NewOutbound {
  id: string;
  /** UNIQUE: one logical reply part has one, over stream, final, retry and resume. */
  idempotencyKey: string;
  runId: string | null;
  sessionKey: string | null;
  owner: string;
  conversation: ConversationRef;
  chatType: 'direct' | 'group';
  replyTo: string | null;
  part: number;
  body: OutboundBody;
  correlation: string;
  createdAt: number;
  /** Not sent after this. */
  expiresAt: number;
}

export interface OutboxRow extends NewOutbound {
  seq: number;
  state: OutboxState;
  /** Counted before the work. */
  attempts: number;
  /** The platform's id, once known; a planned row that has one is an edit. */
  ref: string | null;
  /** True once it was sent again after an ambiguous attempt. */
  resent: boolean;
  /** Send as plain text: the platform refused the formatting. */
  plain: boolean;
  nextAttemptAt: number;
  error: string | null;
  finishedAt: number | null;
}

/** What became of a claimed row. `retry` returns it to `planned` for `at`. */
export type SendRecord =
  | { state: 'sent'; ref: string; at: number }
  | {
      state: 'retry';
      at: number;
      error: string;
      /** Send it as plain text from now on. */
      plain?: boolean;
      /** It may have arrived: the next send is the one marked repeat. */
      resent?: boolean;
      /** The attempt does not count (a rate limit told us to wait). */
      uncounted?: boolean;
      /** The message on the platform is gone: forget `ref` and send anew. */
      dropRef?: boolean;
    }
  | { state: 'uncertain' | 'dead'; at: number; error: string };

export interface NewFeedback {
  /** Where the message stands; its thread does not count, as some platforms do not tell it here. */
  conversation: ConversationRef;
  /** The platform's id of the message. */
  native: string;
  sender: { native: string; display: string };
  /** The reaction; empty: it was taken back. */
  value: string;
  at: number;
}

/** What somebody's reaction to a message of ours is now. */
export interface FeedbackRow {
  outboxId: string;
  sender: { native: string; display: string };
  value: string;
  at: number;
}

export interface OutboxStore {
  /** Rows whose idempotency key exists already are returned as stored. */
  planOutbound(rows: NewOutbound[]): Promise<OutboxRow[]>;
  /**
   * Opens a reply that grows on the platform, before the first send, and the conversation's line waits for its end.
   * Resolves with the stored row when the key exists, with null while earlier messages of the conversation wait.
   */
  openStream(row: NewOutbound): Promise<OutboxRow | null>;
  /**
   * The platform's id of the growing message, right after its first send; null when that send is of unknown fate: the
   * end of the reply is then a marked repeat (`resent`).
   */
  setStreamRef(id: string, ref: string | null): Promise<void>;
  /** After a crash: rows found `sending`, and streams without a platform id, for the delivery's rules to judge. */
  interruptedSends(): Promise<OutboxRow[]>;
  /** Conversations of one account whose head of line is planned, with the time it is due; at most `limit`, soonest first. */
  dueConversations(
    channel: string,
    account: string,
    limit: number,
  ): Promise<{ conversation: ConversationRef; chatType: 'direct' | 'group'; dueAt: number }[]>;
  /** Moves the head of line of a conversation to `sending` and counts the attempt; null when it is not due or none is left. */
  claimSend(conversation: ConversationRef, at: number): Promise<OutboxRow | null>;
  recordSend(id: string, record: SendRecord): Promise<OutboxRow>;
  outbound(id: string): Promise<OutboxRow | null>;
  /** The chat moved: session, queued rows and bindings follow. */
  moveConversation(from: ConversationRef, to: ConversationRef): Promise<void>;
  /**
   * A reaction to one of our messages; at most 100 per message are kept. The row it is about, or null when the message
   * is none of ours or the reaction says nothing new.
   */
  saveFeedback(feedback: NewFeedback): Promise<OutboxRow | null>;
}
