/** Every fault of channels for longer than the tests take: minutes of conflicts, a partition, hung polls. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { Proof } from './proof.ts';

const root = path.resolve(import.meta.dirname, '../../..');

export function faults(): Promise<Proof> {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--test', '--test-reporter=tap', 'tests/e2e/channel-faults.test.ts'],
    { cwd: root, env: { ...process.env, THOROUGH_FAULTS: 'yes' }, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 },
  );
  const passed = /^# pass (\d+)$/m.exec(stdout)?.[1] ?? '0';
  const violations = status === 0 ? [] : (stdout.match(/^ *not ok .*$/gm) ?? ['it did not run']);
  return Promise.resolve({ figures: [['faults survived', passed]], violations });
}
