/** What came in, and what became of it: a part of the Store, under its promises. */
import type { ErrorData } from '../errors.ts';
import type { Attachment, ConversationRef } from '../message.ts';
import type { CursorUpdate } from './channel.ts';
import type { FileRow } from './file-store.ts';

/**
 * Life of an inbox row: `queued → running → done | failed | dead`; `refused` and `handled` (a command, an edit, a
 * message that was not for us) never run; `merged` was answered together with another message.
 */
export type InboxState = 'queued' | 'running' | 'done' | 'failed' | 'dead' | 'refused' | 'handled' | 'merged';

export interface NewInbound {
  id: string;
  runId: string;
  /** A `command` is queued and claimed in order like a message, but claimRun never appends it to the history. */
  kind: 'message' | 'command';
  channel: string;
  account: string;
  /** UNIQUE with channel and account: a platform's event id, an idempotency key, or the message's own id. */
  dedupe: string;
  owner: string;
  sessionKey: string;
  /** Null for API clients. */
  conversation: ConversationRef | null;
  /** The platform's message id, to reply to. */
  native: string | null;
  sender: { native: string; display: string };
  /** `direct` for API clients. */
  chatType: 'direct' | 'group';
  /** Of a refused message: native ids of what the chat is part of; default none. */
  parents?: readonly string[];
  text: string;
  attachments: Attachment[];
  /** Where the text comes from when the sender passed it on, in a few words; null: it is their own. */
  outside: string | null;
  state: Extract<InboxState, 'queued' | 'refused' | 'handled'>;
  /** Why it was refused or what handled it. */
  reason: string | null;
  /** SHA-256 of the request body, to tell a repeat from a conflict. */
  bodyHash: string | null;
  agent: string | null;
  model: string | null;
  correlation: string;
  receivedAt: number;
}

export interface InboundRow extends NewInbound {
  seq: number;
  starts: number;
  error: ErrorData | null;
  finishedAt: number | null;
}

/** The same columns, any state. */
export type InboxRow = Omit<InboundRow, 'state'> & { state: InboxState };

export interface CommitResult {
  /** In the order of the batch. A duplicate carries the stored row, unchanged. */
  rows: { inserted: boolean; row: InboxRow }[];
}

export interface InboxStore {
  /** Inbox rows (and the sessions of queued ones, created when missing) and the platform's cursor, in one transaction. */
  commitInbound(
    batch: NewInbound[],
    cursor?: CursorUpdate & { channel: string; account: string },
  ): Promise<CommitResult>;
  cursors(channel: string, account: string): Promise<CursorUpdate[]>;
  /** A message that failed is queued again, its starts reset; null when it is not in a state that can be. */
  requeueInbound(id: string, at: number): Promise<InboxRow | null>;
  inbound(id: string): Promise<InboxRow | null>;
  /** The newest message of a session before another one that is no command, by the same sender; null when there is none. */
  inboundBefore(sessionKey: string, id: string): Promise<InboxRow | null>;
  /** The files behind a message's attachments, in their order, once they are stored: in its row and in the history. */
  attachFiles(messageId: string, attachments: Attachment[], files: FileRow[]): Promise<void>;
  /**
   * The sender changed a message that still waits: its run sees the new text. False when it does not wait any more, or
   * when `sender` is not who wrote it.
   */
  editInbound(conversation: ConversationRef, native: string, sender: string, text: string): Promise<boolean>;
}
