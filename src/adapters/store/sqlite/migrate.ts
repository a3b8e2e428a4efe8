import { chmodSync, closeSync, fsyncSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ClankerError } from '../../../core/errors.ts';
import type { Database } from './database.ts';
import { newerSchema, notOurs, storageError } from './errors.ts';

/** `PRAGMA application_id` of our files: "OClk". */
export const applicationId = 0x4f436c6b;

interface Migration {
  version: number;
  file: string;
}

/** The numbered files `0001_name.sql`, … of a folder; they count from 1 without holes. */
function migrationsOf(folder: string): Migration[] {
  const files = readdirSync(folder)
    .filter((name) => /^\d{4}_.+\.sql$/.test(name))
    .sort();
  return files.map((name, index) => {
    const version = Number(name.slice(0, 4));
    if (version !== index + 1) throw new Error(`migration ${name} should have number ${index + 1}`);
    return { version, file: path.join(folder, name) };
  });
}

/**
 * Brings the schema forward, one transaction per file, or refuses: a file of another program, a newer schema. A copy
 * of a file that held data is kept beside it as `<name>.schema-<n>.bak` before its schema changes.
 */
export function migrate(db: Database, file: string, folder: string): void {
  const migrations = migrationsOf(folder);
  const known = migrations.length;
  const found = db.pragma<number>('user_version');
  const owner = db.pragma<number>('application_id');
  const tables = db.get<{ n: number }>('SELECT COUNT(*) AS n FROM sqlite_schema')?.n ?? 0;
  const fresh = found === 0 && owner === 0 && tables === 0;
  if (!fresh && owner !== applicationId) throw notOurs();
  if (found > known) throw newerSchema(found, known);
  if (!fresh && found < known) keepCopy(db, `${file}.schema-${found}.bak`);
  for (const migration of migrations.slice(found)) apply(db, migration);
}

function apply(db: Database, { version, file }: Migration): void {
  db.run('BEGIN IMMEDIATE');
  try {
    db.script(readFileSync(file, 'utf8'));
    db.script(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`);
    db.run('COMMIT');
  } catch (error) {
    db.rollback();
    const known = storageError(error);
    if (known.code !== 'internal') throw known;
    throw new ClankerError(
      'storage',
      'migration_failed',
      `The database could not be brought to schema ${version} and was left as it is; go back to the version before and report this.`,
      { cause: error },
    );
  }
}

function keepCopy(db: Database, copy: string): void {
  rmSync(copy, { force: true });
  db.run('VACUUM INTO ?', copy);
  chmodSync(copy, 0o600);
  const handle = openSync(copy, 'r+');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
