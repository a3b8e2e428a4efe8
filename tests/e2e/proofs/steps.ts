/** The gateway kills itself at each named step of a message's way, once for a Telegram and once for an HTTP message. */
import { setTimeout as sleep } from 'node:timers/promises';
import { crashSteps, type CrashStep } from '../../../src/app/lifecycle/crash-points.ts';
import { ask } from '../../support/gateway-client.ts';
import type { Sent } from '../../support/ledger.ts';
import { accountFigures, type Proof } from './proof.ts';
import { withRig, type Rig } from './rig.ts';

const crashWithinMs = 60_000;
/** Steps that only a message to a chat platform passes. */
const deliverySteps: readonly CrashStep[] = ['before_send', 'after_send', 'before_mark'];
/** Steps that only a turn with tools passes: those have proofs of their own. */
const toolSteps: readonly CrashStep[] = ['after_step', 'tool_started', 'tool_done'];
const plainSteps = crashSteps.filter((step) => !toolSteps.includes(step));

export function steps(only: readonly CrashStep[] = plainSteps): Promise<Proof> {
  return withRig({}, async (rig) => {
    const violations: string[] = [];
    let crashes = 0;
    for (const step of only) {
      for (const way of deliverySteps.includes(step) ? (['telegram'] as const) : (['telegram', 'http'] as const)) {
        violations.push(...(await crashAt(rig, step, way)).map((what) => `${step}, ${way}: ${what}`));
        crashes++;
      }
    }
    await rig.start();
    const accounts = await rig.account();
    return {
      figures: [['steps × ways crashed at', String(crashes)], ...accountFigures(accounts)],
      violations: [...violations, ...accounts.violations],
    };
  });
}

async function crashAt(rig: Rig, step: CrashStep, way: 'telegram' | 'http'): Promise<string[]> {
  const faults: string[] = [];
  const doomed = await rig.start({ env: { OPEN_CLANKER_CRASH_AT: step } });
  const sent = rig.ledger.enter(way, `${step} ${way}`);
  if (way === 'telegram') rig.say(sent);
  else await post(rig, sent).catch(() => {});
  const exit = await Promise.race([doomed.exit, sleep(crashWithinMs, undefined, { ref: false })]);
  if (exit === undefined) {
    faults.push('the step was never reached');
    await rig.kill();
  } else if (exit.signal !== 'SIGKILL') faults.push(`it ended with ${exit.code ?? exit.signal} and not by SIGKILL`);

  await rig.start();
  if (way === 'http' && sent.answer === null) await post(rig, sent);
  faults.push(...(await rig.settle()));
  await rig.stop();
  return faults;
}

async function post(rig: Rig, sent: Sent): Promise<void> {
  sent.requests++;
  const body = { text: sent.text, session: 'steps', idempotency_key: sent.marker };
  const answer = await ask(rig.target, 'POST', '/api/v1/chat', body);
  if (answer.status !== 200) return;
  sent.acknowledged = true;
  sent.answer = answer.body.reply?.text ?? '';
}
