import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receiving } from '../../../src/adapters/channels/receiving.ts';
import { systemRandom } from '../../../src/adapters/system/index.ts';
import { KeptLog } from '../../support/door.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const contextOf = (clock = new VirtualClock()) => ({
  signal: new AbortController().signal,
  cursors: new Map<string, string>(),
  clock,
  log: new KeptLog(),
});

test('a step that never ends does not hold up the stop', async () => {
  const receiving = new Receiving('Scripted', systemRandom);
  receiving.start(contextOf(), () => () => new Promise(() => undefined));
  await receiving.stop(5);
});

test('a step that throws is tried again after a pause, with health saying so', async () => {
  const clock = new VirtualClock();
  const receiving = new Receiving('Scripted', systemRandom);
  let steps = 0;
  receiving.start(contextOf(clock), () => async () => {
    if (++steps === 1) throw new TypeError('a bug');
    receiving.connected();
    return 60_000;
  });
  await clock.settle();
  assert.deepEqual([receiving.health.state, steps], ['degraded', 1]);
  await clock.advance(1000);
  assert.deepEqual([receiving.health.state, steps], ['connected', 2]);
  await receiving.stop(1000);
  assert.equal(receiving.health.state, 'stopped');
});
