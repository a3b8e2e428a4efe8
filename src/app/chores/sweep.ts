import type { FileStorage } from '../../core/ports/files.ts';
import type { Cutoffs, RightsStore } from '../../core/ports/rights-store.ts';
import type { Clock } from '../../core/ports/system.ts';

/** Between two steps others have their turn. */
const pauseMs = 20;
const filesAtOnce = 100;
/** An upload may wait this long for the message that it belongs to. */
const keepLooseMs = 7 * 86_400_000;
/** Bytes without a row are those of a crash, unless they are being stored just now. */
const keepOrphansMs = 86_400_000;

/** How long what came by a channel is kept, in milliseconds; null: for ever. */
export interface ChannelRetention {
  default: number | null;
  channels: Readonly<Record<string, number>>;
}

export interface SweepDeps {
  store: RightsStore;
  files: Pick<FileStorage, 'list' | 'remove'>;
  clock: Clock;
  retention: () => ChannelRetention;
}

/** Stored files that nothing needs, and how many there were. To find what nothing names, everything is read. */
export async function dropFiles(deps: SweepDeps, signal: AbortSignal): Promise<number> {
  return (await dropLoose(deps, signal)) + (await dropOrphans(deps, signal));
}

/** What retention has outlived, a small step at a time; how many rows there were. */
export async function expire({ store, clock, retention }: SweepDeps, signal: AbortSignal): Promise<number> {
  const cutoffs = cutoffsAt(clock.now(), retention());
  if (cutoffs === null) return 0;
  let removed = 0;
  for await (const rows of store.expired(cutoffs, signal)) {
    if (signal.aborted) break;
    await store.expireRows(rows);
    removed += rows.keys.length;
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
  return removed;
}

/** Null when everything is kept. */
function cutoffsAt(now: number, retention: ChannelRetention): Cutoffs | null {
  const channels = Object.fromEntries(Object.entries(retention.channels).map(([name, ms]) => [name, now - ms]));
  const nothing = retention.default === null && Object.keys(channels).length === 0;
  return nothing ? null : { default: retention.default === null ? null : now - retention.default, channels };
}

/** Stored files that no message, note or anything else names any more. */
async function dropLoose({ store, files, clock }: SweepDeps, signal: AbortSignal): Promise<number> {
  let removed = 0;
  for await (const id of store.looseFiles(clock.now() - keepLooseMs, signal)) {
    if (signal.aborted) break;
    await store.forgetFiles([id]);
    await files.remove(id);
    removed++;
  }
  return removed;
}

/** Bytes on disk that no row knows: left by a crash between fetching and storing, or between forgetting and removing. */
async function dropOrphans({ store, files, clock }: SweepDeps, signal: AbortSignal): Promise<number> {
  const before = clock.now() - keepOrphansMs;
  let removed = 0;
  let batch: string[] = [];
  const drop = async (): Promise<void> => {
    for (const id of await store.unknownFiles(batch)) {
      await files.remove(id);
      removed++;
    }
    batch = [];
  };
  for await (const { id, savedAt } of files.list()) {
    if (signal.aborted) return removed;
    if (savedAt < before && id.startsWith('file_')) batch.push(id);
    if (batch.length >= filesAtOnce) await drop();
  }
  await drop();
  return removed;
}
