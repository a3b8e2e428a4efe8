/**
 * The durable memory of the product. Every method is one whole operation, executed in one transaction, and resolves
 * only after that transaction is fsynced; a failing operation fails only itself. Plain serialisable data crosses it.
 * Every row of a person's data carries its owner.
 *
 * Failures are ClankerErrors of kind `storage`: `storage_full`, `storage_io`, `storage_closed`, `newer_schema`,
 * `damaged`; retryable where waiting can help.
 */
import type { ErrorData } from '../errors.ts';
import type { Attachment, ConversationRef, JsonObject, Message, OutboundBody, Part, Role } from '../message.ts';
import type { PersonRole, Scope } from '../principal.ts';
import type { ApprovalStore } from './approval-store.ts';
import type { BudgetStore } from './budget-store.ts';
import type { AuditStore } from './audit-store.ts';
import type { CursorUpdate } from './channel.ts';
import type { HistoryStore } from './history-store.ts';
import type { NotesStore } from './notes-store.ts';
import type { Identity, PeopleStore } from './people-store.ts';
import type { RecordingStore } from './recording-store.ts';
import type { PreferenceStore } from './preference-store.ts';
import type { Usage } from './provider.ts';
import type { RightsStore } from './rights-store.ts';
import type { ScheduleStore, TaskRow } from './schedule-store.ts';

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

export type RunState = 'running' | 'finished' | 'failed' | 'aborted' | 'dead';

export interface RunRow {
  id: string;
  sessionKey: string;
  owner: string;
  messageId: string;
  state: RunState;
  /** Counted before the work. */
  starts: number;
  model: string | null;
  finishReason: string | null;
  error: ErrorData | null;
  usage: Usage | null;
  /** In US dollars; null when the price is unknown. */
  cost: number | null;
  replyId: string | null;
  startedAt: number;
  finishedAt: number | null;
}

/** One provider attempt of a run: a ledger row, written when it begins and completed when it ends. */
export interface AttemptRow {
  runId: string;
  n: number;
  owner: string;
  /** Where it was asked, a type of channel or `api`: for the sums of its day, told when it is saved only. */
  channel?: string;
  provider: string;
  model: string;
  startedAt: number;
  finishedAt: number | null;
  /** `ok` or a provider error kind; null while it runs or when a crash cut it, `interrupted` when that held a budget. */
  outcome: string | null;
  phase: string | null;
  status: number | null;
  detail: string | null;
  usage: Usage | null;
  cost: number | null;
}

/** A step of a run's journal: `state` started then finished, in order of `n`. */
export interface JournalEntry {
  runId: string;
  n: number;
  kind: 'model' | 'tool';
  state: 'started' | 'finished';
  data: JsonObject;
  at: number;
}

/** What models read instead of the older messages of a session. */
export interface SummaryRow {
  /** The newest message that it stands for. */
  seq: number;
  text: string;
  /** Where outside text in what it was made from came from; null without any. */
  outside: string | null;
  at: number;
}

export interface ClaimedRun {
  run: RunRow;
  /** The message that is answered; with queue mode `collect` those merged into it follow. */
  inbound: InboxRow[];
  session: SessionRow;
  /**
   * Messages after the session's last reset, oldest first, the inbound ones included: from the `historyTurns`-th newest
   * message of the user on, at most the newest `historyLimit`.
   */
  history: Message[];
  /** What stands for the messages before; null: they are all there, or out of sight. */
  summary: SummaryRow | null;
  /** What an earlier start of this run already did. */
  journal: JournalEntry[];
  /** The highest `n` of the run's ledger rows, 0 without any: the attempts of this start count on from it. */
  attemptsBefore: number;
  /** A reply stream that an earlier start left open on the platform. */
  stream: OutboxRow | null;
  /** Further messages of the session waited when this one was taken; what comes later is told by its own commit. */
  more: boolean;
}

export interface NewMessage {
  id: string;
  role: Role;
  parts: Part[];
  author: string | null;
  time: number;
}

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

