import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

/** `nobody` on Linux. */
const nobody = 65_534;

/**
 * Runs a test file again as a user without rights when root runs it: the kernel does not hold root to every limit. True
 * when that was done and the caller has nothing left to do.
 */
export function testedAsNobody(file: string): boolean {
  if (process.getuid?.() !== 0) return false;
  // A test file that runs in another tells its findings by its exit code and in words.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, ['--test', file], {
    uid: nobody,
    gid: nobody,
    env: { ...env, HOME: '/tmp' },
    cwd: '/',
    encoding: 'utf8',
    timeout: 120_000,
  });
  process.stdout.write(stdout);
  assert.equal(status, 0, stdout);
  return true;
}
