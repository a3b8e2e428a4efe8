import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { ownedTables } from '../../../../src/adapters/store/sqlite/owned.ts';
import type { SqliteStore } from '../../../../src/adapters/store/sqlite/index.ts';
import type { OwnedRow } from '../../../../src/core/ports/rights-store.ts';
import type { NewInbound } from '../../../../src/core/ports/inbox-store.ts';
import { folder, open } from '../open.ts';
import { claim, finish, inboundRow, noon, outboundRow } from '../rows.ts';
import { addJob, begun, claimTask, finished, fire, fired, newTask } from '../schedule-rows.ts';

/** Tables that hold nothing of a person, or what stays when one is erased; each with the reason. */
const otherTables: Readonly<Record<string, string>> = {
  audit: 'who did what by our own ids: it stays, and cannot be changed',
  erasures: 'receipts by our own ids; what traces were found by is emptied at the end',
  lines: 'which conversations have something to send: goes with the rows of the outbox',
  cursors: 'how far a channel has read, by ids of places',
  cooldowns: 'models that rest',
  generation: 'a number',
  sqlite_sequence: 'numbers',
};

const actor = { kind: 'token', id: 'operator', person: 'owner' } as const;

async function openWithFile(t: TestContext): Promise<{ store: SqliteStore; file: string }> {
  const file = path.join(folder(t), 'store.db');
  return { store: await open(t, file), file };
}

interface Column {
  name: string;
  type: string;
  pk: number;
}

/** One row for each table of people, every text of it with the mark, made from the schema alone. */
function fill(file: string, person: string, mark: string, n: number): void {
  const db = new DatabaseSync(file);
  const order = ['people', 'identities', 'sessions', 'codes', 'admissions', 'outbox'];
  const names = ownedTables.map(({ name }) => name).sort((a, b) => order.indexOf(b) - order.indexOf(a));
  for (const table of names) {
    const columns = db.prepare('SELECT name, type, pk FROM pragma_table_info(?)').all(table) as unknown as Column[];
    const special: Record<string, string | number> = {
      owner: person,
      ...(table === 'people' ? { id: person } : {}),
      session: n,
      session_key: `api:${person}:${mark}`,
      key: `api:${person}:${mark}`,
      channel: 'telegram',
      account: 'main',
      native: mark,
      sender: mark,
      outbox_id: `id-${mark}`,
      state: 'done',
      chat_type: 'direct',
      conversation: JSON.stringify(['telegram', 'main', mark, null]),
      parts: JSON.stringify([{ type: 'text', text: mark }]),
      scopes: '["read"]',
      role: 'member',
      merged_into: mark,
    };
    const json = ownedTables.find(({ name }) => name === table)?.json ?? [];
    const values = columns.map(({ name, type }) => {
      if (table === 'sessions' && name === 'id') return n;
      const known = special[name];
      if (known !== undefined) return known;
      if (json.includes(name)) return JSON.stringify({ mark });
      return type === 'TEXT' ? `${name}-${mark}` : n;
    });
    const places = columns.map(() => '?').join(', ');
    db.prepare(`INSERT INTO ${table} (${columns.map(({ name }) => name).join(', ')}) VALUES (${places})`).run(
      ...values,
    );
  }
  db.close();
}

async function exported(store: SqliteStore, person: string): Promise<OwnedRow[]> {
  const rows: OwnedRow[] = [];
  for await (const row of store.ownedRows(person)) rows.push(row);
  return rows;
}

async function eraseAll(store: SqliteStore, person: string): Promise<number> {
  let rows = 0;
  for await (const keys of store.erasable(person)) {
    await store.eraseRows(person, keys);
    rows += keys.keys.length;
  }
  return rows;
}

test('a table that nobody thought of in export and erasure is noticed', async (t) => {
  const { store, file } = await openWithFile(t);
  await store.close();
  const db = new DatabaseSync(file);
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all() as { name: string }[];
  const owned = new Set(ownedTables.map(({ name }) => name));
  const forgotten = tables.filter(({ name }) => !owned.has(name) && !Object.hasOwn(otherTables, name));
  assert.deepEqual(
    forgotten.map(({ name }) => name),
    [],
    'one line in src/adapters/store/sqlite/owned.ts, or a reason in this test',
  );
  for (const name of Object.keys(otherTables)) {
    const owner = db.prepare(`SELECT 1 FROM pragma_table_info(?) WHERE name = 'owner'`).get(name);
    assert.equal(owner, undefined, `"${name}" has an owner`);
  }
  for (const name of owned)
    assert.ok(
      tables.some((table) => table.name === name),
      `"${name}" is no table any more`,
    );
  db.close();
});

