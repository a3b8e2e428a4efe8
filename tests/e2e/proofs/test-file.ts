/** Runs a file of tests with more to do than the tests take. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const root = path.resolve(import.meta.dirname, '../../..');

export interface Tested {
  /** In TAP. */
  output: string;
  passed: string;
  /** What failed, in words. */
  violations: string[];
}

export async function runTests(file: string, env: Record<string, string>): Promise<Tested> {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', file], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = (): boolean => child.kill();
  process.once('exit', end);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  process.off('exit', end);
  const violations = output.match(/^ *not ok .*$|^.*\{ seed: .*$/gm) ?? ['it did not run'];
  return { output, passed: /^# pass (\d+)$/m.exec(output)?.[1] ?? '0', violations: code === 0 ? [] : violations };
}
