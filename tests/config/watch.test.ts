import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { watchConfig } from '../../src/config/index.ts';
import { folder } from './support.ts';

/** Calls of the watcher that can be awaited one by one. */
function calls(): { onChange: () => void; next: () => Promise<void>; count: () => number } {
  let count = 0;
  let wake = (): void => {};
  return {
    onChange: () => {
      count++;
      wake();
    },
    next: () => new Promise((resolve) => (wake = resolve)),
    count: () => count,
  };
}

it('a file that is written, replaced, removed and written again is noticed every time', async (t) => {
  const dir = folder(t, { 'config.toml': '', '.env': '' });
  const file = path.join(dir, 'config.toml');
  const end = new AbortController();
  t.after(() => end.abort());
  const { onChange, next } = calls();
  watchConfig({ files: [file, path.join(dir, '.env')] }, onChange, end.signal);
  const steps: (() => void)[] = [
    () => writeFileSync(file, 'a = 1\n'),
    () => {
      writeFileSync(path.join(dir, 'config.toml.new'), 'a = 2\n');
      renameSync(path.join(dir, 'config.toml.new'), file);
    },
    () => writeFileSync(file, 'a = 3\n'),
    () => rmSync(file),
    () => writeFileSync(file, 'a = 4\n'),
    () => writeFileSync(path.join(dir, '.env'), 'A=1\n'),
  ];
  const alive = setInterval(() => {}, 1000); // the watcher itself keeps no process alive
  t.after(() => clearInterval(alive));
  for (const step of steps) {
    const noticed = next();
    step();
    await noticed;
  }
});

it('a folder that is swapped behind a link, as Kubernetes does it, and one that comes late are noticed', async (t) => {
  const dir = folder(t, {});
  const at = (...names: string[]): string => path.join(dir, ...names);
  for (const name of ['one', 'two']) {
    mkdirSync(at(name));
    writeFileSync(at(name, 'config.toml'), 'same = 1\n');
  }
  symlinkSync(at('one'), at('..data'));
  symlinkSync(at('..data', 'config.toml'), at('config.toml'));
  const end = new AbortController();
  t.after(() => end.abort());
  const { onChange, next } = calls();
  watchConfig({ files: [at('config.toml'), at('late', '.env')] }, onChange, end.signal);
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));
  let noticed = next();
  symlinkSync(at('two'), at('..data.new'));
  renameSync(at('..data.new'), at('..data'));
  await noticed;
  noticed = next();
  mkdirSync(at('late'));
  writeFileSync(at('late', '.env'), 'A=1\n');
  await noticed;
});

it('many writes are one change, and nothing comes after the end', async (t) => {
  const dir = folder(t, { 'config.toml': '' });
  const file = path.join(dir, 'config.toml');
  const end = new AbortController();
  const { onChange, next, count } = calls();
  watchConfig({ files: [file] }, onChange, end.signal);
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));
  const noticed = next();
  for (let i = 0; i < 50; i++) writeFileSync(file, `a = ${i}\n`);
  await noticed;
  assert.equal(count(), 1);
  writeFileSync(file, 'a = 51\n');
  end.abort();
  // A second watcher of the same file sees the same write: what it notices, the ended one would have noticed too.
  const second = new AbortController();
  t.after(() => second.abort());
  const other = calls();
  watchConfig({ files: [file] }, other.onChange, second.signal);
  const seen = other.next();
  writeFileSync(file, 'a = 52\n');
  await seen;
  assert.equal(count(), 1);
});