test('an export has a row of every table, nothing of anybody else, and no hash of a secret', async (t) => {
  const { store, file } = await openWithFile(t);
  fill(file, 'per_a', 'MARKAAA', 1001);
  fill(file, 'per_b', 'MARKBBB', 1002);
  const rows = await exported(store, 'per_a');
  const missing = ownedTables.filter(({ name }) => !rows.some(({ table }) => table === name));
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  );
  const text = JSON.stringify(rows);
  assert.ok(!text.includes('MARKBBB') && !text.includes('per_b'));
  assert.ok(!text.includes('hash-MARKAAA'));
});

test('after an erasure no byte of a person is left in any file, and another one has lost nothing', async (t) => {
  const { store, file } = await openWithFile(t);
  fill(file, 'per_a', 'MARKAAA', 1001);
  fill(file, 'per_b', 'MARKBBB', 1002);
  writeFileSync(`${file}.schema-3.bak`, 'MARKAAA');
  const before = JSON.stringify(await exported(store, 'per_b'));
  assert.equal((await store.beginErasure('per_a', actor, noon))?.receipt, null);
  assert.equal(await store.person('per_a'), null);
  assert.ok((await eraseAll(store, 'per_a')) > 0);
  assert.equal(await eraseAll(store, 'per_a'), 0);
  await store.forgetTraces('per_a');
  assert.equal(await store.compact(), true);
  assert.equal(await store.emptyLog(), true);
  const [state] = await store.erasures(true, 10);
  const removed = Object.keys(state?.removed ?? {});
  assert.deepEqual(
    ownedTables.filter(({ name }) => !removed.includes(name)).map(({ name }) => name),
    [],
  );
  const receipt = {
    person: 'per_a',
    begunAt: noon,
    finishedAt: noon,
    removed: {},
    compacted: true,
    kept: [],
    digest: '',
  };
  await store.finishErasure(receipt);
  assert.equal(existsSync(`${file}.schema-3.bak`), false);
  for (const name of [file, `${file}-wal`]) assert.ok(!readFileSync(name).includes('MARKAAA'), name);
  assert.equal(JSON.stringify(await exported(store, 'per_b')), before);
});

test('what is erased twice, or is of nobody, is told apart', async (t) => {
  const { store, file } = await openWithFile(t);
  fill(file, 'per_a', 'MARKAAA', 1001);
  assert.equal(await store.beginErasure('per_nobody', actor, noon), null);
  await store.beginErasure('per_a', actor, noon);
  assert.equal((await store.beginErasure('per_a', actor, noon + 5))?.begunAt, noon);
});

test('a reader that stops early leaves no process behind, and too many at once are refused', async (t) => {
  const { store, file } = await openWithFile(t);
  fill(file, 'per_a', 'MARKAAA', 1001);
  const readers = Array.from({ length: 5 }, () => store.ownedRows('per_a')[Symbol.asyncIterator]());
  const outcomes = await Promise.allSettled(readers.map((reader) => reader.next()));
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 1);
  for (const reader of readers) await reader.return?.();
  assert.ok((await exported(store, 'per_a')).length > 0);
});

test('what somebody said in a group is theirs, also when nothing but its mark tells so', async (t) => {
  const { store, file } = await openWithFile(t);
  fill(file, 'per_a', 'MARKAAA', 1001);
  const db = new DatabaseSync(file);
  db.exec(`INSERT INTO sessions (id, key, owner, channel, account, created_at, last_active_at)
    VALUES (7, 'telegram:main:-1', 'owner', 'telegram', 'main', 1, 1)`);
  const say = db.prepare(`INSERT INTO messages (session, seq, id, owner, role, parts, author, run_id, time)
    VALUES (7, ?, ?, 'owner', 'user', ?, ?, NULL, 1)`);
  const parts = (text: string, by: string): string => JSON.stringify([{ type: 'text', text, by }]);
  say.run(1, 'one', parts('words of a', 'telegram:main:MARKAAA'), 'A');
  say.run(2, 'two', parts('words of b, who quotes telegram:main:MARKAAA', 'telegram:main:b'), 'B');
  db.exec(`UPDATE messages SET run_id = 'run' WHERE session = 7 AND seq = 1;
    INSERT INTO messages (session, seq, id, owner, role, parts, author, run_id, time)
    VALUES (7, 3, 'three', 'owner', 'assistant', '[{"type":"text","text":"you said: words of a"}]', 'm', 'run', 1)`);
  db.close();
  const stored = { mimeType: 'text/plain', size: 1, sha256: '', createdAt: noon };
  for (const id of ['file_of_a', 'file_of_b']) await store.saveFile({ id, owner: 'owner', ...stored });
  const attached = (id: string, native: string): NewInbound =>
    inboundRow(id, {
      channel: 'telegram',
      sessionKey: 'telegram:main:-1',
      sender: { native, display: native },
      attachments: [{ id: `file_of_${id}`, mimeType: 'text/plain' }],
    });
  await store.commitInbound([attached('a', 'MARKAAA'), attached('b', 'b')]);
  const said = JSON.stringify((await exported(store, 'per_a')).filter(({ table }) => table === 'messages'));
  assert.ok(said.includes('words of a') && !said.includes('words of b'));
  await store.saveSummary('telegram:main:-1', { seq: 2, text: 'A spoke.', outside: null, at: noon });
  await store.beginErasure('per_a', actor, noon);
  await eraseAll(store, 'per_a');
  assert.equal(await eraseAll(store, 'per_a'), 0);
  assert.equal(await store.file('file_of_a', 'owner'), null, 'what was attached in the group');
  assert.notEqual(await store.file('file_of_b', 'owner'), null);
  const { items } = await store.listMessages('telegram:main:-1', { limit: 10 });
  assert.deepEqual(
    items.map(({ parts: [part], author }) => [part?.type === 'text' ? part.text.slice(0, 10) : '', author]),
    [
      ['[erased]', null],
      ['words of b', 'B'],
      ['[erased]', null],
    ],
  );
  const left = new DatabaseSync(file, { readOnly: true });
  assert.deepEqual(left.prepare('SELECT * FROM summaries').all(), []);
  left.close();
});

