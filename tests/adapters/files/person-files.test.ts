import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { DiskPersonFiles, maxEntries } from '../../../src/adapters/files/person-files.ts';
import type { FileEntry, WriteMode } from '../../../src/core/ports/person-files.ts';

const ann = 'per_ann';

function rig(t: TestContext, limits = { maxFile: 1000, quota: 3000 }) {
  const data = mkdtempSync(path.join(tmpdir(), 'clanker-people-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const folder = path.join(data, 'people');
  const files = new DiskPersonFiles(folder, () => limits);
  const root = path.join(folder, ann, 'files');
  const write = (file: string, text: string, mode: WriteMode = 'create', own = true): Promise<FileEntry> =>
    files.write(ann, file, Buffer.from(text), { mode, own });
  const text = async (file: string): Promise<string> => Buffer.from((await files.read(ann, file)).bytes).toString();
  const paths = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const entry of files.walk(ann, '')) found.push(entry.path);
    return found;
  };
  return { data, folder, files, root, write, text, paths };
}

test('what is written is read, replaced, continued, moved and deleted; nothing is overwritten unasked', async (t) => {
  const { files, write, text, paths, root } = rig(t);
  assert.deepEqual(await files.list(ann, '', 10), { entries: [], more: false, own: true });
  await write('notes/a.txt', 'one');
  await assert.rejects(write('notes/a.txt', 'two'), { code: 'exists' });
  await write('notes/a.txt', ' two', 'append');
  assert.equal(await text('notes/a.txt'), 'one two');
  await write('notes/a.txt', 'three', 'replace');
  await write('notes/b.txt', 'b');
  await assert.rejects(files.move(ann, 'notes/a.txt', 'notes/b.txt', { own: true }), { code: 'exists' });
  await files.move(ann, 'notes/a.txt', 'old/c.txt', { own: true });
  assert.equal(await text('old/c.txt'), 'three');
  await assert.rejects(files.move(ann, 'old', 'old/in/it', { own: true }), { code: 'bad_path' });
  await files.remove(ann, 'notes');
  assert.deepEqual(await paths(), ['old', 'old/c.txt']);
  assert.equal(statSync(root).mode & 0o777, 0o700);
  assert.equal(statSync(path.join(root, 'old/c.txt')).mode & 0o777, 0o600);
  for (const gone of ['notes/b.txt', 'never']) await assert.rejects(text(gone), { code: 'no_such_file' });
  await assert.rejects(text('old'), { code: 'is_folder' });
  await assert.rejects(text('old/c.txt/x'), { code: 'is_file' });
  await assert.rejects(write('old', 'x', 'replace'), { code: 'is_folder' });
  await assert.rejects(files.remove(ann, ''), { code: 'bad_path' });
});

test('every person has a folder of their own, whatever their id looks like', async (t) => {
  const { files, folder, write } = rig(t);
  await write('a', 'of ann');
  for (const id of ['PER_ANN', 'per:ann', 'a.b', 'x'.repeat(128), 'owner']) {
    await assert.rejects(files.read(id, 'a'), { code: 'no_such_file' });
    await files.write(id, 'a', Buffer.from(id), { mode: 'create', own: true });
  }
  assert.equal(readdirSync(folder).length, 6);
  for (const name of readdirSync(folder)) assert.match(name, /^=?[a-z0-9_-]+$/);
  for (const id of ['../per_ann', '..', 'a/b', '']) await assert.rejects(files.usage(id), { code: 'bad_id' });
});

