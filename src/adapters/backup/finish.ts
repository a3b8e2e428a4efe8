import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { countDifferences, rowsOf, type DatabaseReport, type Restored } from '../../core/backup.ts';
import { codeOf, look, removeAll, replaceFile } from './disk.ts';
import { carryOut, closeJournal, readJournal, stagingFolder } from './journal.ts';
import type { DataPlaces } from './write.ts';

export interface FinishParts {
  /** Keeps every gateway off the data until what it resolves with is called; rejects when one is at work. Null: held already. */
  hold: (() => Promise<() => void>) | null;
  inspectDatabase: (file: string, signal: AbortSignal) => Promise<DatabaseReport>;
}

/**
 * To be called before anything of the data is opened: completes a restore that was begun, counts the rows once more,
 * and tells. Null, and two looks at the disk, when there is none. Copies that a crash left before the journal are
 * removed.
 */
export async function finishRestore(
  { folder, database }: DataPlaces,
  parts: FinishParts,
  step: (name: string) => void = () => undefined,
): Promise<Restored | null> {
  if ((await readJournal(folder)) === null && (await look(stagingFolder(folder))) === null) return null;
  const release = (await parts.hold?.()) ?? (() => undefined);
  try {
    const journal = await readJournal(folder);
    if (journal === null) {
      for (const each of new Set([folder, path.dirname(database)])) await removeAll(stagingFolder(each));
      return null;
    }
    await carryOut(journal, step);
    const report = await parts.inspectDatabase(journal.database, new AbortController().signal);
    const restored: Restored = {
      at: journal.at,
      from: journal.from,
      backupAt: journal.backupAt,
      before: path.join(folder, journal.aside),
      rows: rowsOf(report.tables),
      files: journal.files,
      problems: [...report.problems, ...countDifferences(report.tables, journal.tables)],
      by: journal.by,
    };
    await replaceFile(restoredFile(folder), `${JSON.stringify(restored)}\n`);
    step('told');
    await closeJournal(journal);
    step('closed');
    return restored;
  } finally {
    release();
  }
}

/** What the last restore came to stays readable. */
const restoredFile = (folder: string): string => path.join(folder, 'restored.json');

/** Null when nothing was ever restored here. */
export async function lastRestored(folder: string): Promise<Restored | null> {
  try {
    return JSON.parse(await readFile(restoredFile(folder), 'utf8')) as Restored;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}
