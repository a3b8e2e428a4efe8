import { type ClankerError, errorData } from '../../../core/errors.ts';
import { type BatchOutcome, runBatch } from './batch.ts';
import type { Database } from './database.ts';
import { closed, fileGone, storageError } from './errors.ts';
import { closeDatabase, fileIdentity, nextGeneration, openDatabase, takeOwnership } from './open.ts';
import { undo } from './operations.ts';
import type { Request } from './protocol.ts';

/**
 * Owns the database file: the lock, the one connection, and its recovery. After a full disk or an I/O error it opens
 * the connection anew and tries until a write works again; when the file itself is taken away nothing is accepted.
 */
export class Owner {
  readonly #file: string;
  readonly #migrationsDir: string;
  readonly #lock: Database;
  #db: Database | null;
  #identity: string;
  #trouble: ClankerError | null = null;
  /** Something was written since the last generation. */
  #dirty = false;
  /** Claims of failed commits. A commit whose fsync failed can come back from the log when the file is opened anew. */
  #unheard: BatchOutcome['unheard'] = [];

  constructor(file: string, migrationsDir: string) {
    this.#file = file;
    this.#migrationsDir = migrationsDir;
    this.#lock = takeOwnership(file);
    try {
      this.#db = openDatabase(file, migrationsDir);
    } catch (error) {
      this.#lock.close();
      throw storageError(error);
    }
    this.#identity = fileIdentity(file);
  }

  /** What keeps the store from working, or null. */
  get trouble(): ClankerError | null {
    return this.#trouble;
  }

  get connection(): Database | null {
    return this.#db;
  }

  execute(requests: readonly Request[]): BatchOutcome {
    this.#repair();
    if (this.#db === null) return refused(requests, this.#trouble ?? closed());
    const outcome = runBatch(this.#db, requests, () => this.#requireFile());
    if (outcome.failure?.code === 'damaged' && requests.length > 1) return this.#oneByOne(requests);
    if (outcome.failure !== null) this.#failed(outcome.failure, outcome.unheard);
    else if (outcome.commitSeconds !== null) this.#wrote();
    return outcome;
  }

  /** A transaction that touched a damaged page is lost with all that is in it; the others need not suffer. */
  #oneByOne(requests: readonly Request[]): BatchOutcome {
    const outcomes = requests.map((request) => this.execute([request]));
    return {
      replies: outcomes.flatMap(({ replies }) => replies),
      commitSeconds: outcomes.findLast(({ commitSeconds }) => commitSeconds !== null)?.commitSeconds ?? null,
      failure: null,
      unheard: [],
    };
  }

  /**
   * Called every second: notices a missing file without traffic, tries whether writing works again, and begins a new
   * generation when something was written.
   */
  probe(): void {
    try {
      this.#requireFile();
      if (this.#trouble === null && !this.#dirty) return;
      this.#repair();
      if (this.#db === null) return;
      nextGeneration(this.#db, this.#file);
      this.#dirty = false;
      if (this.#trouble?.code !== 'damaged') this.#trouble = null;
    } catch (error) {
      this.#failed(storageError(error), []);
    }
  }

  close(): void {
    try {
      if (this.#db !== null) closeDatabase(this.#db, this.#file);
    } finally {
      this.#db = null;
      this.#lock.close();
    }
  }

  #requireFile(): void {
    if (this.#db !== null && fileIdentity(this.#file) !== this.#identity) throw fileGone();
  }

  #failed(failure: ClankerError, unheard: BatchOutcome['unheard']): void {
    if (failure.code === 'storage_busy') return;
    this.#trouble = failure;
    if (failure.code !== 'storage_io') return;
    this.#unheard.push(...unheard.filter(({ operation, value }) => operation in undo && value !== null));
    this.#drop();
  }

  /** Damage stays known until a restart: that other pages work says nothing. */
  #wrote(): void {
    this.#dirty = true;
    if (this.#trouble?.code !== 'damaged') this.#trouble = null;
  }

  #drop(): void {
    try {
      if (this.#db !== null) closeDatabase(this.#db, this.#file);
    } catch {
      // A connection that cannot even be closed well is left to the log's recovery.
    }
    this.#db = null;
  }

  /** Opens the file again after an I/O error and takes back the claims nobody heard of. */
  #repair(): void {
    if (this.#db !== null) return;
    let db: Database | null = null;
    try {
      db = openDatabase(this.#file, this.#migrationsDir);
      this.#takeBack(db);
      this.#db = db;
      this.#identity = fileIdentity(this.#file);
    } catch (error) {
      db?.close();
      this.#trouble = storageError(error);
    }
  }

  #takeBack(db: Database): void {
    if (this.#unheard.length === 0) return;
    db.run('BEGIN IMMEDIATE');
    for (const { operation, value } of this.#unheard) {
      (undo[operation] as ((db: Database, claim: unknown) => void) | undefined)?.(db, value);
    }
    db.run('COMMIT');
    this.#unheard = [];
  }
}

const refused = (requests: readonly Request[], error: ClankerError): BatchOutcome => ({
  replies: requests.map(({ id }) => ({ id, error: errorData(error) })),
  commitSeconds: null,
  failure: error,
  unheard: [],
});
