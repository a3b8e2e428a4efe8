import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/audit.ts';
import { ClankerError, notFound } from '../../core/errors.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { FileStorage } from '../../core/ports/files.ts';
import type { Erasure, ErasureReceipt, RightsStore, RowKeys } from '../../core/ports/rights-store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { ownerPerson, requireScope, type Principal } from '../../core/principal.ts';
import type { Directory } from '../access/directory.ts';
import type { Tokens } from '../access/tokens.ts';
import { actorOf, type Audit } from '../audit/audit.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import { inTurn } from '../lifecycle/in-turn.ts';
import type { RunQueue } from '../runs/queue.ts';

/** What was at work when it began can add rows behind the pass; more passes than this mean a fault. */
const maxPasses = 10;
const maxOpen = 100;
const runsEndWithinMs = 10_000;
const runsAskedEveryMs = 100;
const maxLogTries = 100;
const logAskedEveryMs = 100;
const lookEveryMs = 600_000;

/** What those hear who wait for an answer to somebody erased. */
export const personErased = (): ClankerError => new ClankerError('conflict', 'aborted', 'The person was erased.');

export interface ErasureDeps {
  store: RightsStore;
  clock: Clock;
  log: Log;
  files: Pick<FileStorage, 'remove'>;
  tokens: Pick<Tokens, 'forgetPerson'>;
  runs: Pick<RunQueue, 'abortRun'>;
  directory: Pick<Directory, 'forget'>;
  bus: Pick<Bus, 'forget'>;
  audit: Audit;
  crash: CrashPoint;
  /** The gateway stops: what is not done yet is done after the restart. */
  stopping: AbortSignal;
  /** Further things that remember people: caches in memory, folders on disk. */
  forget: readonly ((person: string) => Promise<void> | void)[];
  /** What cannot be removed, in words, for the receipt. */
  kept: () => string[];
}

/**
 * Removes a person from everything, one bounded step at a time. What was begun is on disk: a gateway that ends in the
 * middle goes on with it at its next start.
 */
export class Erasures {
  readonly #deps: ErasureDeps;
  readonly #inTurn = inTurn();
  readonly #atWork = new Map<string, Promise<ErasureReceipt>>();

  constructor(deps: ErasureDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'rights' }) };
  }

  /** Resolves with the receipt when nothing is left; asked again, it is the same one. */
  async erase(principal: Principal, person: string): Promise<ErasureReceipt> {
    requireScope(principal, 'admin');
    if (person === ownerPerson) {
      throw new ClankerError('conflict', 'owner_fixed', 'The person "owner" is who runs the gateway; it stays.');
    }
    const { store, clock } = this.#deps;
    const erasure = await store.beginErasure(person, actorOf(principal), clock.now());
    if (erasure === null) throw notFound('person');
    return erasure.receipt ?? this.#finish(erasure);
  }

  /** Newest first. */
  async receipts(limit: number): Promise<ErasureReceipt[]> {
    const known = await this.#deps.store.erasures(false, limit);
    return known.flatMap(({ receipt }) => receipt ?? []);
  }

  /** Goes on with what a crash or a full disk left half done, at the start and from time to time. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.resume();
      await this.#deps.clock.sleep(lookEveryMs, signal).catch(() => undefined);
    }
  }

  /** What is half done, once. */
  async resume(): Promise<void> {
    for (const erasure of await this.#deps.store.erasures(true, maxOpen)) {
      if (!this.#atWork.has(erasure.person)) {
        this.#deps.log.warn('an erasure was interrupted and goes on', { person: erasure.person });
      }
      await this.#finish(erasure);
    }
  }

  #finish(erasure: Erasure): Promise<ErasureReceipt> {
    const { person } = erasure;
    const begun = this.#atWork.get(person);
    if (begun !== undefined) return begun;
    const work = this.#inTurn(() => this.#work(erasure)).finally(() => this.#atWork.delete(person));
    this.#atWork.set(person, work);
    return work;
  }

  async #work({ person, begunBy, begunAt }: Erasure): Promise<ErasureReceipt> {
    const { store, clock, log, tokens, audit, kept } = this.#deps;
    tokens.forgetPerson(person);
    await this.#forget(person);
    await this.#endRuns(person);
    await this.#removeAll(person);
    await this.#forget(person);
    await store.forgetTraces(person);
    const compacted = (await store.compact()) && (await this.#emptyLog());
    const [erasure] = (await store.erasures(true, maxOpen)).filter((open) => open.person === person);
    const told = { person, begunAt, finishedAt: clock.now(), removed: erasure?.removed ?? {}, compacted, kept: kept() };
    const receipt = { ...told, digest: createHash('sha256').update(canonicalJson(told)).digest('hex') };
    // Asked in one go, both are of one transaction.
    const rows = Object.values(receipt.removed).reduce((sum, count) => sum + count, 0);
    await Promise.all([
      store.finishErasure(receipt),
      audit.recordBy(begunBy, 'person.erased', person, { rows, digest: receipt.digest }),
    ]);
    log.info('a person was erased', { person, rows });
    return receipt;
  }

  async #forget(person: string): Promise<void> {
    const { directory, bus, forget } = this.#deps;
    directory.forget();
    bus.forget();
    for (const other of forget) await other(person);
  }

  /** A run that does not end is left behind: what it still writes is found by the passes. */
  async #endRuns(person: string): Promise<void> {
    const { store, clock, runs, stopping } = this.#deps;
    for (let waited = 0; waited < runsEndWithinMs; waited += runsAskedEveryMs) {
      const active = await store.runsOf(person);
      const ending = active.filter((id) => runs.abortRun(id, null, 'requested', 'The person was erased.'));
      if (ending.length === 0) return;
      await clock.sleep(runsAskedEveryMs, stopping);
    }
  }

  /** Others who read, such as an export, hold it for a moment at a time. */
  async #emptyLog(): Promise<boolean> {
    const { store, clock, stopping } = this.#deps;
    for (let tries = 0; tries < maxLogTries; tries++) {
      if (await store.emptyLog()) return true;
      await clock.sleep(logAskedEveryMs, stopping);
    }
    return false;
  }

  async #removeAll(person: string): Promise<void> {
    const { store, stopping } = this.#deps;
    for (let pass = 0; pass < maxPasses; pass++) {
      let found = false;
      for await (const rows of store.erasable(person, stopping)) {
        found = true;
        await this.#remove(person, rows);
      }
      if (!found) return;
    }
    throw new ClankerError('storage', 'erasure_incomplete', 'Rows of the person keep coming; it is tried again.', {
      retryable: true,
    });
  }

  /** Bytes go before the row that names them: a crash between leaves a row that finds them again. */
  async #remove(person: string, rows: RowKeys): Promise<void> {
    const { store, files, crash } = this.#deps;
    if (rows.table === 'files') for (const [id = ''] of rows.keys) await files.remove(String(id));
    await store.eraseRows(person, rows);
    crash('erasing');
  }
}
