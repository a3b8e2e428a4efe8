/** Runs that were recorded: a part of the Store, under its promises. */
import type { JsonObject, Message } from '../message.ts';
import type { SummaryRow } from './run-store.ts';

export interface RecordingRow {
  runId: string;
  /** 0 is what the run worked with; from 1 its model calls. */
  n: number;
  /** Who asked. */
  owner: string;
  sessionKey: string;
  data: JsonObject;
  at: number;
}

export interface RecordingStore {
  /** Nobody waits for it: a recording is lost in a crash, the run is not. */
  saveRecording(rows: RecordingRow[]): Promise<void>;
  /** In the order of `n`; empty when there is none, or with an owner when it is somebody else's. */
  recording(runId: string, owner: string | null): Promise<RecordingRow[]>;
  /** What models see of a session, as a run that began now would. Null when it is not there, or with an owner when it is somebody else's. */
  sessionHistory(
    key: string,
    owner: string | null,
    limits: { turns: number; messages: number },
  ): Promise<{ history: Message[]; summary: SummaryRow | null } | null>;
}
