import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTurn } from '../../../src/app/lifecycle/in-turn.ts';
import { Supervisor } from '../../../src/app/lifecycle/supervisor.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function rig() {
  const clock = new VirtualClock();
  const log = new KeptLog();
  const supervisor = new Supervisor({ clock, log, metrics: new CountedMetrics() });
  const delays = (): unknown[] => log.lines.map(({ fields }) => fields['delay_ms']);
  return { clock, supervisor, delays };
}

test('a service that fails begins again after growing waits, and no other notices', async () => {
  const { clock, supervisor, delays } = rig();
  let good = 0;
  supervisor.run('bad', () => Promise.reject(new Error('broken')));
  supervisor.run('good', async (signal) => {
    for (; !signal.aborted; good++) await clock.sleep(1000, signal).catch(() => undefined);
  });
  await clock.advance(600_000);
  assert.deepEqual(delays().slice(0, 9), [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  assert.ok(good >= 599);
  await supervisor.stop();
});

test('a service that worked for long is given a quick new beginning', async () => {
  const { clock, supervisor, delays } = rig();
  let life = 0;
  supervisor.run('frail', async (signal) => {
    life += 1;
    if (life === 5) await clock.sleep(3_600_000, signal);
    throw new Error('broken');
  });
  await clock.advance(3_700_000);
  assert.deepEqual(delays().slice(0, 6), [500, 1000, 2000, 4000, 500, 1000]);
  await supervisor.stop();
});

test('a service that ends by itself is left alone, and stopping waits for the others', async () => {
  const { clock, supervisor, delays } = rig();
  let ended = false;
  supervisor.run('short', () => Promise.resolve());
  supervisor.run('long', async (signal) => {
    await clock.sleep(1_000_000, signal).catch(() => undefined);
    ended = true;
  });
  await supervisor.stop();
  assert.equal(ended, true);
  assert.deepEqual(delays(), []);
});

test('work in turn never overlaps, and a failure stops nothing', async () => {
  const next = inTurn();
  let running = 0;
  const order: number[] = [];
  const work = (n: number) => async (): Promise<number> => {
    assert.equal(++running, 1);
    await Promise.resolve();
    running -= 1;
    order.push(n);
    if (n === 2) throw new Error('two');
    return n;
  };
  const results = await Promise.allSettled([1, 2, 3].map((n) => next(work(n))));
  assert.deepEqual(order, [1, 2, 3]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});
