/** kill -9 at random moments and at every named step while jobs are due every second or two; then the accounts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../../bench/table.ts';
import { failureCrashSteps, jobCrashSteps, type CrashStep } from '../../../src/app/lifecycle/crash-points.ts';
import type { WrittenJob } from '../../../src/core/ports/schedule-gateway.ts';
import { newMarker } from '../../support/mock-openai.ts';
import { isRecovering, jobsAccounts, type Reminder } from './jobs-accounts.ts';
import { chats, JobsRig } from './jobs-rig.ts';
import type { Proof } from './proof.ts';

/** The gateway lives this long before each kill at a random moment. */
const lifeMs = { min: 300, max: 1300 };
/** What was cut is done soon after the start. */
const recoverWithinMs = 20_000;
const recoverPollMs = 20;
/** Something is due at least every second. */
const stepWithinMs = 20_000;
/** How often somebody asks to be reminded of something. */
const remindEveryMs = 250;

const to = (place: number): string => `telegram:main:${chats[place]}`;

/** One of each kind; a reminder of a text says the same each time. */
const jobsOf = (rig: JobsRig): Record<string, WrittenJob> => ({
  'text, all': {
    every: '2s',
    payload: { kind: 'text', text: `all ${newMarker()}` },
    missed: { policy: 'all', max: 100 },
    deliver: to(0),
  },
  'text, once': { every: '1500ms', payload: { kind: 'text', text: `once ${newMarker()}` }, deliver: to(1) },
  'text, skip': {
    every: '1s',
    payload: { kind: 'text', text: `skip ${newMarker()}` },
    missed: { policy: 'skip' },
    deliver: to(2),
  },
  ask: { every: '2s', payload: { kind: 'ask', prompt: 'answer me' }, deliver: to(3) },
  post: { every: '1s', payload: { kind: 'webhook', name: 'ops', body: { level: 1 } }, deliver: 'nowhere' },
  posted: { every: '2s', payload: { kind: 'text', text: 'posted' }, deliver: 'webhook:ops' },
  workflow: {
    every: '2s',
    payload: {
      kind: 'workflow',
      steps: [
        { id: 'tag', do: { kind: 'ask', prompt: 'tag it' } },
        {
          id: 'post',
          needs: ['tag'],
          do: {
            kind: 'tool',
            tool: 'http_request',
            args: { method: 'POST', url: rig.counterUrl('{{tag}}'), body: 'x' },
          },
        },
      ],
    },
    deliver: 'nowhere',
  },
});

const allSteps: readonly CrashStep[] = [...jobCrashSteps, ...failureCrashSteps];

/** Every other kill is at a named step, in their order. */
export async function jobs(kills: number, steps: readonly CrashStep[] = allSteps): Promise<Proof> {
  const rig = await JobsRig.open();
  try {
    await rig.start();
    const ids = new Map<string, string>();
    for (const [name, job] of Object.entries(jobsOf(rig))) ids.set(name, await rig.add({ name, ...job }));
    const going = { on: true };
    const reminding = remind(rig, going);
    const ready: number[] = [];
    const reached = new Map<string, number>();
    const left: string[] = [];
    const life = async (): Promise<void> => {
      ready.push((await rig.start()).readyMs);
      await sleep(lifeMs.min + Math.random() * (lifeMs.max - lifeMs.min));
      // On a slow machine a task could die so often that it is a dead letter: that is shown elsewhere.
      const deadline = performance.now() + recoverWithinMs;
      while (isRecovering(rig.databaseFile) && performance.now() < deadline) await sleep(recoverPollMs);
    };
    for (let n = 0; n < kills; n++) {
      if (n % 2 === 0) await rig.kill();
      else {
        // A life that dies at once comes after one that ended well, for the same reason.
        left.push(...(await rig.stopped()));
        const step = steps[((n - 1) / 2) % steps.length] ?? 'task_claimed';
        if (await endsAt(step, rig)) reached.set(step, (reached.get(step) ?? 0) + 1);
        await rig.kill();
      }
      await life();
    }
    going.on = false;
    const reminders = await reminding;
    await rig.pauseRecurring([...ids.values()]);
    left.push(...(await rig.settle()), ...(await rig.stopped()));
    const accounts = jobsAccounts(rig, { ids, reminders });
    const ms = [0.5, 0.95, 1].map((share) => `${percentile(ready, share).toFixed(0)} ms`).join(' / ');
    return {
      figures: [
        ['kills', String(kills)],
        ['of those at a named step', [...reached].map(([step, times]) => `${step} ${times}`).join(', ')],
        ...accounts.figures,
        ['ready again, median / p95 / max', ms],
      ],
      violations: [
        ...left,
        ...accounts.violations,
        ...rig.telegram.violations.map((what) => `Telegram: ${what}`),
        ...steps
          .slice(0, Math.floor(kills / 2))
          .flatMap((step) => (reached.has(step) ? [] : [`nothing came to ${step}`])),
      ],
    };
  } finally {
    await rig.close();
  }
}

/** Somebody who is reminded of something else each time, a moment later; some of it cannot be done, and they hear so. */
async function remind(rig: JobsRig, going: { on: boolean }): Promise<Reminder[]> {
  const reminders: Reminder[] = [];
  for (let n = 0; going.on; n++) {
    const chat = 4 + (n % (chats.length - 4));
    const text = `reminder ${newMarker()}`;
    const after = n % 3 === 0 ? '1s' : '2s';
    const payload: WrittenJob['payload'] =
      n % 4 === 3
        ? { kind: 'tool', tool: 'calculator', args: { expression: 'nothing of the kind' } }
        : { kind: 'text', text };
    const id = await rig.add({ name: text, after, payload, deliver: to(chat), retries: 0 });
    reminders.push({ id, text });
    await sleep(remindEveryMs);
  }
  return reminders;
}

/** Whether a gateway that kills itself at this step came to it. One that finds enough to do is not ready before. */
async function endsAt(step: CrashStep, rig: JobsRig): Promise<boolean> {
  try {
    const { exit } = await rig.start({ OPEN_CLANKER_CRASH_AT: step });
    return (await Promise.race([exit, sleep(stepWithinMs, null, { ref: false })])) !== null;
  } catch (error) {
    if (error instanceof Error && error.message.includes('"signal":"SIGKILL"')) return true;
    throw error;
  }
}
