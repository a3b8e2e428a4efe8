import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { BackupManifest } from '../../../src/core/backup.ts';
import { backupStorage, stageRestore, writeBackup } from '../../../src/adapters/backup/index.ts';
import { chat, inboundRow, outboundRow } from '../store/rows.ts';
import { newJob, newTask } from '../store/schedule-rows.ts';
import { known, never, parts, Place } from './rig.ts';

test('a backup has the rows, the files and what they must come to, and nothing of it can be read by others', async () => {
  using place = new Place();
  await place.fill('old', 'a', 'b');
  place.link('people/owner/files/out', '/etc');
  const manifest = await place.write(1000);
  assert.equal(manifest.at, 1000);
  assert.equal(manifest.database.schema, known);
  assert.equal(manifest.database.tables['inbox'], 2);
  assert.deepEqual([manifest.files.count, manifest.files.bytes, manifest.skipped], [3, 9, 1]);
  assert.deepEqual(JSON.parse(readFileSync(path.join(place.backup, 'manifest.json'), 'utf8')), manifest);
  assert.equal(readFileSync(path.join(place.backup, 'people/owner/files/deep/note.txt'), 'utf8'), 'old');
  assert.deepEqual(readdirSync(place.backup).sort(), [
    'files',
    'files.jsonl',
    'manifest.json',
    'open-clanker.db',
    'people',
    'skills',
  ]);
  for (const name of ['.', 'files', 'open-clanker.db', 'files/file_1', 'manifest.json', 'files.jsonl'])
    assert.equal(statSync(path.join(place.backup, name)).mode & 0o077, 0, name);
  await assert.rejects(place.write(), { code: 'exists' });
});

test('a backup is one moment, however much is written meanwhile, and whoever writes does not wait for it', async () => {
  using place = new Place();
  const store = await place.open();
  const text = 'x'.repeat(4000);
  for (let n = 0; n < 30; n++)
    await store.commitInbound(Array.from({ length: 100 }, (_, i) => inboundRow(`before-${n}-${i}`, { text })));
  let written = 3000;
  const done = new AbortController();
  const writing = (async () => {
    while (!done.signal.aborted) {
      const at = written++;
      await store.commitInbound([inboundRow(`more-${at}`, { text })]);
    }
  })();
  const manifest = await place.write();
  const during = written - 3000;
  done.abort();
  await writing;
  await store.close();
  const counted = manifest.database.tables['inbox'] ?? 0;
  assert.ok(counted >= 3000 && counted < written, `${counted} of ${written}`);
  assert.ok(during > 20, `${during} messages were stored while the backup was written`);
  const db = new DatabaseSync(path.join(place.backup, 'open-clanker.db'), { readOnly: true });
  const last = db.prepare('SELECT max(seq) AS n FROM inbox').get() as { n: number };
  db.close();
  assert.equal(last.n, counted, 'all up to one row, and none after it');
});

test('a backup that fails or is cut off leaves nothing under its name', async () => {
  using place = new Place();
  await place.fill('old', 'a');
  const failing = { ...parts, copyDatabase: () => Promise.reject(new Error('the disk is gone')) };
  const { writeBackup } = await import('../../../src/adapters/backup/index.ts');
  await assert.rejects(
    writeBackup(place, place.backup, failing, { program: '1', at: 1, signal: never }),
    /disk is gone/,
  );
  assert.deepEqual(readdirSync(place.dir), ['data']);
  const lost = {
    ...parts,
    copyDatabase: async (...given: Parameters<typeof parts.copyDatabase>) => {
      const account = await parts.copyDatabase(...given);
      return { ...account, tables: { ...account.tables, inbox: 2 } };
    },
  };
  await assert.rejects(
    writeBackup(place, place.backup, lost, { program: '1', at: 1, signal: never }),
    /inbox: 1 rows instead of 2/,
  );
  assert.deepEqual(readdirSync(place.dir), ['data']);
  mkdirSync(`${place.backup}.partial`);
  await assert.rejects(place.write(), { code: 'exists' });
});

