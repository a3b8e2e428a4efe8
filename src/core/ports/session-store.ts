/** Sessions and their messages: a part of the Store, under its promises. */
import type { ConversationRef, Message, Part, Role } from '../message.ts';
import type { Listed, ListOptions } from './listed.ts';

export interface SessionRow {
  key: string;
  owner: string;
  channel: string;
  account: string;
  conversation: ConversationRef | null;
  title: string | null;
  agent: string | null;
  /** `provider/model` pinned for this session, or null for the default. */
  model: string | null;
  messageCount: number;
  createdAt: number;
  lastActiveAt: number;
}

export interface NewMessage {
  id: string;
  role: Role;
  parts: Part[];
  author: string | null;
  time: number;
}

export interface SessionStore {
  listSessions(owner: string | null, options: ListOptions): Promise<Listed<SessionRow>>;
  /** With an owner: null when it is someone else's. */
  session(key: string, owner: string | null): Promise<SessionRow | null>;
  /** The next message begins a new history; what failed in the old one is cleared. */
  resetSession(key: string, at: number): Promise<void>;
  /**
   * Sessions that nobody used since `before` begin a new history with their next message: at most `batch` of an owner
   * (null: of everybody), the longest unused first. How many. One that is being answered is in use.
   */
  closeStale(before: number, owner: string | null, batch: number): Promise<number>;
  /** The session, its messages, runs and ledger rows stay out of every list; queued messages of it are dropped. */
  deleteSession(key: string): Promise<void>;
  /** A session with all its messages, in one go; false when there is one under its key already. */
  importSession(session: SessionRow, messages: NewMessage[]): Promise<boolean>;
  /** Pins or clears the model of a session. */
  setSessionModel(key: string, model: string | null): Promise<void>;
  /** Oldest first; `cursor` continues after, `before` ends before a page's first. */
  listMessages(key: string, options: ListOptions & { before?: string }): Promise<Listed<Message>>;
}
