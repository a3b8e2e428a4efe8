/**
 * `npm run prove`: the promises of durability, shown on the built daemon. Each section drives it against a local model
 * and a local Telegram, does its worst, and then draws up the accounts. Exits 1 on any violation.
 *
 *   npm run prove                          all sections
 *   npm run prove -- crash steps           some of: crash steps agent jobs acks drain slow reload channels promises faults split
 *                                          scheduler restore
 *   --kills N       of crash, agent and jobs (60)
 *   --slow-turn S   seconds of the slow turn (10; the promise is made for 60)
 */
import { parseArgs } from 'node:util';
import { load, machineLine } from '../bench/machine.ts';
import { isBuilt } from '../tests/support/daemon.ts';
import { acks } from '../tests/e2e/proofs/acks.ts';
import { agent } from '../tests/e2e/proofs/agent.ts';
import { channels } from '../tests/e2e/proofs/channels.ts';
import { conformance, suites } from '../tests/e2e/proofs/conformance.ts';
import { crash } from '../tests/e2e/proofs/crash.ts';
import { drain } from '../tests/e2e/proofs/drain.ts';
import { faults } from '../tests/e2e/proofs/faults.ts';
import { jobs } from '../tests/e2e/proofs/jobs.ts';
import type { Proof } from '../tests/e2e/proofs/proof.ts';
import { reload } from '../tests/e2e/proofs/reload.ts';
import { restore } from '../tests/e2e/proofs/restore.ts';
import { scheduler } from '../tests/e2e/proofs/scheduler.ts';
import { flood, slowDisk, slowReader, slowTurn } from '../tests/e2e/proofs/slow.ts';
import { split } from '../tests/e2e/proofs/split.ts';
import { steps } from '../tests/e2e/proofs/steps.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kills: { type: 'string', default: '60' }, 'slow-turn': { type: 'string', default: '10' } },
});

/** A proof that hangs has failed. */
const sectionLimitMs = 30 * 60_000;
const maxShownViolations = 20;

const sections: Record<string, [title: string, run: () => Promise<Proof>][]> = {
  crash: [['kill -9 at random moments under load', () => crash(Number(values.kills))]],
  steps: [['kill -9 at every named step', () => steps()]],
  agent: [['kill -9 at random moments and named steps while tools do things', () => agent(Number(values.kills))]],
  jobs: [['kill -9 at random moments and named steps while jobs are due', () => jobs(Number(values.kills))]],
  acks: [['every acknowledgement after its fsync', () => acks(12)]],
  drain: [['SIGTERM with 100 streams open', () => drain(100)]],
  slow: [
    ['a slow turn beside others', () => slowTurn(Number(values['slow-turn']) * 1000)],
    ['a flood in one session beside others', () => flood(400)],
    ['a slow disk', () => slowDisk(10_000)],
    ['a WebSocket that does not read', () => slowReader(200)],
  ],
  reload: [['20 reloads under load', () => reload(20)]],
  channels: [['kill -9 at random moments under traffic on four platforms', () => channels(Number(values.kills) / 2)]],
  promises: suites().map(([name, file]) => [
    `${name} against its platform, connections cut 50 times`,
    () => conformance(file, 50),
  ]),
  faults: [['faults of five platforms at once', () => faults()]],
  scheduler: [['10,000 lives of a scheduler: stops, kills, moved clocks, changed jobs', () => scheduler(10_000)]],
  restore: [['kill -9 at every step of a restore', () => restore()]],
  split: [['10,000 texts of every dialect, cut', () => split(10_000)]],
};

const chosen = positionals.length === 0 ? Object.keys(sections) : positionals;
for (const name of chosen) {
  if (sections[name] === undefined) {
    console.error(`There is no section "${name}"; there are ${Object.keys(sections).join(', ')}.`);
    process.exit(2);
  }
}

if (!isBuilt()) {
  console.error('dist/ is older than its sources; run npm run build, and prove while nothing changes.');
  process.exit(2);
}
console.log(`${machineLine()}; load ${load()}`);
let failed = 0;
for (const [title, run] of chosen.flatMap((name) => sections[name] ?? [])) {
  console.log(`\n${title}`);
  const watchdog = setTimeout(() => {
    console.log('  VIOLATION: the proof did not come to an end');
    process.exit(1);
  }, sectionLimitMs);
  const proof = await run().catch((error: unknown): Proof => ({ figures: [], violations: [String(error)] }));
  clearTimeout(watchdog);
  if (proof.skipped !== undefined) {
    console.log(`  skipped: ${proof.skipped}`);
    continue;
  }
  const width = Math.max(0, ...proof.figures.map(([figure]) => figure.length));
  for (const [figure, value] of proof.figures) console.log(`  ${figure.padEnd(width)}  ${value}`);
  for (const violation of proof.violations.slice(0, maxShownViolations)) console.log(`  VIOLATION: ${violation}`);
  if (proof.violations.length > maxShownViolations) {
    console.log(`  … and ${proof.violations.length - maxShownViolations} more`);
  }
  console.log(`  ${proof.violations.length === 0 ? 'holds' : 'DOES NOT HOLD'}`);
  if (proof.violations.length > 0) failed++;
}
console.log(`\nload after ${load()}; ${failed === 0 ? 'everything holds' : `${failed} proofs do not hold`}`);
process.exitCode = failed === 0 ? 0 : 1;
