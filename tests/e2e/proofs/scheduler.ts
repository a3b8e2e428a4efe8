/** Random lives of a scheduler, and the rule that it decides by, many more of them than the tests take. */
import type { Proof } from './proof.ts';
import { runTests } from './test-file.ts';

/** Side by side, each with its part of the lives. */
const processes = 2;
const counts = /^ *# (?<lives>\d+) lives, (?<jobs>\d+) jobs, (?<fired>\d+) due times fired, (?<missed>\d+) missed$/m;

export async function scheduler(lives: number): Promise<Proof> {
  const runs = Math.ceil(lives / processes);
  const model = Array.from({ length: processes }, () =>
    runTests('tests/app/schedule/scheduler-model.test.ts', { RUNS: String(runs) }),
  );
  const all = await Promise.all([...model, runTests('tests/core/schedule.test.ts', { PROPERTY_RUNS: String(lives) })]);
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
