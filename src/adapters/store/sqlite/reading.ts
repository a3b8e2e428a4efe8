/**
 * What reads many rows, in a process of its own with a connection that only reads: a page at a time, so that nothing is
 * held open while whoever reads takes their time. Prints JSON, one value a line.
 */
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import type { Cutoffs, OwnedRow, RowKeys } from '../../../core/ports/rights-store.ts';
import type { JsonObject, JsonValue } from '../../../core/message.ts';
import { Database } from './database.ts';
import { keyOf, ownedTables, tracesOf } from './owned.ts';

/** What may be asked of the process, each with one argument. */
export const readings = {
  owned: (db: Database, person: string) => ownedRows(db, person),
  erasable: (db: Database, person: string) => erasable(db, person),
  expired: (db: Database, cutoffs: string) => expired(db, JSON.parse(cutoffs) as Cutoffs),
  loose: (db: Database, before: string) => looseFiles(db, Number(before)),
} satisfies Record<string, (db: Database, argument: string) => Iterable<unknown>>;

export type Reading = keyof typeof readings;

type Cell = string | number | null;
type Key = (string | number)[];

/** Rows that are read at once, and keys of one line. */
const pageRows = 100;

export async function print(path: string, reading: Reading, argument: string): Promise<void> {
  // Nobody waits for this process who could not wait a little longer.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const db = new Database(path, { readOnly: true });
  try {
    for (const value of readings[reading](db, argument)) {
      if (!process.stdout.write(`${JSON.stringify(value)}\n`)) await once(process.stdout, 'drain');
    }
  } finally {
    db.close();
  }
}

/** Pages of a table in the order of its key; `rule` may use the columns of `with`. */
function* pages(
  db: Database,
  table: string,
  columns: string,
  given: { with: string; rule: string; values: Cell[] },
): Generator<Record<string, Cell>[]> {
  const key = keyOf(db, table);
  const names = key.map((column) => `t.${column}`).join(', ');
  const { length } = given.values;
  const after = key.map((_, index) => `?${length + index + 1}`).join(', ');
  const text = (start: string): string =>
    `${given.with} SELECT ${columns} FROM ${table} t, who WHERE (${given.rule}) ${start} ORDER BY ${names} LIMIT ${pageRows}`;
  let rows = db.all<Record<string, Cell>>(text(''), ...given.values);
  while (rows.length > 0) {
    yield rows;
    const last = rows.at(-1) ?? {};
    const from = key.map((column) => last[column] ?? null);
    rows =
      rows.length < pageRows
        ? []
        : db.all<Record<string, Cell>>(text(`AND (${names}) > (${after})`), ...given.values, ...from);
  }
}

const keysOf = (key: readonly string[], rows: Record<string, Cell>[]): Key[] =>
  rows.map((row) => key.map((column) => row[column] ?? ''));

const asked = 'WITH who (person, traces, until) AS (SELECT ?1, ?2, ?3)';

function* ownedRows(db: Database, person: string): Generator<OwnedRow> {
  const values = [person, JSON.stringify(tracesOf(db, person)), Number.MAX_SAFE_INTEGER];
  for (const { name, mine = 't.owner = who.person', json = [], hidden = [] } of ownedTables) {
    const given = { with: asked, rule: mine, values };
    for (const rows of pages(db, name, 't.*', given)) {
      for (const row of rows) yield { table: name, row: readable(row, json, hidden) };
    }
  }
}

function readable(record: Record<string, Cell>, json: readonly string[], hidden: readonly string[]): JsonObject {
  const shown = Object.entries(record).filter(([column]) => !hidden.includes(column));
  return Object.fromEntries(
    shown.map(([column, value]) => [
      column,
      typeof value === 'string' && json.includes(column) ? (JSON.parse(value) as JsonValue) : value,
    ]),
  );
}

function* erasable(db: Database, person: string): Generator<RowKeys> {
  const begun = db.get<{ traces: string; begun_at: number }>(
    'SELECT traces, begun_at FROM erasures WHERE person = ?',
    person,
  );
  if (begun === null) return;
  const values = [person, begun.traces, begun.begun_at];
  for (const { name, mine = 't.owner = who.person', about } of ownedTables) {
    const rule = about === undefined ? mine : `(${mine}) OR (${about})`;
    const given = { with: asked, rule, values };
    yield* keyPages(db, name, given);
  }
}

function* keyPages(db: Database, table: string, given: Parameters<typeof pages>[3]): Generator<RowKeys> {
  const key = keyOf(db, table);
  const columns = key.map((column) => `t.${column}`).join(', ');
  for (const rows of pages(db, table, columns, given)) yield { table, keys: keysOf(key, rows) };
}

const cutoffOf = (channel: string): string =>
  `COALESCE((SELECT value FROM json_each(who.cutoffs, '$.channels') WHERE key = ${channel}),
     json_extract(who.cutoffs, '$.default'))`;

/** A run names its channel by the beginning of its session's key, as the session itself can be gone. */
const expiry: Readonly<Record<string, string>> = {
  messages: `t.time < ${cutoffOf('(SELECT s.channel FROM sessions s WHERE s.id = t.session)')}`,
  runs: `t.state <> 'running' AND
    t.started_at < ${cutoffOf(`substr(t.session_key, 1, instr(t.session_key, ':') - 1)`)}`,
  outbox: `t.state IN ('sent', 'uncertain', 'dead') AND
    t.created_at < ${cutoffOf(`json_extract(t.conversation, '$[0]')`)}`,
  inbox: `t.state NOT IN ('queued', 'running') AND t.received_at < ${cutoffOf('t.channel')}
    AND (t.body_hash IS NULL OR t.text <> '' OR t.attachments <> '[]')`,
};

function* expired(db: Database, cutoffs: Cutoffs): Generator<RowKeys> {
  const values = [JSON.stringify(cutoffs)];
  for (const [name, rule] of Object.entries(expiry)) {
    yield* keyPages(db, name, { with: 'WITH who (cutoffs) AS (SELECT ?1)', rule, values });
  }
}

/** Whatever text of whatever table names a file keeps it. */
function* looseFiles(db: Database, before: number): Generator<string> {
  const loose = new Set(
    db.all<{ id: string }>('SELECT id FROM files WHERE created_at < ?', before).map(({ id }) => id),
  );
  if (loose.size === 0) return;
  const tables = db.all<{ name: string; columns: string }>(
    `SELECT m.name, group_concat(c.name) AS columns FROM sqlite_schema m, pragma_table_info(m.name) c
     WHERE m.type = 'table' AND m.name NOT IN ('files', 'audit') AND c.type = 'TEXT' GROUP BY m.name`,
  );
  for (const { name, columns } of tables) {
    for (const column of columns.split(',')) {
      const given = { with: 'WITH who AS (SELECT 1)', rule: `instr(t.${column}, 'file_') > 0`, values: [] };
      const key = keyOf(db, name).map((part) => `t.${part}`);
      for (const rows of pages(db, name, [...key, `t.${column} AS found`].join(', '), given)) {
        for (const { found } of rows) {
          for (const [id] of String(found).matchAll(/file_[A-Za-z0-9_.-]+/g)) loose.delete(id);
        }
      }
    }
  }
  yield* loose;
}
