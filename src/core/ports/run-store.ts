/** Runs, step by step, and what each call of a model was: a part of the Store, under its promises. */
import type { ErrorData } from '../errors.ts';
import type { JsonObject, Message } from '../message.ts';
import type { InboxRow, InboxState } from './inbox-store.ts';
import type { NewOutbound, OutboxRow } from './outbox-store.ts';
import type { Usage } from './provider.ts';
import type { NewMessage, SessionRow } from './session-store.ts';

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

export interface RunStore {
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
  /**
   * Run, inbox rows, assistant message, outbox rows and ledger, in ONE transaction. Resolves with the `seq` of the reply;
   * null without one, or when its session is gone.
   */
  finishRun(finish: FinishRun): Promise<number | null>;
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
}
