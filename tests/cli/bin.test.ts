import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');

interface Ran {
  code: number;
  out: string;
  err: string;
  pid: number | undefined;
}

/** A clone in miniature: our bin, and programs that print what they were given. */
class Clone implements Disposable {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'clanker-bin-'));

  constructor() {
    cpSync(path.join(root, 'bin'), path.join(this.dir, 'bin'), { recursive: true });
    mkdirSync(path.join(this.dir, 'src'));
    mkdirSync(path.join(this.dir, 'dist'));
    writeFileSync(path.join(this.dir, 'package.json'), '{"type":"module"}');
    this.#program('src/main.ts', "const from: string = 'src';");
    this.#program('dist/main.cjs', "const from = 'dist';");
    this.setAge('dist/main.cjs', -60);
  }

  #program(file: string, head: string): void {
    const body = `${head}\nconsole.log(JSON.stringify({ from, args: process.argv.slice(2), flags: process.execArgv, pid: process.pid, version: process.versions.node }));\nprocess.exitCode = process.argv.includes('--fail') ? 3 : 0;`;
    writeFileSync(path.join(this.dir, file), body);
  }

  /** Seconds relative to everything else. */
  setAge(file: string, seconds: number): void {
    const at = new Date(Date.now() + seconds * 1000);
    utimesSync(path.join(this.dir, file), at, at);
  }

  /** The runtime that npm would have installed beside us. */
  bundle(): void {
    const modules = path.join(this.dir, 'node_modules');
    mkdirSync(modules);
    const name = `node-${process.platform}-${process.arch}`;
    symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
  }

  run(node: string, ...args: string[]): Promise<Ran> {
    return this.runFile(node, 'bin/open-clanker.cjs', ...args);
  }

  runFile(node: string, file: string, ...args: string[]): Promise<Ran> {
    return new Promise((resolve) => {
      const env = { PATH: process.env['PATH'], HOME: this.dir };
      const child = execFile(node, [path.join(this.dir, file), ...args], { env }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err, pid: child.pid });
      });
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true });
  }
}

interface Said {
  from: string;
  args: string[];
  flags: string[];
  pid: number;
  version: string;
}
const said = (out: string): Said => JSON.parse(out) as Said;

test('a clone without a fresh build runs its source, with a fresh one the build', async () => {
  using clone = new Clone();
  assert.equal(said((await clone.run(process.execPath, 'status')).out).from, 'src');
  clone.setAge('dist/main.cjs', 60);
  assert.equal(said((await clone.run(process.execPath, 'status')).out).from, 'dist');
  clone.setAge('src/main.ts', 120);
  assert.equal(said((await clone.run(process.execPath, 'status')).out).from, 'src');
  rmSync(path.join(clone.dir, 'src'), { recursive: true });
  assert.equal(said((await clone.run(process.execPath, 'status')).out).from, 'dist');
});

test('a removed source file makes the build stale', async () => {
  using clone = new Clone();
  const extra = path.join(clone.dir, 'src/extra.ts');
  writeFileSync(extra, '');
  for (const name of ['src', 'src/main.ts', 'src/extra.ts', 'package.json']) clone.setAge(name, -120);
  assert.equal(said((await clone.run(process.execPath, 'status')).out).from, 'dist');
  rmSync(extra);
  assert.equal(said((await clone.run(process.execPath, 'status')).out).from, 'src');
});

test('gateway, and only gateway, runs with the V8 flags, once, in the same process', async () => {
  using clone = new Clone();
  for (const args of [['gateway'], ['-c', 'x.toml', '--verbose', 'gateway', '--port', '1']]) {
    const { out, pid } = await clone.run(process.execPath, ...args);
    const flags = [
      '--max-semi-space-size=1',
      '--heap-growing-percent=30',
      '--no-concurrent-recompilation',
      '--invocation-count-for-maglev=1500',
    ];
    assert.deepEqual(said(out).flags, [...flags, '--expose-gc']);
    assert.deepEqual(said(out).args, args);
    assert.equal(said(out).pid, pid);
  }
  for (const args of [['status'], ['help', 'gateway'], ['-c', 'gateway', 'status'], []]) {
    assert.deepEqual(said((await clone.run(process.execPath, ...args)).out).flags, []);
  }
});

test('the exit code of the program is that of the bin', async () => {
  using clone = new Clone();
  assert.equal((await clone.run(process.execPath, 'status', '--fail')).code, 3);
});

/** A Node that is too old for the program, as a newcomer may have. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((file) => existsSync(file));
const oldVersion =
  oldNode === undefined
    ? ''
    : await new Promise<string>((resolve) => execFile(oldNode, ['--version'], (_error, out) => resolve(out.trim())));
const skip = /^v(\d|1\d|2[0-3])\./.test(oldVersion) ? false : 'no Node older than 24 is installed on this machine';

test('under an old Node the bundled runtime takes over', { skip }, async () => {
  using clone = new Clone();
  clone.bundle();
  for (const args of [['status'], ['gateway'], ['status', '--fail']]) {
    const { code, out } = await clone.run(oldNode ?? '', ...args);
    assert.notEqual(`v${said(out).version}`, oldVersion);
    assert.deepEqual(said(out).args, args);
    assert.equal(code, args.includes('--fail') ? 3 : 0);
  }
});

test('under an old Node without a bundled runtime one line names the fix', { skip }, async () => {
  using clone = new Clone();
  const { code, out, err } = await clone.run(oldNode ?? '', 'gateway');
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^open-clanker: Node \S+ is too old; it needs 24\.16 or newer\. Install Node 26 .*\n$/);
});

test('under an old Node a signal reaches the program, and its death is ours', { skip }, async () => {
  using clone = new Clone();
  clone.bundle();
  const wait =
    "process.on('SIGTERM', () => { console.log('told'); process.exit(7); }); console.log('up'); setInterval(() => {}, 1000);";
  writeFileSync(path.join(clone.dir, 'src/main.ts'), wait);
  const { spawn } = await import('node:child_process');
  const child = spawn(oldNode ?? '', [path.join(clone.dir, 'bin/open-clanker.cjs'), 'gateway'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (text.startsWith('up')) child.kill('SIGTERM');
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.deepEqual([out, code], ['up\ntold\n', 7]);
});

test('a clone in which nothing is installed says so, by the bin and by npm start, under every Node', async () => {
  using clone = new Clone();
  writeFileSync(path.join(clone.dir, 'package.json'), '{"type":"module","dependencies":{"not-there":"1.0.0"}}');
  cpSync(path.join(root, 'tools/preflight.cjs'), path.join(clone.dir, 'tools/preflight.cjs'));
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const name of ['start', 'test']) assert.match(scripts[name] ?? '', /^node tools\/preflight\.cjs && /);
  for (const node of [process.execPath, ...(skip === false && oldNode !== undefined ? [oldNode] : [])]) {
    for (const file of ['bin/open-clanker.cjs', 'tools/preflight.cjs']) {
      const { code, err } = await clone.runFile(node, file);
      assert.deepEqual([code, err.split('\n').length], [1, 2], err);
      assert.match(err, /^open-clanker: nothing is installed yet; run "npm ci" in /);
    }
  }
  clone.setAge('dist/main.cjs', 60);
  assert.equal(said((await clone.run(process.execPath, 'status')).out).from, 'dist', 'a build needs nothing');
});
