/** Ten thousand texts of every dialect, cut: nothing lost, nothing over the limit. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Proof } from './proof.ts';

const root = path.resolve(import.meta.dirname, '../../..');

export async function split(cases: number): Promise<Proof> {
  const tests = ['tests/core/split.test.ts', 'tests/core/split-measure.test.ts'];
  const env = { ...process.env, SPLIT_CASES: String(cases) };
  const figures: Proof['figures'] = [['texts of each dialect', String(cases)]];
  try {
    await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', ...tests], { cwd: root, env });
    return { figures, violations: [] };
  } catch (error) {
    const { stdout = String(error) } = error as { stdout?: string };
    return { figures, violations: stdout.split('\n').filter((line) => /^not ok|Counterexample/.test(line.trim())) };
  }
}
