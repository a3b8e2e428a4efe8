/** kill -9 at random moments and at every named step while people have things done by tools; then the accounts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../../bench/table.ts';
import { crashSteps, type CrashStep } from '../../../src/app/lifecycle/crash-points.ts';
import { agentAccounts } from './agent-accounts.ts';
import { People } from './agent-people.ts';
import { AgentRig, type QueueMode } from './agent-rig.ts';
import type { Proof } from './proof.ts';

/** The gateway lives this long before each kill at a random moment. */
const lifeMs = { min: 300, max: 1300 };
/** A step that nothing comes to in this time is left for later: the gateway is killed there and then. */
const stepWithinMs = 4000;
const people = { hasty: 3, careful: 3, http: 3 };

/** Those of the steps that only tools pass. */
export const toolSteps: readonly CrashStep[] = ['tool_started', 'tool_done', 'after_step'];

/** Every other kill is at a named step, in their order. */
export async function agent(kills: number, steps: readonly CrashStep[] = crashSteps): Promise<Proof> {
  const rig = await AgentRig.open(people.hasty + people.careful);
  try {
    await rig.start('steer');
    await rig.admit();
    const all = new People(rig, people);
    all.start();
    const ready: number[] = [];
    const reached = new Map<string, number>();
    const left: string[] = [];
    const life = async (mode: QueueMode): Promise<void> => {
      ready.push((await rig.start(mode)).readyMs);
      await sleep(lifeMs.min + Math.random() * (lifeMs.max - lifeMs.min));
    };
    for (let n = 0; n < kills; n++) {
      // What one life began the next may carry on in the other way.
      const [mode, other] = n % 4 < 2 ? (['steer', 'followup'] as const) : (['followup', 'steer'] as const);
      if (n % 2 === 0) await rig.kill();
      else {
        // A life that dies at once comes after one that ended well: a message that is hit twice while it is sent would
        // be left uncertain, and that is not what is shown here.
        left.push(...(await rig.stopped()));
        const step = steps[((n - 1) / 2) % steps.length] ?? 'after_step';
        if (await endsAt(step, rig, mode)) reached.set(step, (reached.get(step) ?? 0) + 1);
        await rig.kill();
      }
      await life(other);
    }
    await all.stop();
    left.push(...(await rig.settle()), ...(await rig.stopped()));
    const accounts = await agentAccounts(rig, all.asked);
    const ms = [0.5, 0.95, 1].map((share) => `${percentile(ready, share).toFixed(0)} ms`).join(' / ');
    return {
      figures: [
        ['kills', String(kills)],
        ['of those at a named step', [...reached].map(([step, times]) => `${step} ${times}`).join(', ')],
        ...accounts.figures,
        ['ready again, median / p95 / max', ms],
      ],
      violations: [...all.wrong, ...left, ...accounts.violations],
    };
  } finally {
    await rig.close();
  }
}

/** Whether a gateway that kills itself at this step came to it. One that finds enough to do is not ready before. */
async function endsAt(step: CrashStep, rig: AgentRig, mode: QueueMode): Promise<boolean> {
  try {
    const { exit } = await rig.start(mode, { OPEN_CLANKER_CRASH_AT: step });
    return (await Promise.race([exit, sleep(stepWithinMs, null, { ref: false })])) !== null;
  } catch (error) {
    if (error instanceof Error && error.message.includes('"signal":"SIGKILL"')) return true;
    throw error;
  }
}
