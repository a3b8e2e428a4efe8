/** What the built gateway loads when nobody asks it anything: each thing here is memory that every user would pay for. */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Words that stand in one part only, by what it is needed for. */
const parts = {
  'a WebSocket client': 'permessage-deflate',
  Telegram: 'getUpdates',
  'e-mail': 'imapflow',
  'formatted text': 'linkify',
  'a calculation': 'DecimalError',
  'a page that is read': 'lowerCaseAttributeNames',
  'front matter': 'YAMLParseError',
  'an MCP server': 'notifications/initialized',
  'a program in the sandbox': '-info-fd',
  'a plugin': 'open-clanker.plugin.json',
  'a backup': 'before-restore-',
  'a chore': 'no_such_chore',
  'words of time': 'anderthalb',
  'a cron expression': 'nearestWeekdays',
  'what people do with jobs': 'too_many_jobs',
  'what is said about jobs': 'Montag bis Freitag',
  'the document of the API': 'securitySchemes',
};

/** Of Node's own. */
const builtins = ['undici', 'https', 'tls', 'zlib', 'http2', 'inspector', 'readline'];

/** Source of ours, in bytes. Raise it with a reason; the last one: every gateway has jobs, its own chores. */
const maxSource = 1_050_000;

test('a gateway that nobody asked anything has loaded nothing but what answers the first question', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-loaded-'));
  try {
    const [probe, list] = [path.join(dir, 'probe.cjs'), path.join(dir, 'loaded.json')];
    writeFileSync(
      probe,
      `const { isMainThread } = require('node:worker_threads');
       if (isMainThread && process.argv.includes('gateway')) {
         const languages = [];
         globalThis.Intl = new Proxy(Intl, { get: (real, name) => (languages.push(String(name)), real[name]) });
         process.once('exit', () =>
           require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify({
             files: Object.keys(require.cache), natives: process.moduleLoadList, languages })));
       }`,
    );
    const daemon = await startDaemon({ dir, env: { NODE_OPTIONS: `--require=${probe}` } });
    await daemon.stop();
    const { files, natives, languages } = JSON.parse(readFileSync(list, 'utf8')) as Record<string, string[]>;
    assert(files !== undefined && natives !== undefined);
    assert.deepEqual(languages, [], 'whatever is asked of Intl first loads what ICU knows of all languages');

    const own = files.filter((file) => path.dirname(file) === path.join(root, 'dist'));
    assert(own.some((file) => path.basename(file) === 'main.cjs'));
    const built = globSync('dist/*.cjs', { cwd: root }).map((file) => path.join(root, file));
    for (const [need, word] of Object.entries(parts)) {
      const holding = built.filter((file) => readFileSync(file, 'latin1').includes(word));
      assert(holding.length > 0, `no part holds "${word}" any more; choose another word for ${need}`);
      const early = holding.filter((file) => own.includes(file)).map((file) => path.basename(file));
      assert.deepEqual(early, [], `it is there for ${need}`);
    }
    const early = builtins.filter((name) =>
      natives.some((each) => each === `NativeModule ${name}` || each.includes(`internal/deps/${name}/`)),
    );
    assert.deepEqual(early, []);
    const source = own.reduce((sum, file) => sum + readFileSync(file).length, 0);
    assert(source <= maxSource, `${source} bytes of source are loaded, more than ${maxSource}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
