/** The life of a unit of background work. */
import type { ErrorData } from './errors.ts';
import type { ConversationRef, OutboundFile } from './message.ts';

/**
 * `queued` (also while it waits for its next attempt) `→ running → completed | failed | cancelled`. A task that failed for
 * good is a dead letter until somebody retries or clears it.
 */
export const taskStates = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type TaskState = (typeof taskStates)[number];

/** Which states a task may go to. Back to `queued`: another attempt, a stop of the gateway, or a retry by hand. */
export const taskTransitions: Readonly<Record<TaskState, readonly TaskState[]>> = {
  queued: ['running', 'cancelled', 'failed'],
  running: ['completed', 'failed', 'cancelled', 'queued'],
  completed: [],
  failed: ['queued'],
  cancelled: ['queued'],
};

/** Where a result goes. */
export type TaskDelivery =
  | { to: 'conversation'; conversation: ConversationRef; chatType: 'direct' | 'group'; sessionKey: string }
  /** Of an API client: it stands in the history, and is told on the bus. */
  | { to: 'session'; sessionKey: string }
  /** `[webhooks.out.NAME]` */
  | { to: 'webhook'; name: string }
  | { to: 'nowhere' };

/** Whether it comes to this conversation. */
export function goesTo(deliver: TaskDelivery, here: ConversationRef | null): boolean {
  if (deliver.to !== 'conversation' || here === null) return false;
  const { channel, account, native, thread } = deliver.conversation;
  return channel === here.channel && account === here.account && native === here.native && thread === here.thread;
}

export interface TaskResult {
  /** Markdown. Empty: there is nothing to tell, and nobody is told. */
  text: string;
  files: OutboundFile[];
  /** Where the text comes from when somebody else than the person may have written it; null: nowhere else. */
  outside: string | null;
}

export interface TaskProgress {
  /** 0 to 1; null: unknown. */
  done: number | null;
  /** One line. */
  text: string;
}

/** Deaths of the process that a task may be at work in; the last one ends it. */
export const maxTaskCrashes = 3;

/** How a task ends in which the process died too often. */
export const crashedError: ErrorData = {
  kind: 'storage',
  code: 'crashed',
  message: `The gateway died ${maxTaskCrashes} times while it was at work on this; it is not tried again by itself.`,
  retryable: false,
};

/** Characters of a result that is kept; the rest belongs in a file. */
export const maxResultText = 32_768;

const firstRetryMs = 10_000;
const maxRetryMs = 3_600_000;

/** The longest time that an error may ask to be waited for; of a job's slot `maxRetryMs`, as its next one comes anyway. */
const maxHintMs = 86_400_000;

interface Attempted {
  attempts: number;
  maxAttempts: number;
  /** See TaskTrigger. */
  trigger: string;
}

/**
 * Milliseconds until the attempt after one that failed, or null: the task has failed for good. 10 s, 40 s, 160 s, … up to
 * an hour, ± 20 %. What the error asks to be waited for, such as the renewal of a budget, is never shortened: when it is
 * too long, there is no further attempt. `unit`: uniform in [0, 1).
 */
export function nextAttemptMs(error: ErrorData, task: Attempted, unit: number): number | null {
  const { retryable, retryAfterMs = 0 } = error;
  if (!retryable || task.attempts >= task.maxAttempts) return null;
  if (retryAfterMs > (task.trigger === 'slot' ? maxRetryMs : maxHintMs)) return null;
  const backoffMs = Math.min(firstRetryMs * 4 ** (task.attempts - 1), maxRetryMs) * (0.8 + 0.4 * unit);
  return Math.round(Math.max(retryAfterMs * (1 + unit / 10), backoffMs));
}

/** What stands in the story of a task. */
export type TaskEventKind =
  | 'queued'
  | 'started'
  | 'step'
  | 'retrying'
  | 'released'
  | 'crashed'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'delivered';

export interface TaskEvent {
  /** Counts from 1 for each task. */
  n: number;
  at: number;
  kind: TaskEventKind;
  /** In a few words; never contents. */
  detail: string;
}
