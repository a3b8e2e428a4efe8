/**
 * A process that fires jobs and carries their tasks out until it is killed or done, for tests that kill, trace or starve
 * it: `node task-hammer.ts FILE COUNT`. Prints one line per acknowledgement, right after it, and per error code met.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../../../../src/adapters/store/sqlite/index.ts';
import { systemClock } from '../../../../src/adapters/system/index.ts';
import { ClankerError } from '../../../../src/core/errors.ts';
import { keptMetrics, migrationsDir, quietLog } from '../open.ts';
import { noon, outboundRow } from '../rows.ts';
import { claimTask, finished, fire, fired, newJob } from '../schedule-rows.ts';

const lanes = 4;
const [file = '', count = ''] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const store = await openStore({ path: file, migrationsDir, log: quietLog, metrics: keptMetrics(), clock: systemClock });

/** Until it is acknowledged; gives up on what waiting cannot mend. */
async function acknowledged<T>(operation: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof ClankerError) || !error.retryable) throw error;
      say(`error ${error.code}`);
      await sleep(10);
    }
  }
  throw new Error('never acknowledged');
}

async function tick(id: string): Promise<void> {
  const job = await acknowledged(() => store.job(id, null));
  const due = job?.nextAt ?? null;
  if (job === null || due === null) throw new Error('the job is over');
  // A firing that failed and yet came back from the log is void the second time: what it stored counts.
  await acknowledged(() => fire(store, job, [fired(due)], due + 1));
  const taskId = `${id}@${due}`;
  say(`fired ${taskId}`);
  const claim = { now: due, leaseUntil: due + 1e9, busyOwners: others(id) };
  const task = await acknowledged(() => claimTask(store, claim));
  if (task?.id !== taskId) throw new Error(`nothing to claim for ${taskId}`);
  const outbox = [
    outboundRow(`out-${taskId}`, {
      idempotencyKey: `task:${taskId}`,
      conversation: { channel: 'telegram', account: 'main', native: id },
    }),
  ];
  await acknowledged(() => store.finishTask(finished(task, { outbox })));
  say(`finished ${taskId}`);
}

const others = (id: string): string[] =>
  Array.from({ length: lanes }, (_, n) => `j${n}`).filter((other) => other !== id);

await Promise.all(
  Array.from({ length: lanes }, async (_, n) => {
    const id = `j${n}`;
    await acknowledged(() => store.addJob(newJob(id, { owner: id, nextAt: noon }), 9));
    for (let i = 0; i < Number(count); i++) await tick(id);
  }),
);
await store.close();
say('closed');
