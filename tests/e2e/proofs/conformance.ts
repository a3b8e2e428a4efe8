/** The whole suite of a channel, with many more lost connections than the tests take. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Proof } from './proof.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** The suites there are, as `[name, file]`. */
export const suites = (): [string, string][] =>
  globSync('tests/adapters/channels/*/*conformance.test.ts', { cwd: root })
    .sort()
    .map((file) => [path.basename(path.dirname(file)), file]);

export async function conformance(file: string, drops: number): Promise<Proof> {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', file], {
    cwd: root,
    env: { ...process.env, CONFORMANCE_DROPS: String(drops) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const passed = /^# pass (\d+)$/m.exec(output)?.[1] ?? '0';
  const failed = output.match(/^ *not ok .*$/gm) ?? ['it did not run'];
  return {
    figures: [
      ['connections cut', String(drops)],
      ['promises kept', passed],
    ],
    violations: code === 0 ? [] : failed,
  };
}
