/**
 * `npm run bench`: the figures of the budgets, measured on the built daemon against a local model API at an exact
 * pace, printed as one table. Fails only over a memory, processor or size budget; timings depend on the neighbours
 * and are shown with the machine's load.
 *
 *   --quick          a slice for CI: fewer sessions, seconds instead of minutes
 *   --idle SECONDS   how long the gateway rests before its idle memory is read (60)
 *   --json           the rows as JSON
 *   --only a,b       of: start, idle, hello, sessions, saturated, channels, jobs, status, install
 */
import { parseArgs } from 'node:util';
import { isBuilt } from '../tests/support/daemon.ts';
import { load, machineLine } from './machine.ts';
import { benches, type BenchName, type BenchOptions } from './rows.ts';
import { printTable, type Row } from './table.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    idle: { type: 'string' },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
const options: BenchOptions = {
  idleSeconds: Number(values.idle ?? (values.quick ? 5 : 60)),
  sessions: values.quick ? 20 : 100,
  loadMs: values.quick ? 3000 : 30_000,
  rounds: values.quick ? 1 : 15,
  storedJobs: values.quick ? 10_000 : 100_000,
  starts: values.quick ? 3 : 9,
};
const names = Object.keys(benches) as BenchName[];
const chosen = values.only === undefined ? names : names.filter((name) => values.only?.split(',').includes(name));

function requireBuild(when: string): void {
  if (isBuilt()) return;
  console.error(`dist/ is older than its sources ${when} the bench; build and run it while nothing changes.`);
  process.exit(2);
}

requireBuild('before');
const loadBefore = load();
const rows: Row[] = [];
for (const name of chosen) {
  if (!values.json) console.error(`measuring ${name} …`);
  rows.push(...(await benches[name](options)));
}
requireBuild('after');
const machine = `${machineLine()}; load ${loadBefore} before, ${load()} after`;
if (values.json) console.log(JSON.stringify({ machine, options, rows }, null, 2));
else {
  console.log(machine);
  printTable(rows);
}
process.exitCode = rows.some(({ verdict }) => verdict === 'over') ? 1 : 0;
