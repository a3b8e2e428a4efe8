/**
 * Runs tests/ with Node's own runner, one process per file, and prints only what failed, what was slow and the counts.
 * `npm test -- session chat` runs the files whose path holds one of the words. Browser tests run apart: they need one.
 */
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';

/** Bytes kept of what a test file printed, for the case that it fails. */
const maxOutputPerFile = 64 * 1024;
/** A file that hangs is a failure, not a stuck run. */
const fileTimeoutMs = 600_000;
/** On a quiet machine hardly a file takes this long; one that does is named. */
const slowFileMs = 15_000;
/** More files at once than cores: half of the time of a file goes by while it waits for a disk, a pause, a child. */
const filesAtOnce = Math.min(8, availableParallelism() + 2);
/** What takes longest begins, so that at the end no core waits for a long file. */
const longest = ['tests/hostile/', 'tests/e2e/', 'tests/adapters/store/', 'tests/adapters/backup/'];

const turn = (file: string): number => [...longest, ''].findIndex((folder) => file.startsWith(folder));

const root = path.resolve(import.meta.dirname, '..');
const words = process.argv.slice(2);
const files = globSync('tests/**/*.test.ts', { cwd: root, exclude: ['tests/browser/**'] })
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort((a, b) => turn(a) - turn(b) || (a < b ? -1 : 1));
if (files.length === 0) {
  console.error(`No test file under tests/ matches ${words.join(' ')}.`);
  process.exit(2);
}

const printed = new Map<string, string>();
const failedFiles = new Set<string>();
const slow: [file: string, ms: number][] = [];
const counts = { pass: 0, fail: 0, skipped: 0 };
const startedAt = performance.now();

// Each process and each thread compiles what it loads; of one run, only the first of them does. A cache that outlived
// the run would gather what tests write into temporary folders and load from there.
const compiled = mkdtempSync(path.join(tmpdir(), 'clanker-compiled-'));
process.once('exit', () => rmSync(compiled, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const events = run({
  files: files.map((file) => path.join(root, file)),
  concurrency: filesAtOnce,
  timeout: fileTimeoutMs,
  env: { ...process.env, NODE_COMPILE_CACHE: compiled },
});
for await (const event of events) {
  const { type, data } = event;
  if (type === 'test:stdout' || type === 'test:stderr') {
    printed.set(data.file, ((printed.get(data.file) ?? '') + data.message).slice(-maxOutputPerFile));
  } else if (type === 'test:summary') {
    if (data.file !== undefined && data.duration_ms > slowFileMs) slow.push([data.file, data.duration_ms]);
  } else if (type === 'test:pass' && data.details.type !== 'suite') {
    if (data.skip === undefined || data.skip === false) counts.pass += 1;
    else {
      counts.skipped += 1;
      console.log(`- skipped: ${data.name}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}`);
    }
  } else if (type === 'test:fail' && data.details.error.failureType !== 'subtestsFailed') {
    counts.fail += 1;
    const file = data.file ?? '';
    failedFiles.add(file);
    const cause: unknown = data.details.error.cause ?? data.details.error;
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    console.log(`✖ ${path.relative(root, file)}:${data.line ?? 0} ${data.name}\n${text.replaceAll(/^/gm, '    ')}\n`);
  }
}
for (const file of failedFiles) {
  const text = printed.get(file);
  if (text !== undefined) console.log(`${path.relative(root, file)} printed:\n${text.replaceAll(/^/gm, '    ')}\n`);
}
for (const [file, ms] of slow.sort(([, a], [, b]) => b - a))
  console.log(`- slow: ${path.relative(root, file)} took ${(ms / 1000).toFixed(1)} s`);
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
console.log(
  `files ${files.length}  tests ${counts.pass + counts.fail + counts.skipped}  ` +
    `pass ${counts.pass}  fail ${counts.fail}  skipped ${counts.skipped}  in ${seconds} s`,
);
console.log(`${counts.pass} passed, ${counts.fail} failed, ${counts.skipped} skipped`);
process.exit(counts.fail === 0 ? 0 : 1);
