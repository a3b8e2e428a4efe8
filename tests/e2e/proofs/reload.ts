/** The configuration is changed under load, well and badly; nobody notices but those it is for. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, connect } from '../../support/gateway-client.ts';
import { accountFigures, type Proof } from './proof.ts';
import { withRig, type Rig } from './rig.ts';
import { Traffic } from './traffic.ts';

const people = { http: 4, sse: 3, ws: 3, telegram: 4, restMs: 30 };
const takenWithinMs = 5000;
const pollMs = 20;

interface StatusBody {
  configError: string | null;
}

export function reload(times: number): Promise<Proof> {
  return withRig({}, async (rig) => {
    const daemon = await rig.start();
    const watcher = await connect(rig.target);
    const traffic = new Traffic(rig, people);
    traffic.start();
    const violations: string[] = [];
    let good = 0;
    for (let n = 0; n < times; n++) {
      const bad = n % 4 === 1 ? '\n[serve]\n' : n % 4 === 3 ? '\nport = = 1' : null;
      const key = `key-of-the-mock-model-${n}`;
      writeFileSync(rig.configFile, rig.config(key) + (bad ?? ''));
      daemon.signal('SIGHUP');
      const took = await taken(rig, bad === null ? key : null);
      if (!took) violations.push(`reload ${n} (${bad === null ? 'good' : 'bad'}) did not show in time`);
      if (bad === null) good++;
    }
    await traffic.stop();
    watcher.send('ping', {}, 'alive');
    const alive = await Promise.race([watcher.next(({ id }) => id === 'alive'), watcher.closed]);
    if (typeof alive === 'number') violations.push(`a WebSocket was closed with ${alive}`);
    await watcher.close();
    const accounts = await rig.account();
    if (traffic.dropped > 0) violations.push(`${traffic.dropped} connections dropped`);
    violations.push(...traffic.refused.map((reason) => `a client was answered "${reason}"`));
    return {
      figures: [
        ['reloads, good + bad', `${good} + ${times - good}`],
        ['connections dropped', String(traffic.dropped)],
        ...accountFigures(accounts),
      ],
      violations: [...violations, ...accounts.violations],
    };
  });
}

/** A good change is taken when the model is asked with the new key, a bad one when `status` tells of it. */
async function taken(rig: Rig, key: string | null): Promise<boolean> {
  const deadline = performance.now() + takenWithinMs;
  while (performance.now() < deadline) {
    const { body } = await ask<StatusBody>(rig.target, 'GET', '/api/v1/status');
    if (key === null && body.configError !== null) return true;
    if (key !== null && body.configError === null) {
      const { authorizations } = await rig.model.report();
      if (authorizations.includes(`Bearer ${key}`)) return true;
    }
    await sleep(pollMs);
  }
  return false;
}
