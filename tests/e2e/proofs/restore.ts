/** A restore, killed at each of its steps. */
import type { Proof } from './proof.ts';
import { runTests } from './test-file.ts';

export async function restore(): Promise<Proof> {
  const { output, violations } = await runTests('tests/adapters/backup/crash.test.ts', { RESTORE_STRIDE: '1' });
  const [, starts = '0', renewed = '0'] = /^ *# (\d+) starts, (\d+) with the new data$/m.exec(output) ?? [];
  return {
    figures: [
      ['starts after a kill', starts],
      ['of them with the new data, whole', renewed],
      ['of them with the old data, whole', String(Number(starts) - Number(renewed))],
    ],
    violations,
  };
}
