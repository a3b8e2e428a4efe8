import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { other, whyAlone } from '../support/other-user.ts';

const root = path.resolve(import.meta.dirname, '../..');
const bin = path.join(root, 'bin/open-clanker.cjs');
const main = path.join(root, 'dist/main.cjs');
const dir = mkdtempSync(path.join(tmpdir(), 'clanker-process-'));
after(() => rmSync(dir, { recursive: true }));
const env = { PATH: process.env['PATH'], HOME: dir, OPEN_CLANKER_DATA: dir, OPEN_CLANKER_SERVER__PORT: '1' };

function run(args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, cwd: dir }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

const skip = existsSync(main) ? false : 'there is no build; npm test makes one';

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  assert.deepEqual(await run([bin, '--version']), { code: 0, out: `${version}\n`, err: '' });
});

test('exit codes: 0 done, 1 failed, 2 wrong use, 78 invalid configuration', async () => {
  assert.equal((await run([bin, '--help'])).code, 0);
  assert.equal((await run([bin, 'status'])).code, 1);
  assert.equal((await run([bin, 'status', '--nonsense'])).code, 2);
  assert.equal((await run([bin, '-c', 'missing.toml', 'config', 'validate'])).code, 78);
  assert.equal((await run([bin, '-c', 'missing.toml', 'gateway'])).code, 78);
});

test('a reader that leaves early ends the command quietly', async () => {
  const child = spawn(process.execPath, [bin, 'config', 'generate', '--path', '-'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdout.destroy();
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual([code, err], [0, '']);
});

test('output that cannot be written is one line that says why', { skip: !existsSync('/dev/full') }, async () => {
  const child = spawn(process.execPath, [bin, '--help'], {
    env,
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
  });
  let err = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual([code, err], [1, 'open-clanker: the output cannot be written: the disk is full.\n']);
});

test(
  'a user without a home, whom the system does not know, and a folder that was removed end no command',
  { skip: whyAlone() },
  () => {
    const { stdout, status, stderr } = spawnSync(
      'sh',
      ['-c', 'cd "$(mktemp -d)" && rmdir "$PWD" && exec "$0" "$@"', process.execPath, bin, 'config', 'validate'],
      { ...other, env: { PATH: env.PATH }, encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /the defaults are valid/);
  },
);

test(
  'what this user may not look into is passed over by the search, and said of a file that is named',
  { skip: whyAlone() },
  (t) => {
    const closed = mkdtempSync(path.join(tmpdir(), 'clanker-closed-'));
    t.after(() => rmSync(closed, { recursive: true }));
    const asked = (...args: string[]): SpawnSyncReturns<string> =>
      spawnSync(process.execPath, [bin, ...args, 'config', 'validate'], {
        ...other,
        cwd: closed,
        encoding: 'utf8',
        env: { PATH: env.PATH, HOME: closed },
      });
    assert.match(asked().stdout, /the defaults are valid/);
    const named = asked('-c', path.join(closed, 'x.toml'));
    assert.deepEqual([named.status, /may not be read/.test(named.stderr)], [78, true]);
  },
);

test('the built command line loads neither undici nor what only the gateway needs', { skip }, async () => {
  const probe = `
    process.argv.splice(1, 0, ${JSON.stringify(main)});
    process.once('exit', () => {
      const files = Object.keys(require.cache).map((file) => require('node:path').basename(file));
      console.error(JSON.stringify({ undici: process.moduleLoadList.filter((name) => /undici/.test(name)), files }));
    });
    require(${JSON.stringify(main)});`;
  for (const args of [['--version'], ['status', '--url', 'http://127.0.0.1:1']]) {
    const { err } = await run(['-e', probe, '--', ...args]);
    const { undici, files } = JSON.parse(err.trim().split('\n').at(-1) ?? '') as { undici: string[]; files: string[] };
    assert.deepEqual(undici, []);
    assert(files.includes('main.cjs'));
    for (const heavy of ['compose', 'config', 'store-worker']) {
      assert(
        !files.some((file) => file.startsWith(`${heavy}-`) || file === `${heavy}.cjs`),
        `${args[0]}: ${files.join()}`,
      );
    }
  }
});

test('the build is ASCII, flat, and names undici nowhere', { skip }, () => {
  const files = globSync('dist/**/*.cjs', { cwd: root });
  assert(files.includes('dist/store-worker.cjs'));
  for (const file of files) {
    assert.equal(path.dirname(file), 'dist');
    const text = readFileSync(path.join(root, file), 'latin1');
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(text, /[^\u0000-\u007f]/, file);
    assert.doesNotMatch(text, /require\(["'`](?:node:)?undici/, file);
  }
});
