/**
 * What belongs to a person, over all tables, and how it goes: a part of the Store, under its promises. What reads many
 * rows has a process with a connection of its own, so nobody waits behind it; what removes them takes their keys in
 * bounded batches.
 */
import type { AuditActor } from '../audit.ts';
import type { JsonObject } from '../message.ts';

/** One row of a person, its columns as they are stored; JSON is parsed, hashes of secrets are left out. */
export interface OwnedRow {
  table: string;
  row: JsonObject;
}

/** Rows by their primary keys, to be handed back for removal; at most 100. */
export interface RowKeys {
  table: string;
  keys: (string | number)[][];
}

/** What is kept of an erasure for good: nothing that says who it was but our own id. */
export interface ErasureReceipt {
  person: string;
  begunAt: number;
  finishedAt: number;
  /** Rows by table. */
  removed: Record<string, number>;
  /** False: the database is so large that it was not rewritten; remnants stay in its free space. */
  compacted: boolean;
  /** What could not be removed, in words. */
  kept: string[];
  /** SHA-256 (hex) of the canonical JSON of all the rest. */
  digest: string;
}

export interface Erasure {
  person: string;
  begunBy: AuditActor;
  begunAt: number;
  removed: Record<string, number>;
  /** Null while it is at work. */
  receipt: ErasureReceipt | null;
}

/** Times before which what came by a channel is removed; null: never. */
export interface Cutoffs {
  default: number | null;
  /** By channel such as `telegram`, or `api`. */
  channels: Record<string, number>;
}

export interface RightsStore {
  // ── readings: each a process; `signal` ends it at once
  /** Everything of a person, table by table, in the order of its keys: the same rows give the same sequence. */
  ownedRows(person: string): AsyncIterable<OwnedRow>;
  /** What an erasure that was begun has to remove still. */
  erasable(person: string, signal?: AbortSignal): AsyncIterable<RowKeys>;
  /** What is older than its channel's cutoff and not under way. */
  expired(cutoffs: Cutoffs, signal?: AbortSignal): AsyncIterable<RowKeys>;
  /** Ids of files from before a time that no row of any table names. */
  looseFiles(before: number, signal?: AbortSignal): AsyncIterable<string>;

  // ── removal
  /**
   * From here on nobody is this person: identities, admissions, tokens and the row itself go at once, and what finds
   * their traces elsewhere is noted. Begun before: as it stands. Null: nobody has this id.
   */
  beginErasure(person: string, by: AuditActor, at: number): Promise<Erasure | null>;
  /** Ids of runs at work that answer the person. */
  runsOf(person: string): Promise<string[]>;
  eraseRows(person: string, rows: RowKeys): Promise<void>;
  /** All rows are gone: what the traces were found by goes as the last. */
  forgetTraces(person: string): Promise<void>;
  finishErasure(receipt: ErasureReceipt): Promise<void>;
  /** Newest first, at most `limit`; `open`: only those that have no receipt. */
  erasures(open: boolean, limit: number): Promise<Erasure[]>;
  /**
   * Rewrites the file, so that nothing removed stays in its free space, and removes the copies that earlier updates
   * left beside it. False when the file is larger than 512 MiB: that would hold everybody up for more than some seconds.
   */
  compact(): Promise<boolean>;
  /** Brings the log home and leaves it without a byte; false while somebody reads it. */
  emptyLog(): Promise<boolean>;

  expireRows(rows: RowKeys): Promise<void>;
  /** Of these ids those that are no stored file. */
  unknownFiles(ids: string[]): Promise<string[]>;
  /** Forgets the rows of files. */
  forgetFiles(ids: string[]): Promise<void>;
}
