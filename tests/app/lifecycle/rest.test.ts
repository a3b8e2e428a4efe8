import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runRest } from '../../../src/app/lifecycle/rest.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const mebibyte = 2 ** 20;

function rig() {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const state = { busy: false, held: 40 * mebibyte, live: 30 * mebibyte, given: 0 };
  const done = runRest(
    {
      clock,
      busy: () => state.busy,
      held: () => state.held,
      giveBack() {
        state.given++;
        state.held = state.live;
      },
    },
    stop.signal,
  );
  const end = async (): Promise<void> => {
    stop.abort();
    await done;
  };
  return { clock, state, end };
}

test('what the start needed is given back once, and a gateway that goes on resting is left alone', async () => {
  const { clock, state, end } = rig();
  await clock.advance(4000);
  assert.equal(state.given, 0);
  await clock.advance(3_600_000);
  assert.equal(state.given, 1);
  await end();
});

test('nobody who waits for an answer is held up', async () => {
  const { clock, state, end } = rig();
  state.busy = true;
  await clock.advance(600_000);
  assert.equal(state.given, 0);
  state.busy = false;
  await clock.advance(10_000);
  assert.equal(state.given, 1);
  await end();
});

test('what a rush needed is given back after it, also when it came in small steps', async () => {
  const { clock, state, end } = rig();
  await clock.advance(10_000);
  for (let step = 0; step < 8; step++) {
    state.held += mebibyte;
    await clock.advance(10_000);
  }
  assert.equal(state.given, 3);
  await end();
});

test('what is in use cannot be given back, and that is not tried over and over', async () => {
  const { clock, state, end } = rig();
  await clock.advance(10_000);
  state.held = state.live = 90 * mebibyte;
  await clock.advance(3_600_000);
  assert.equal(state.given, 2);
  await end();
});
