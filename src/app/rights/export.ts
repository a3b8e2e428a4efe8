import { createHash } from 'node:crypto';
import { notFound } from '../../core/errors.ts';
import type { FileStorage } from '../../core/ports/files.ts';
import type { RightsStore } from '../../core/ports/rights-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { scopeIncludes, type Principal } from '../../core/principal.ts';
import type { Audit } from '../audit/audit.ts';

/** Bytes of a file in one line. */
const pieceBytes = 48 * 1024;

export interface ExportDeps {
  store: RightsStore & Pick<Store, 'person'>;
  files: Pick<FileStorage, 'read'>;
  audit: Audit;
}

/**
 * All that belongs to a person, as JSON lines without line ends: `{"export"}` first, then `{"table", "row"}` of every
 * table and, behind the row of a file, its bytes as `{"file", "piece", "base64"}`; last `{"end"}` with the counts and
 * the SHA-256 of all lines before, each with its "\n". Without an end it is not whole. The same data give the same lines.
 * Oneself; with `admin` everybody.
 */
export async function exportPerson(
  principal: Principal,
  person: string,
  { store, files, audit }: ExportDeps,
): Promise<AsyncIterable<string>> {
  const allowed = person === principal.person || scopeIncludes(principal.scope, 'admin');
  if (!allowed || (await store.person(person)) === null) throw notFound('person');
  // Written before the first line: who leaves early has read some of it.
  await audit.record(principal, 'person.exported', person);
  return linesOf(person, store, files);
}

async function* linesOf(person: string, store: RightsStore, files: Pick<FileStorage, 'read'>): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const line = (value: unknown): string => {
    const text = JSON.stringify(value);
    hash.update(text).update('\n');
    return text;
  };
  const counts: Record<string, number> = {};
  yield line({ export: { format: 'open-clanker-person', version: 1, person } });
  for await (const { table, row } of store.ownedRows(person)) {
    counts[table] = (counts[table] ?? 0) + 1;
    yield line({ table, row });
    if (table !== 'files') continue;
    const { id } = row;
    if (typeof id !== 'string') continue;
    let piece = 0;
    for (const base64 of piecesOf((await files.read(id)) ?? new Uint8Array())) {
      yield line({ file: id, piece: piece++, base64 });
    }
  }
  const sha256 = hash.digest('hex');
  yield JSON.stringify({ end: { rows: counts, sha256 } });
}

function* piecesOf(bytes: Uint8Array): Generator<string> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    yield Buffer.from(bytes.subarray(start, start + pieceBytes)).toString('base64');
  }
}