test('a backup is not written into the folders that it keeps, which would never end, nor through a link into them', async () => {
  using place = new Place();
  await place.fill('old', 'a');
  symlinkSync(path.join(place.folder, 'files'), path.join(place.dir, 'link'));
  for (const target of [path.join(place.folder, 'files/kept'), path.join(place.dir, 'link/kept')]) {
    const request = { program: '1.0.0', at: 1000, signal: never };
    await assert.rejects(writeBackup(place, target, parts, request), { code: 'bad_path' });
    assert.deepEqual(readdirSync(path.join(place.folder, 'files')), ['file_1']);
  }
});

test('a backup that lies where a restore clears or replaces is refused in words, and stays', async () => {
  using place = new Place();
  await place.fill('old', 'a');
  await place.write();
  const link = path.join(place.dir, 'link');
  for (const name of ['restoring', 'restoring/monday', 'files/monday', 'skills/deep/monday']) {
    const inside = path.join(place.folder, name);
    mkdirSync(path.dirname(inside), { recursive: true });
    renameSync(place.backup, inside);
    symlinkSync(inside, link);
    for (const from of [inside, link])
      await assert.rejects(place.stage({ from }), { code: 'bad_path', message: /move the backup/ }, from);
    assert.equal(place.shown().word, 'old');
    rmSync(link);
    renameSync(inside, place.backup);
  }
  await assert.rejects(place.stage({ from: place.folder }), { code: 'bad_path' });
  // Where the database lies by itself it has such a folder of its own.
  using apart = new Place();
  await apart.fill('old', 'a');
  const database = path.join(apart.dir, 'disk/open-clanker.db');
  mkdirSync(path.dirname(database));
  const from = path.join(apart.dir, 'disk/restoring');
  renameSync(place.backup, from);
  const request = { from, at: 1000, by: null, known, signal: never };
  await assert.rejects(stageRestore({ folder: apart.folder, database }, parts, request), { code: 'bad_path' });
  assert.ok(existsSync(path.join(from, 'manifest.json')));
  const target = path.join(apart.folder, 'restoring/kept');
  mkdirSync(path.dirname(target));
  await assert.rejects(writeBackup(apart, target, parts, { program: '1.0.0', at: 1000, signal: never }), {
    code: 'bad_path',
  });
});

test('a backup that is cut off, changed, newer or no backup is refused before anything of the data is touched', async () => {
  const spoil: [string, RegExp, (folder: string) => void][] = [
    ['no manifest', /no manifest/, (folder) => rmSync(path.join(folder, 'manifest.json'))],
    ['a cut manifest', /no JSON/, (folder) => truncateSync(path.join(folder, 'manifest.json'), 100)],
    ['a cut database', /cut off/, (folder) => truncateSync(path.join(folder, 'open-clanker.db'), 8192)],
    [
      'a page of the database',
      /not what was kept/,
      (folder) => {
        const file = path.join(folder, 'open-clanker.db');
        const bytes = readFileSync(file);
        bytes.fill(0, 8192, 12_288);
        writeFileSync(file, bytes);
      },
    ],
    ['a missing file', /missing/, (folder) => rmSync(path.join(folder, 'files/file_1'))],
    ['a changed file', /not what was kept/, (folder) => writeFileSync(path.join(folder, 'files/file_1'), 'new')],
    [
      'a file that is a link',
      /missing or cannot be read/,
      (folder) => {
        rmSync(path.join(folder, 'files/file_1'));
        symlinkSync('/etc/hostname', path.join(folder, 'files/file_1'));
      },
    ],
    [
      'a path that leads out',
      /no file of a backup/,
      (folder) =>
        appendFileSync(
          path.join(folder, 'files.jsonl'),
          `${JSON.stringify({ path: 'files/../../../evil', size: 0, sha256: '' })}\n`,
        ),
    ],
    [
      'a list with a line less',
      /files.jsonl is not what/,
      (folder) => writeFileSync(path.join(folder, 'files.jsonl'), ''),
    ],
    ['other rows', /inbox: 2 rows instead of 9/, (folder) => edit(folder, (m) => (m.database.tables['inbox'] = 9))],
    ['a newer schema', /knows/, (folder) => edit(folder, (m) => (m.database.schema = known + 1))],
    [
      'a database with a newer schema than is said',
      /not whole: schema/,
      (folder) => {
        const file = path.join(folder, 'open-clanker.db');
        const db = new DatabaseSync(file);
        db.exec(`PRAGMA user_version = ${known + 1}`);
        db.close();
        const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
        edit(folder, (m) => (m.database.sha256 = sha256));
      },
    ],
    [
      'a list that is a link to what never ends',
      /files.jsonl cannot be read/,
      (folder) => {
        rmSync(path.join(folder, 'files.jsonl'));
        symlinkSync('/dev/zero', path.join(folder, 'files.jsonl'));
      },
    ],
    ['a list that is a pipe', /it is no plain file/, (folder) => pipe(path.join(folder, 'files.jsonl'))],
    ['a file that is a pipe', /missing or cannot be read/, (folder) => pipe(path.join(folder, 'files/file_1'))],
    [
      'a line without an end',
      /no file of a backup/,
      (folder) => appendFileSync(path.join(folder, 'files.jsonl'), 'x'.repeat(200_000)),
    ],
    ['a newer format', /newer version/, (folder) => edit(folder, (m) => ((m as { version: number }).version = 2))],
  ];
  using place = new Place();
  await place.fill('old', 'a', 'b');
  await place.write();
  const good = path.join(place.dir, 'good');
  renameSync(place.backup, good);
  for (const [what, expected, change] of spoil) {
    cpSync(good, place.backup, { recursive: true });
    change(place.backup);
    const before = readdirSync(place.folder).sort();
    await assert.rejects(place.stage(), { code: 'bad_backup', message: expected }, what);
    assert.deepEqual(readdirSync(place.folder).sort(), before, what);
    rmSync(place.backup, { recursive: true });
  }
});

