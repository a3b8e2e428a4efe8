import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';

/** `nobody` on Linux. */
const nobody = 65_534;

/**
 * Runs a test file again as a user without rights when root runs it: the kernel does not hold root to every limit. True
 * when the caller has nothing left to do: that was done, or that user cannot read where the repository is, which is said.
 */
export function testedAsNobody(file: string): boolean {
  if (process.getuid?.() !== 0) return false;
  if (asNobody('-e', `require('node:fs').accessSync(${JSON.stringify(file)})`).status !== 0) {
    console.log('skipped: root runs the tests, and a user without rights cannot read where they are');
    return true;
  }
  const { status, stdout } = asNobody('--test', file);
  process.stdout.write(stdout);
  assert.equal(status, 0, stdout);
  return true;
}

function asNobody(...args: string[]): SpawnSyncReturns<string> {
  // A test file that runs in another tells its findings by its exit code and in words.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(process.execPath, args, {
    uid: nobody,
    gid: nobody,
    env: { ...env, HOME: '/tmp' },
    cwd: '/',
    encoding: 'utf8',
    timeout: 120_000,
  });
}
