/** How a kind of task is carried out. One implementation for each PayloadKind; the runner does all the rest. */
import type { JsonObject } from '../message.ts';
import type { Payload, PayloadKind } from '../payload.ts';
import type { TaskProgress, TaskResult } from '../task.ts';
import type { TaskRow, TaskStep } from './schedule-store.ts';

/** One attempt. */
export interface TaskWork<P extends Payload = Payload> {
  /** `payload` is what is to be done: of a workflow's step it is that of the step. */
  task: TaskRow;
  payload: P;
  /** Stable over attempts and restarts, unique for each effect: the task's id, or that with the step's. */
  key: string;
  /** An earlier attempt was cut by a crash or a stop: what it did is unknown. */
  again: boolean;
  /** What the run before of the same job kept; null: nothing. */
  memory: JsonObject | null;
  /** Aborts when the task is cancelled, its lease is lost, its time is up, or the gateway stops. */
  signal: AbortSignal;
  progress(progress: TaskProgress): void;
  /** Of workflows. Rejects when the task is not held any more. */
  steps: { known(): Promise<TaskStep[]>; save(step: TaskStep): Promise<void> };
}

export interface TaskOutcome extends TaskResult {
  /** For the job's next run. Absent: what it was. */
  memory?: JsonObject | null;
}

export interface TaskKind<K extends PayloadKind = PayloadKind> {
  readonly kind: K;
  /** May be carried out once more when a crash hid what became of it. */
  readonly repeatable: boolean;
  /** How long an attempt may take; default: `tasks.timeout`. */
  readonly timeoutMs?: number;
  /** How long an attempt that was aborted may take to end; default 5 s. */
  readonly graceMs?: number;
  /** What is wrong with a payload before it is stored, in words; null: nothing. */
  problem?(payload: Extract<Payload, { kind: K }>, owner: string): Promise<string | null>;
  /** Rejects with a ClankerError: one that is `retryable` is tried again. */
  run(work: TaskWork<Extract<Payload, { kind: K }>>): Promise<TaskOutcome>;
}

/** The code of a kind is loaded when it is first asked for. Null: there is no such kind here. */
export type TaskKinds = (kind: PayloadKind) => Promise<TaskKind | null>;