/** Whoever opens it waits for somebody who writes. */
function pipe(file: string): void {
  rmSync(file);
  execFileSync('mkfifo', [file]);
}

function edit(folder: string, change: (manifest: BackupManifest) => void): void {
  const file = path.join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as BackupManifest;
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

test('what is restored is what was kept, what was there lies aside, and the token stays', async () => {
  using place = new Place();
  await place.fill('old', 'a', 'b');
  await place.write();
  await place.fill('new', 'c');
  place.put('plugins/mine/state', 'later');
  await place.stage();
  assert.deepEqual(place.shown(), { word: 'new', messages: ['a', 'b', 'c'] });
  const restored = await place.finish();
  assert.deepEqual(restored?.problems, []);
  assert.deepEqual(place.shown(), { word: 'old', messages: ['a', 'b'] });
  assert.equal(readFileSync(path.join(restored?.before ?? '', 'files/file_1'), 'utf8'), 'new');
  assert.ok(existsSync(path.join(restored?.before ?? '', 'open-clanker.db')));
  assert.equal(existsSync(path.join(place.folder, 'plugins')), false);
  assert.ok(existsSync(path.join(place.folder, 'token')));
  assert.equal(await place.finish(), null);
  const store = await place.open();
  assert.equal((await store.inbound('a'))?.id, 'a');
  await store.close();
});

test('a database on another folder is restored there, and a second restore keeps the data of the first, too', async () => {
  using place = new Place();
  const other = path.join(place.dir, 'elsewhere');
  mkdirSync(other);
  Object.assign(place, { database: path.join(other, 'mine.db') });
  await place.fill('old', 'a');
  await place.write();
  await place.fill('new', 'b');
  for (let n = 0; n < 2; n++) {
    await place.stage();
    assert.deepEqual((await place.finish())?.problems, []);
    assert.deepEqual(place.shown(), { word: 'old', messages: ['a'] });
  }
  assert.equal(readdirSync(other).filter((name) => name.startsWith('before-restore-')).length, 2);
  assert.equal(readdirSync(place.folder).filter((name) => name.startsWith('before-restore-')).length, 2);
});

test('what waited in a backup is not done again by itself: it is a dead letter that can be retried', async () => {
  using place = new Place();
  const store = await place.open();
  await store.commitInbound([inboundRow('waits'), inboundRow('done', { state: 'handled' })]);
  await store.planOutbound([outboundRow('planned', { conversation: chat('1'), expiresAt: Date.now() + 86_400_000 })]);
  await store.close();
  place.put('files/file_1', 'x');
  await place.write();
  await place.stage();
  await place.finish();
  const again = await place.open();
  assert.equal((await again.inbound('waits'))?.state, 'dead');
  assert.equal((await again.inbound('done'))?.state, 'handled');
  assert.equal((await again.outbound('planned'))?.state, 'dead');
  assert.deepEqual(await again.queuedSessions(10), []);
  assert.deepEqual(await again.dueConversations('telegram', 'main', 10), []);
  assert.equal((await again.deadLetters(null, { limit: 10 })).items.length, 2);
  assert.ok(await again.retryDead('waits', Date.now(), Date.now()));
  assert.equal((await again.inbound('waits'))?.state, 'queued');
  await again.close();
});

test('a task or reminder that may have been done after the backup is not done again; what is due later stays', async () => {
  using place = new Place();
  const store = await place.open();
  const now = Date.now();
  const at = (due: number) => ({ schedule: { type: 'at', at: due } as const, nextAt: due });
  await store.addJob(newJob('once-past', at(now - 1000)), 100);
  await store.addJob(newJob('once-later', at(now + 3_600_000)), 100);
  await store.addJob(newJob('again', { nextAt: now - 1000 }), 100);
  await store.addTask(newTask('waits', { runAt: now - 1000 }), 100);
  await store.addTask(newTask('later', { runAt: now + 3_600_000 }), 100);
  await store.addTask(newTask('chore', { payload: { kind: 'chore', chore: 'health' }, runAt: now }), 100);
  await store.close();
  place.put('files/file_1', 'x');
  await place.write();
  await place.stage();
  assert.deepEqual((await place.finish())?.problems, []);
  const again = await place.open();
  const states = async (ids: string[]) => Promise.all(ids.map(async (id) => (await again.task(id, null))?.state));
  assert.deepEqual(await states(['waits', 'later', 'chore']), ['failed', 'queued', 'cancelled']);
  assert.deepEqual(
    (await again.deadLetters(null, { limit: 10 })).items.map(({ kind }) => kind),
    ['task'],
  );
  const past = await again.job('once-past', null);
  assert.deepEqual([past?.state, past?.missedRuns, past?.nextAt], ['finished', 1, null]);
  assert.deepEqual(
    (await again.slots('once-past', { limit: 5 })).items.map(({ state }) => state),
    ['missed'],
  );
  assert.equal((await again.job('once-later', null))?.nextAt, now + 3_600_000);
  assert.equal((await again.job('again', null))?.state, 'active');
  assert.equal(await again.nextTaskAt([], []), now + 3_600_000);
  assert.ok((await again.retryTask('waits', null, now)) !== null);
  await again.close();
});

test('a gateway at work on the data keeps a restore away', async () => {
  using place = new Place();
  await place.fill('old', 'a');
  await place.write();
  await place.stage();
  const store = await place.open();
  await assert.rejects(place.finish(), { code: 'storage_locked' });
  await store.close();
  assert.deepEqual((await place.finish())?.problems, []);
});

test('the newest backups are kept, the rest and what was cut off goes, and what is not ours stays', async () => {
  using place = new Place();
  await place.fill('old', 'a');
  const folder = path.join(place.folder, 'backups');
  let now = Date.UTC(2026, 0, 1, 3, 30);
  const storage = backupStorage({
    places: place,
    parts,
    program: '1',
    known: () => Promise.resolve(known),
    now: () => now,
    kept: () => ({ folder, keep: 2 }),
  });
  for (let day = 0; day < 4; day++, now += 86_400_000) {
    await storage.writeKept(never);
    mkdirSync(path.join(folder, '2026-01-01T000000Z.partial'));
    mkdirSync(path.join(folder, 'mine'), { recursive: true });
  }
  await storage.writeKept(never);
  assert.deepEqual(readdirSync(folder).sort(), ['2026-01-04T033000Z', '2026-01-05T033000Z', 'mine']);
  await assert.rejects(storage.write('relative', never), { code: 'bad_path' });
  const { free, database } = await storage.space();
  assert.ok(free > 0 && database > 0);
});