export interface FinishRun {
  runId: string;
  state: Extract<RunState, 'finished' | 'failed' | 'aborted' | 'dead'>;
  /** What the inbox rows become. */
  inbox: Extract<InboxState, 'done' | 'failed' | 'dead'>;
  /** The steps of the run that are no messages yet, and the reply. */
  messages: NewMessage[];
  /** New rows; a row whose idempotency key is the run's open stream replaces its body and turns it to `planned`. */
  outbox: NewOutbound[];
  attempts: AttemptRow[];
  model: string | null;
  finishReason: string | null;
  usage: Usage | null;
  cost: number | null;
  replyId: string | null;
  error: ErrorData | null;
  at: number;
}

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

export interface PersonRow {
  id: string;
  name: string;
  role: PersonRole;
  /** BCP 47, as told by `/lang` or, at first sight, by the platform; null: unknown. */
  language: string | null;
  createdAt: number;
}

export interface TokenRow {
  id: string;
  name: string;
  /** SHA-256, hex. */
  hash: string;
  scopes: Scope[];
  person: string;
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
}

export interface CooldownRow {
  provider: string;
  model: string;
  until: number;
  kind: string;
  failures: number;
}

export interface FileRow {
  id: string;
  owner: string;
  mimeType: string;
  size: number;
  sha256: string;
  createdAt: number;
}

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

/**
 * What became of a call of a tool. `asked`: a person is asked about it; `approved`, `denied`: this message was the answer
 * to such a question.
 */
export interface TracedCall {
  tool: string;
  outcome: 'done' | 'failed' | 'asked' | 'approved' | 'denied';
  /** Milliseconds since the epoch. */
  at: number;
}

export interface MessageTrace {
  inbox: InboxRow;
  run: RunRow | null;
  attempts: AttemptRow[];
  /** Oldest first; those of a run that is still at work are not told yet. */
  calls: TracedCall[];
  outbox: OutboxRow[];
  /** Reactions to the reply, oldest first. */
  feedback: FeedbackRow[];
  /** The message this one was merged into. */
  mergedInto: string | null;
}

/** What was not answered, not delivered or not done, and was not cleared since. */
export type DeadRow =
  | { kind: 'inbox'; row: InboxRow }
  | { kind: 'outbox'; row: OutboxRow }
  | { kind: 'task'; row: TaskRow };

export interface StoreCounts {
  inboxQueued: number;
  inboxRunning: number;
  outboxPending: number;
  dead: number;
  /** Outbox rows that may or may not have arrived. */
  uncertain: number;
  sessions: number;
  people: number;
  messagesToday: number;
  activePeopleToday: number;
  activeChannelsToday: number;
}

export interface RefusedRow {
  channel: string;
  account: string;
  sender: string;
  display: string;
  conversation: string;
  chatType: 'direct' | 'group';
  parents: string[];
  reason: string;
  count: number;
  lastAt: number;
}

export interface UsageRow {
  day: string;
  owner: string;
  provider: string;
  model: string;
  calls: number;
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
  /** US dollars of those whose price is known; null when none is. */
  cost: number | null;
  /** Calls whose price is unknown. */
  unpriced: number;
}

export interface ListOptions {
  limit: number;
  /** Opaque, from the page before. */
  cursor?: string;
}

export interface Listed<T> {
  items: T[];
  nextCursor: string | null;
}

