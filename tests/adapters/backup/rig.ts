/** A data directory with a real database and files, and a backup of it. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  finishRestore,
  stageRestore,
  writeBackup,
  type BackupParts,
  type RestoreParts,
} from '../../../src/adapters/backup/index.ts';
import { copyTree } from '../../../src/adapters/files/copy-tree.ts';
import { openStore, type SqliteStore } from '../../../src/adapters/store/sqlite/index.ts';
import { databaseTools } from '../../../src/adapters/store/sqlite/tools.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import type { Restored } from '../../../src/core/backup.ts';
import { inboundRow } from '../store/rows.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { migrationsDir, putEmptyDatabase } from '../../support/store.ts';

export const never = new AbortController().signal;
export const tools = databaseTools();
export const parts: BackupParts & RestoreParts = {
  copyDatabase: tools.copy,
  inspectDatabase: tools.inspect,
  settleDatabase: tools.settle,
  copyTree,
};
export const known = readdirSync(migrationsDir).filter((name) => name.endsWith('.sql')).length;

export class Place implements Disposable {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'clanker-backup-'));
  readonly folder = path.join(this.dir, 'data');
  readonly database = path.join(this.folder, 'open-clanker.db');
  readonly backup = path.join(this.dir, 'kept');

  constructor() {
    mkdirSync(this.folder);
  }

  open(): Promise<SqliteStore> {
    const log = new KeptLog();
    return openStore({ path: this.database, migrationsDir, log, metrics: new CountedMetrics(), clock: systemClock });
  }

  /** Sessions named as said, and a file of each kind that holds the word. */
  async fill(word: string, ...messages: string[]): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    if (!existsSync(this.database)) await putEmptyDatabase(this.database);
    const store = await this.open();
    for (const id of messages) await store.commitInbound([inboundRow(id, { state: 'handled' })]);
    await store.close();
    for (const file of ['files/file_1', 'people/owner/files/deep/note.txt', 'skills/greet/SKILL.md'])
      this.put(file, word);
    writeFileSync(path.join(this.folder, 'token'), 'a token that stays where it is');
  }

  put(file: string, text: string): void {
    mkdirSync(path.dirname(path.join(this.folder, file)), { recursive: true });
    writeFileSync(path.join(this.folder, file), text);
  }

  link(file: string, to: string): void {
    symlinkSync(to, path.join(this.folder, file));
  }

  write(at = systemClock.now()): ReturnType<typeof writeBackup> {
    return writeBackup(this, this.backup, parts, { program: '1.0.0', at, signal: never });
  }

  stage(more: { from?: string; known?: number; step?: (name: string) => void } = {}): ReturnType<typeof stageRestore> {
    const request = { from: this.backup, at: systemClock.now(), by: null, known, signal: never, ...more };
    return stageRestore(this, parts, request);
  }

  finish(step?: (name: string) => void): Promise<Restored | null> {
    return finishRestore(this, { hold: () => tools.hold(this.database), inspectDatabase: tools.inspect }, step);
  }

  /** The word in the files and the messages in the database: what a person would find after a start. */
  shown(): { word: string; messages: string[] } {
    const db = new DatabaseSync(this.database);
    try {
      const rows = db.prepare('SELECT id FROM inbox ORDER BY seq').all() as { id: string }[];
      return { word: readFileSync(path.join(this.folder, 'files/file_1'), 'utf8'), messages: rows.map(({ id }) => id) };
    } finally {
      db.close();
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
