/** The whole suite of every channel, with many more lost connections than the tests take. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import type { Proof } from './proof.ts';

const root = path.resolve(import.meta.dirname, '../../..');

export function conformance(drops: number): Promise<Proof> {
  const files = globSync('tests/adapters/channels/**/*conformance.test.ts', { cwd: root }).sort();
  const figures: [string, string][] = [['connections cut per channel', String(drops)]];
  const violations: string[] = [];
  for (const file of files) {
    const name = path.basename(path.dirname(file));
    const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], {
      cwd: root,
      env: { ...process.env, CONFORMANCE_DROPS: String(drops) },
      encoding: 'utf8',
      maxBuffer: 64 * 2 ** 20,
    });
    const passed = /^# pass (\d+)$/m.exec(stdout)?.[1] ?? '0';
    figures.push([name, `${passed} promises kept`]);
    if (status !== 0) violations.push(`${name}: ${(stdout.match(/^ *not ok .*$/gm) ?? ['it did not run']).join('; ')}`);
  }
  return Promise.resolve({ figures, violations });
}