export interface Store
  extends
    PeopleStore,
    BudgetStore,
    PreferenceStore,
    AuditStore,
    RightsStore,
    NotesStore,
    HistoryStore,
    ApprovalStore,
    RecordingStore,
    ScheduleStore {
  // ── inbound
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

  // ── runs
  /**
   * After a crash: every `running` row is queued again (its starts stay counted), and the calls that had reserved a
   * budget are settled as estimated. Returns how many runs there were.
   */
  recoverRuns(): Promise<number>;
  /** A run that the gateway itself cut to stop: it is queued again and this start does not count. */
  releaseRun(runId: string): Promise<void>;
  /** Sessions that have queued messages and no running one, oldest first. */
  queuedSessions(limit: number): Promise<string[]>;
  /**
   * Takes the oldest queued message of a session, counts the start, appends it to the history and opens the run, all
   * or nothing. Null when nothing is queued or a run is active. A message past `maxStarts` turns dead and is skipped.
   * `collect` takes all queued messages of the session together.
   */
  claimRun(request: {
    sessionKey: string;
    mode: 'followup' | 'collect';
    maxStarts: number;
    historyTurns: number;
    historyLimit: number;
    at: number;
  }): Promise<ClaimedRun | null>;
  journal(entries: JournalEntry[]): Promise<void>;
  /** Inserts or completes ledger rows, keyed by run and n. */
  saveAttempts(rows: AttemptRow[]): Promise<void>;
  /** Run, inbox rows, assistant message, outbox rows and ledger, in ONE transaction. Returns the messages appended and rows planned. */
  finishRun(finish: FinishRun): Promise<{ messages: Message[]; outbox: OutboxRow[] }>;
  run(id: string): Promise<RunRow | null>;
  /**
   * What was written while a run is at work joins it (queue mode `steer`): the steps so far become messages, their
   * journal is done with, and the queued messages of the same sender follow them in the history, merged into the run's
   * own: up to the first command, or with files to be fetched, or of somebody else. Null, and nothing changes, when
   * nothing waits or the run is over.
   */
  joinRun(runId: string, steps: NewMessage[]): Promise<{ messages: Message[]; inbound: InboxRow[] } | null>;
  /** Models read this instead of the session's messages up to `seq` from the next run on; the messages stay. */
  saveSummary(sessionKey: string, summary: SummaryRow): Promise<void>;
  /** A finished run's stored answer: the row, and what the model said in it, oldest first; empty without a reply. */
  runReply(id: string): Promise<{ run: RunRow; said: Message[] } | null>;

  // ── outbound
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

  // ── sessions
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

  // ── people and access
  /**
   * The person behind a sender; made with `newPerson` when the identity is unknown. `conversation`: the direct chat in
   * which they write.
   */
  ensureIdentity(
    identity: Identity & { display: string; conversation?: ConversationRef },
    newPerson: PersonRow,
  ): Promise<PersonRow>;
  ensurePerson(person: PersonRow): Promise<PersonRow>;
  person(id: string): Promise<PersonRow | null>;
  setPersonLanguage(id: string, language: string | null): Promise<void>;
  tokens(): Promise<TokenRow[]>;
  tokenByHash(hash: string): Promise<TokenRow | null>;
  saveToken(token: TokenRow): Promise<void>;
  /** False when there was none. */
  deleteToken(id: string): Promise<boolean>;
  touchTokens(uses: { id: string; at: number }[]): Promise<void>;
  refusedSenders(limit: number): Promise<RefusedRow[]>;

  // ── the rest
  cooldowns(): Promise<CooldownRow[]>;
  saveCooldown(row: CooldownRow): Promise<void>;
  clearCooldown(provider: string, model: string): Promise<void>;
  saveFile(row: FileRow): Promise<void>;
  file(id: string, owner: string): Promise<FileRow | null>;
  trace(messageId: string): Promise<MessageTrace | null>;
  /** `owner` null: everybody's, here and below. */
  deadLetters(owner: string | null, options: ListOptions): Promise<Listed<DeadRow>>;
  deadLetter(owner: string | null, id: string): Promise<DeadRow | null>;
  /** Queues a dead letter again with fresh attempts; false when it is not dead. */
  retryDead(id: string, at: number, expiresAt: number): Promise<boolean>;
  clearDead(owner: string | null, id?: string): Promise<number>;
  /** By day (UTC), person and model; of one channel where it is named. */
  usage(sinceMs: number, owner: string | null, channel?: string | null): Promise<UsageRow[]>;
  counts(dayStartMs: number): Promise<StoreCounts>;
  /**
   * One bounded step of housekeeping: idempotency keys older than `keysBefore` are released, refused and handled rows
   * and codes before `refusedBefore` removed, notes that have expired at `at` too, sessions idle since `sessionsBefore`
   * closed, histories over `maxMessages` trimmed.
   * Returns true while there is more to do.
   */
  maintain(limits: {
    at: number;
    keysBefore: number;
    refusedBefore: number;
    sessionsBefore: number | null;
    maxMessages: number | null;
    batch: number;
  }): Promise<boolean>;
  /**
   * Gives free space back by rewriting the file, which others wait for: only one of at most `maxBytes`, and only when at
   * least `worthPart` of it is free. How large it was, how much of it was free.
   */
  vacuum(maxBytes: number, worthPart: number): Promise<{ bytes: number; free: number; done: boolean }>;
  /** Names what is wrong with the file, on a connection of its own; empty when all is well. */
  quickCheck(): Promise<string[]>;
  close(): Promise<void>;
}
