/**
 * A process that fires jobs and carries their tasks out until it is killed or done, for tests that kill, trace or starve
 * it: `node task-hammer.ts FILE COUNT`. Prints one line per acknowledgement, right after it, and per error code met.
 */
import { noon, outboundRow } from '../rows.ts';
import { claimTask, finished, fire, fired, newJob } from '../schedule-rows.ts';
import { acknowledged, openHammered, say } from './hammering.ts';

const lanes = 4;
const [file = '', count = ''] = process.argv.slice(2);
const store = await openHammered(file);

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