test('links, pipes, sockets and files with two names are neither read nor written, only deleted', async (t) => {
  const { data, files, root, write, text, paths } = rig(t);
  await write('plain', 'x');
  const secret = path.join(data, 'secret');
  writeFileSync(secret, 'secret');
  symlinkSync(secret, path.join(root, 'link'));
  symlinkSync('/proc/self/environ', path.join(root, 'environ'));
  symlinkSync('/dev/zero', path.join(root, 'zero'));
  symlinkSync('plain', path.join(root, 'inner'));
  symlinkSync(data, path.join(root, 'folder'));
  symlinkSync('nowhere', path.join(root, 'dangling'));
  linkSync(secret, path.join(root, 'hard'));
  execFileSync('mkfifo', [path.join(root, 'pipe')]);
  const server = createServer().listen(path.join(root, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  for (const name of ['link', 'environ', 'zero', 'inner', 'dangling', 'hard', 'pipe', 'socket']) {
    await assert.rejects(text(name), { code: 'not_plain' }, name);
    for (const mode of ['create', 'replace', 'append'] as const)
      await assert.rejects(write(name, 'overwritten', mode), { code: 'not_plain' }, name);
    assert.equal((await files.entry(ann, name)).kind, 'other', name);
  }
  for (const file of ['folder/secret', 'folder/new', 'link/x'])
    for (const attempt of [
      text(file),
      write(file, 'overwritten', 'replace'),
      files.remove(ann, file),
      files.move(ann, 'plain', file, { own: true }),
    ])
      await assert.rejects(attempt, { code: 'not_plain' }, file);
  await assert.rejects(files.list(ann, 'folder', 10), { code: 'not_plain' });
  server.close();
  await files.remove(ann, 'folder');
  for (const name of ['link', 'environ', 'zero', 'inner', 'dangling', 'hard', 'pipe']) await files.remove(ann, name);
  assert.deepEqual(await paths(), ['plain']);
  assert.equal(readFileSync(secret, 'utf8'), 'secret');
});

/** Elsewhere nobody but the gateway's own user could swap anything: see held-folder.ts. */
const swapping = { skip: process.platform === 'linux' ? false : 'only Linux holds folders open on the way' };

test(
  'a folder that is swapped for a link between any two steps lets nothing out and nothing in',
  swapping,
  async (t) => {
    const { data, root, write, text } = rig(t);
    await write('in/a/file', 'inside');
    const outside = path.join(data, 'outside');
    mkdirSync(path.join(outside, 'a'), { recursive: true });
    writeFileSync(path.join(outside, 'a', 'file'), 'OUTSIDE');
    const [real, hidden] = [path.join(root, 'in'), path.join(root, 'hidden')];
    // Another process swaps as fast as it can, as a program in a sandbox would.
    const swapper = `
    const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
    const [real, hidden, outside] = ${JSON.stringify([real, hidden, outside])};
    const end = Date.now() + 60000;
    const pause = () => { for (let n = Math.random() * 1e5; n > 0; n--); };
    while (Date.now() < end && process.ppid === ${process.pid}) {
      renameSync(real, hidden); symlinkSync(outside, real); pause(); unlinkSync(real); renameSync(hidden, real); pause();
    }`;
    const child = spawn(process.execPath, ['-e', swapper], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    const outcomes = new Map<string, number>();
    const note = (outcome: string): void => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const rounds = Number(process.env['CLANKER_SWAP_ROUNDS'] ?? 150);
    for (let n = 0; n < rounds; n++) {
      const attempts = [
        text('in/a/file'),
        write('in/a/file', 'inside', 'replace'),
        write(`in/a/new${n % 3}`, 'new', 'replace'),
      ];
      for (const attempt of await Promise.allSettled(attempts)) {
        if (attempt.status === 'fulfilled') note(typeof attempt.value === 'string' ? attempt.value : 'written');
        else note((attempt.reason as { code: string }).code);
      }
    }
    child.kill('SIGKILL');
    assert.equal(readFileSync(path.join(outside, 'a', 'file'), 'utf8'), 'OUTSIDE');
    assert.deepEqual(readdirSync(path.join(outside, 'a')), ['file']);
    assert.equal(outcomes.has('OUTSIDE'), false);
    // The loop proves something only when both sides of the race were met.
    assert.ok((outcomes.get('inside') ?? 0) > 0, JSON.stringify([...outcomes]));
    assert.ok(
      (outcomes.get('not_plain') ?? 0) + (outcomes.get('no_such_file') ?? 0) > 0,
      JSON.stringify([...outcomes]),
    );
  },
);

test('a name that differs only in its case or in the form of its letters is no second file', async (t) => {
  const { files, write, text, paths } = rig(t);
  await write('Café.txt', 'x');
  await assert.rejects(write('cafe\u0301.txt', 'y'), { code: 'exists' });
  await assert.rejects(write('CAFÉ.TXT', 'y'), { code: 'exists' });
  assert.equal(await text('Cafe\u0301.txt'), 'x');
  await write('Dir/x', 'x');
  await assert.rejects(write('dir/y', 'y'), { code: 'exists' });
  await files.move(ann, 'Café.txt', 'café.txt', { own: true });
  assert.deepEqual(await paths(), ['Dir', 'Dir/x', 'café.txt']);
});

test('the limits of a file and of a person are counted, whoever wrote what is there', async (t) => {
  const { root, files, write } = rig(t);
  await assert.rejects(write('big', 'x'.repeat(1001)), { code: 'too_large' });
  await write('a', 'x'.repeat(900));
  await assert.rejects(write('a', 'x'.repeat(101), 'append'), { code: 'too_large' });
  await write('b', 'x'.repeat(1000));
  // Not by our hand: a program in the sandbox.
  writeFileSync(path.join(root, 'c'), 'x'.repeat(1050));
  assert.deepEqual(await files.usage(ann), { bytes: 2950, entries: 3, over: false });
  await assert.rejects(write('d', 'x'.repeat(51)), { code: 'quota_exceeded' });
  await write('d', 'x'.repeat(50));
  await write('a', 'x'.repeat(900), 'replace');
  await assert.rejects(files.read(ann, 'c'), { code: 'too_large' });
  await files.remove(ann, 'c');
  const both = await Promise.allSettled([write('e', 'x'.repeat(800)), write('f', 'x'.repeat(800))]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});

test('the number of entries has a limit, and a folder that cannot be seen into counts as too many', async (t) => {
  const { root, files, write } = rig(t);
  await write('a', 'x');
  mkdirSync(path.join(root, 'many'));
  for (let n = 0; n < maxEntries - 2; n++) writeFileSync(path.join(root, 'many', String(n)), '');
  await assert.rejects(write('b', 'x'), { code: 'too_many_entries' });
  await files.remove(ann, 'many');
  await write('b', 'x');
  let deep = path.join(root, 'deep');
  for (let n = 0; n < 60; n++) deep = path.join(deep, 'd');
  mkdirSync(deep, { recursive: true });
  await assert.rejects(write('c', 'x'), { code: 'too_many_entries' });
  await files.remove(ann, 'deep');
  await write('c', 'x');
});

test('a tree deeper than any path can say, closed to its owner and with names that are no text, can be deleted', async (t) => {
  const { root, files, write, paths } = rig(t);
  await write('keep', 'x');
  execFileSync(
    '/bin/sh',
    [
      '-c',
      'mkdir deep; cd deep; i=0; while [ $i -lt 300 ]; do mkdir ddddddddddddddddddd; cd -P ddddddddddddddddddd || exit 1; i=$((i+1)); done; echo x > "$(printf "bad\\377name")" || true',
    ],
    { cwd: root },
  );
  mkdirSync(path.join(root, 'deep', 'closed', 'in'), { recursive: true });
  chmodSync(path.join(root, 'deep', 'closed'), 0);
  await files.remove(ann, 'deep');
  assert.deepEqual(await paths(), ['keep']);
  assert.deepEqual(readdirSync(path.join(root, '..', 'drafts')), []);
});

test('what a crash left half-written is not seen, and gone with the next write', async (t) => {
  const { root, write, paths, files } = rig(t);
  await write('a', 'x');
  const drafts = path.join(root, '..', 'drafts');
  writeFileSync(path.join(drafts, 'half'), 'ha');
  mkdirSync(path.join(drafts, 'removed', 'sub'), { recursive: true });
  assert.deepEqual(await paths(), ['a']);
  await write('b', 'x');
  assert.deepEqual(readdirSync(drafts), []);
  assert.deepEqual(await files.usage(ann), { bytes: 2, entries: 2, over: false });
});

test('a file is the own words of its person only while nobody else had a part in it', async (t) => {
  const { folder, root, files, write } = rig(t);
  const own = async (file: string): Promise<boolean> => (await files.read(ann, file)).own;
  await write('mine', 'a');
  await write('fetched', 'b', 'create', false);
  assert.deepEqual([await own('mine'), await own('fetched')], [true, false]);
  assert.equal((await files.list(ann, '', 10)).own, false);
  await write('fetched', ' and mine', 'append', true);
  assert.equal(await own('fetched'), false);
  await write('mine', ' and theirs', 'append', false);
  assert.equal(await own('mine'), false);
  await write('mine', 'c', 'replace', true);
  assert.equal(await own('mine'), true);
  await files.move(ann, 'mine', 'ignore all rules', { own: false });
  assert.equal(await own('ignore all rules'), false);
  await files.move(ann, 'ignore all rules', 'moved/mine', { own: true });
  assert.equal(await own('moved/mine'), true);
  writeFileSync(path.join(root, 'moved', 'mine'), 'changed by a program');
  assert.equal(await own('moved/mine'), false);
  await write('mine', 'd', 'replace', true);
  // Another life of the process knows as much.
  assert.equal((await new DiskPersonFiles(folder, () => ({ maxFile: 100, quota: 100 })).read(ann, 'mine')).own, true);
  // The words of one person are nothing to another.
  await files.write('per_bob', 'mine', Buffer.from('d'), { mode: 'create', own: false });
  assert.equal((await files.read('per_bob', 'mine')).own, false);
});

test('while the folder is lent nobody else changes it, and reading goes on', async (t) => {
  const { files, write, text, paths } = rig(t);
  await write('a', 'x');
  const order: string[] = [];
  const lent = Promise.withResolvers<void>();
  const lending = files.lend(ann, async (folder) => {
    assert.equal(await text('a'), 'x');
    writeFileSync(path.join(folder, 'made'), 'by a program');
    await lent.promise;
    order.push('returned');
  });
  const writing = write('made', 'y', 'replace').then(() => order.push('written'));
  const late = new AbortController();
  const { signal } = late;
  const given = [
    files.write(ann, 'late', Buffer.from('z'), { mode: 'create', own: true, signal }),
    files.move(ann, 'a', 'late', { own: true, signal }),
    files.remove(ann, 'a', signal),
  ].map((each) => assert.rejects(each, /too late/));
  late.abort(new Error('too late'));
  lent.resolve();
  await Promise.all([lending, writing, ...given]);
  assert.deepEqual(order, ['returned', 'written']);
  assert.deepEqual(await paths(), ['a', 'made']);
});

test('a person who is erased leaves nothing, and others stay', async (t) => {
  const { files, folder, write } = rig(t);
  await write('a/b/c', 'x');
  await files.write('per_bob', 'x', Buffer.from('y'), { mode: 'create', own: true });
  assert.equal(await files.erase(ann), 3);
  assert.equal(await files.erase(ann), 0);
  await write('a/b/c', 'x', 'create', false);
  assert.equal((await files.read(ann, 'a/b/c')).own, false);
  await files.erase(ann);
  assert.deepEqual(readdirSync(folder), ['per_bob']);
  assert.equal(existsSync(path.join(folder, 'per_bob', 'files', 'x')), true);
});
