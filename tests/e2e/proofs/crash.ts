/** kill -9 at random moments under load, again and again; then the accounts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../../bench/table.ts';
import { accountFigures, type Proof } from './proof.ts';
import { withRig } from './rig.ts';
import { Traffic } from './traffic.ts';

/** The gateway lives this long before each kill, counted from ready; some kills hit it while it still recovers. */
const lifeMs = { min: 30, max: 1200 };
const people = { http: 5, sse: 4, ws: 4, telegram: 6, restMs: 60 };

export function crash(kills: number, { webhook = false } = {}): Promise<Proof> {
  return withRig({ pace: { ttftMs: 40, gapMs: 10 }, webhook }, async (rig) => {
    await rig.start();
    const traffic = new Traffic(rig, people);
    traffic.start();
    const ready: number[] = [];
    for (let n = 0; n < kills; n++) {
      await sleep(lifeMs.min + Math.random() * (lifeMs.max - lifeMs.min));
      await rig.kill();
      ready.push((await rig.start()).readyMs);
    }
    await traffic.stop();
    const accounts = await rig.account();
    const refused = Map.groupBy(traffic.refused, (reason) => reason);
    return {
      figures: [
        ['kills', String(kills)],
        ...accountFigures(accounts),
        ['ready again, median / p95 / max', [0.5, 0.95, 1].map((share) => ms(percentile(ready, share))).join(' / ')],
      ],
      violations: [
        ...accounts.violations,
        ...[...refused].map(([reason, times]) => `a client was answered "${reason}", ${times.length} times`),
      ],
    };
  });
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;
