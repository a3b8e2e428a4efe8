/** What became of a message, and how much there is of everything: a part of the Store, under its promises. */
import type { InboxRow } from './inbox-store.ts';
import type { FeedbackRow, OutboxRow } from './outbox-store.ts';
import type { AttemptRow, RunRow } from './run-store.ts';

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

export interface OverviewStore {
  trace(messageId: string): Promise<MessageTrace | null>;
  counts(dayStartMs: number): Promise<StoreCounts>;
}
