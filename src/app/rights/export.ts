import { createHash } from 'node:crypto';
import { ClankerError, notFound } from '../../core/errors.ts';
import type { FileStorage } from '../../core/ports/files.ts';
import type { PersonFiles } from '../../core/ports/person-files.ts';
import type { OwnedRow, RightsStore } from '../../core/ports/rights-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { scopeIncludes, type Principal } from '../../core/principal.ts';
import type { Audit } from '../audit/audit.ts';

/** Bytes of a file in one line. */
const pieceBytes = 48 * 1024;

export interface ExportDeps {
  store: RightsStore & Pick<Store, 'person'>;
  files: Pick<FileStorage, 'read'>;
  personFiles: Pick<PersonFiles, 'walk' | 'read'>;
  audit: Audit;
}

/**
 * All that belongs to a person, as JSON lines without line ends: `{"export"}` first, then `{"table", "row"}` of every
 * table and, behind the row of a file, its bytes as `{"file", "piece", "base64"}`; then those of their own folder as
 * `{"path", "piece", "base64"}`; last `{"end"}` with the counts and the SHA-256 of all lines before, each with its "\n".
 * Without an end it is not whole. The same data give the same lines. Oneself; with `admin` everybody.
 */
export async function exportPerson(
  principal: Principal,
  person: string,
  deps: ExportDeps,
): Promise<AsyncIterable<string>> {
  const allowed = person === principal.person || scopeIncludes(principal.scope, 'admin');
  if (!allowed || (await deps.store.person(person)) === null) throw notFound('person');
  // Written before the first line: who leaves early has read some of it.
  await deps.audit.record(principal, 'person.exported', person);
  return linesOf(person, deps);
}

async function* linesOf(person: string, deps: ExportDeps): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const rows: Record<string, number> = {};
  for await (const value of valuesOf(person, deps)) {
    if ('table' in value) rows[value.table] = (rows[value.table] ?? 0) + 1;
    const text = JSON.stringify(value);
    hash.update(text).update('\n');
    yield text;
  }
  yield JSON.stringify({ end: { rows, sha256: hash.digest('hex') } });
}

async function* valuesOf(person: string, { store, files, personFiles }: ExportDeps): AsyncGenerator<OwnedRow | object> {
  yield { export: { format: 'open-clanker-person', version: 1, person } };
  for await (const owned of store.ownedRows(person)) {
    yield owned;
    const { id } = owned.row;
    if (owned.table !== 'files' || typeof id !== 'string') continue;
    for (const piece of piecesOf(await files.read(id))) yield { file: id, ...piece };
  }
  for await (const { path, kind } of personFiles.walk(person, '')) {
    if (kind !== 'file') continue;
    const bytes = await personFiles.read(person, path).then((content) => content.bytes, problemOf);
    if (bytes instanceof Uint8Array) for (const piece of piecesOf(bytes)) yield { path, ...piece };
    else yield { path, problem: bytes };
  }
}

/** Of a file that went while others were read, or that a program made too large to be read. */
function problemOf(error: unknown): string {
  if (error instanceof ClankerError && error.kind === 'invalid_input') return error.message;
  throw error;
}

function* piecesOf(bytes: Uint8Array | null): Generator<{ piece: number; base64: string }> {
  if (bytes === null) return;
  let piece = 0;
  do {
    const start = piece * pieceBytes;
    yield { piece, base64: Buffer.from(bytes.subarray(start, start + pieceBytes)).toString('base64') };
    piece++;
  } while (piece * pieceBytes < bytes.length);
}