test('who writes again while they are erased is somebody new, and nothing of the new one is lost', async (t) => {
  const { store } = await openWithFile(t);
  const identity = { channel: 'telegram', account: 'main', native: '7' };
  const conversation = { ...identity };
  const key = 'telegram:main:7';
  const meet = (id: string) =>
    store.ensureIdentity(
      { ...identity, display: id, conversation },
      { id, name: id, role: 'member', language: null, createdAt: 0 },
    );
  const says = (id: string, owner: string, receivedAt: number) =>
    store.commitInbound([
      inboundRow(id, {
        channel: 'telegram',
        sessionKey: key,
        conversation,
        owner,
        receivedAt,
        sender: { native: '7', display: owner },
      }),
    ]);
  await meet('per_old');
  await says('before', 'per_old', noon);
  await claim(store, { sessionKey: key });
  await store.finishRun(finish('run-before', { outbox: [outboundRow('out', { conversation, sessionKey: key })] }));
  await says('waiting', 'per_old', noon);
  await store.beginErasure('per_old', actor, noon + 1);
  assert.deepEqual(await store.queuedSessions(10), [], 'what waited is not answered any more');
  assert.equal((await meet('per_new')).id, 'per_new');
  await says('after', 'per_new', noon + 2);
  await eraseAll(store, 'per_old');
  assert.equal(await eraseAll(store, 'per_old'), 0);
  assert.equal((await store.inbound('after'))?.state, 'queued');
  assert.equal((await store.session(key, 'per_new'))?.owner, 'per_new');
  assert.equal((await claim(store, { sessionKey: key }))?.history.length, 1);
  for (const id of ['before', 'waiting']) assert.equal(await store.inbound(id), null);
  assert.equal(await store.outbound('out'), null);
});

test('an erasure ends jobs and tasks at once, also those of others that speak into the chats of whom is erased', async (t) => {
  const { store } = await openWithFile(t);
  const identity = { channel: 'telegram', account: 'main', native: '7' };
  const sessionKey = 'telegram:main:7';
  await store.ensureIdentity(
    { ...identity, display: 'Ada', conversation: identity },
    { id: 'per_a', name: 'Ada', role: 'member', language: null, createdAt: 0 },
  );
  await store.commitInbound([
    inboundRow('hello', { channel: 'telegram', sessionKey, conversation: identity, owner: 'per_a', state: 'queued' }),
  ]);
  const deliver = { to: 'conversation', conversation: identity, chatType: 'direct', sessionKey } as const;
  const theirs = await addJob(store, 'theirs', { owner: 'per_a' });
  await addJob(store, 'into', { owner: 'per_b', deliver });
  await addJob(store, 'other', { owner: 'per_b' });
  await fire(store, theirs, [fired(noon)], noon + 1);
  await store.addTask(newTask('waits', { owner: 'per_a' }), 9);
  const task = await begun(store);
  await store.beginErasure('per_a', actor, noon + 5);
  assert.equal((await store.job('theirs', null))?.state, 'paused');
  assert.equal(await claimTask(store, { now: noon + 9 }), null, 'what waited is not begun any more');
  assert.equal(await store.finishTask(finished(task, { outbox: [outboundRow('late')] })), null);
  await eraseAll(store, 'per_a');
  assert.equal(await eraseAll(store, 'per_a'), 0);
  for (const id of ['theirs', 'into']) assert.equal(await store.job(id, null), null, id);
  for (const id of [task.id, 'waits']) assert.equal(await store.task(id, null), null, id);
  assert.notEqual(await store.job('other', null), null);
});
