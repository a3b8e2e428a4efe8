import type { ErrorData } from './errors.ts';
import type { PayloadKind } from './payload.ts';
import type { TaskState } from './task.ts';
import type { ChatAnswer } from './answer.ts';

/**
 * Facts on the bus. Every event names its session and person where it has one, so that a subscriber's filter is a
 * comparison; `correlation` runs from arrival to delivery.
 */
export type GatewayEvent = EventBase &
  (
    | { type: 'message.received'; messageId: string; channel: string }
    | { type: 'message.refused'; messageId: string; channel: string; reason: string }
    /** A message was appended to a session's history. */
    | { type: 'message'; messageId: string; role: string; text: string; messageSeq: number }
    | { type: 'run.started'; runId: string; messageId: string; model: string }
    /** A piece of visible text. `text` only: reasoning stays inside. */
    | { type: 'run.delta'; runId: string; text: string }
    /** What was streamed so far is void: another attempt begins (only before anything was made visible elsewhere). */
    | { type: 'run.retrying'; runId: string; reason: string; provider: string }
    | { type: 'run.tool'; runId: string; tool: string; state: 'started' | 'finished' }
    | { type: 'run.finished'; runId: string; answer: ChatAnswer }
    | { type: 'run.failed'; runId: string; error: ErrorData }
    /** A person is asked about a call; past `expiresAt` it cannot be answered any more, and no further event says so. */
    | { type: 'approval.requested'; approvalId: string; runId: string; tool: string; expiresAt: number }
    | { type: 'approval.resolved'; approvalId: string; runId: string; tool: string; outcome: 'approved' | 'denied' }
    | { type: 'delivery.sent'; outboxId: string; channel: string }
    | { type: 'delivery.uncertain'; outboxId: string; channel: string; detail: string }
    | { type: 'delivery.dead'; outboxId: string; channel: string; detail: string }
    /** A reaction to a message of ours; an empty value was taken back. */
    | { type: 'feedback'; outboxId: string; channel: string; value: string }
    /** A due time of a job was attended; `missed` tells of those that were not: how many, from `due` on. */
    | { type: 'job.fired'; jobId: string; taskId: string; due: number }
    | { type: 'job.missed'; jobId: string; due: number; count: number }
    | { type: 'task.changed'; taskId: string; jobId: string | null; kind: PayloadKind; state: TaskState }
    | { type: 'task.progress'; taskId: string; jobId: string | null; done: number | null; text: string }
    | { type: 'channel.state'; channel: string; state: string; detail: string }
    /** What the gateway found when it looked after itself; empty: all is well again. */
    | { type: 'health.changed'; problems: string[] }
    | { type: 'provider.state'; provider: string; state: string; detail: string }
    | { type: 'config.reloaded'; changed: string[] }
    | { type: 'config.rejected'; detail: string }
  );

export type GatewayEventType = GatewayEvent['type'];

export interface EventBase {
  /** Counts from 1 per process; the SSE id. */
  seq: number;
  /** Milliseconds since the epoch. */
  at: number;
  sessionKey?: string;
  person?: string;
  correlation?: string;
}

/** What a publisher gives; the bus adds `seq` and `at`. */
export type NewEvent = GatewayEvent extends infer E ? (E extends GatewayEvent ? Omit<E, 'seq' | 'at'> : never) : never;
