/** The whole suite of a channel, with many more lost connections than the tests take. */
import { globSync } from 'node:fs';
import path from 'node:path';
import type { Proof } from './proof.ts';
import { runTests } from './test-file.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** The suites there are, as `[name, file]`. */
export const suites = (): [string, string][] =>
  globSync('tests/adapters/channels/*/*conformance.test.ts', { cwd: root })
    .sort()
    .map((file) => [path.basename(path.dirname(file)), file]);

export async function conformance(file: string, drops: number): Promise<Proof> {
  const { passed, violations } = await runTests(file, { CONFORMANCE_DROPS: String(drops) });
  return {
    figures: [
      ['connections cut', String(drops)],
      ['promises kept', passed],
    ],
    violations,
  };
}
