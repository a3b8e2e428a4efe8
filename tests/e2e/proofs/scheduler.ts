/** Random lives of a scheduler, and the rule that it decides by, many more of them than the tests take. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Proof } from './proof.ts';

const root = path.resolve(import.meta.dirname, '../../..');
/** Side by side, each with its part of the lives. */
const processes = 2;
const counts = /^ *# (?<lives>\d+) lives, (?<jobs>\d+) jobs, (?<fired>\d+) due times fired, (?<missed>\d+) missed$/m;

export async function scheduler(lives: number): Promise<Proof> {
  const runs = Math.ceil(lives / processes);
  const model = Array.from({ length: processes }, () => run('tests/app/schedule/scheduler-model.test.ts', runs));
  const all = await Promise.all([...model, run('tests/core/schedule.test.ts', lives)]);
  const counted = all.map(({ output }) => counts.exec(output));
  const sum = (name: string): string =>
    String(counted.reduce((total, found) => total + Number(found?.groups?.[name] ?? 0), 0));
  return {
    figures: [
      ['lives', sum('lives')],
      ['jobs in them', sum('jobs')],
      ['due times fired, each once', sum('fired')],
      ['due times missed, each as its job allows', sum('missed')],
      ['histories that the rule decided about', String(lives)],
    ],
    violations: all.flatMap(({ violations }) => violations),
  };
}

async function run(file: string, runs: number): Promise<{ output: string; violations: string[] }> {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', file], {
    cwd: root,
    env: { ...process.env, RUNS: String(runs), PROPERTY_RUNS: String(runs) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const violations = output.match(/^ *not ok .*$|^.*(?:Counterexample|\{ seed:).*$/gm) ?? ['it did not run'];
  return { output, violations: code === 0 ? [] : violations };
}
