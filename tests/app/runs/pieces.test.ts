import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Pieces } from '../../../src/app/runs/pieces.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function told(atWork: number): { clock: VirtualClock; pieces: Pieces; heard: string[] } {
  const clock = new VirtualClock();
  const heard: string[] = [];
  return {
    clock,
    heard,
    pieces: new Pieces(
      clock,
      () => atWork,
      (text) => heard.push(text),
    ),
  };
}

test('while few runs are at work each piece is told in the moment it comes', () => {
  const { clock, pieces, heard } = told(23);
  for (const text of ['a', 'b', 'c']) pieces.push(text);
  assert.deepEqual(heard, ['a', 'b', 'c']);
  assert.equal(clock.sleeping, 0);
});

test('while many are, the first is told at once and what follows at once comes together', async () => {
  const { clock, pieces, heard } = told(72);
  for (const text of ['a', 'b', 'c']) pieces.push(text);
  assert.deepEqual(heard, ['a']);
  await clock.advance(48);
  assert.deepEqual(heard, ['a', 'bc']);
  pieces.push('d');
  assert.deepEqual(heard, ['a', 'bc'], 'also after what was held');
  await clock.advance(48);
  await clock.advance(48);
  pieces.push('e');
  assert.deepEqual(heard, ['a', 'bc', 'd', 'e'], 'after a silence it is told at once');
});

test('the more runs are at work, the fewer pieces each of them tells: together they stay at 1,500 a second', async () => {
  const piecesIn2Seconds = async (runs: number): Promise<number> => {
    const { clock, pieces, heard } = told(runs);
    for (let elapsed = 0; elapsed < 2000; elapsed += 4) {
      pieces.push('x');
      await clock.advance(4);
    }
    return heard.length * runs;
  };
  for (const runs of [24, 50, 100, 256]) {
    const together = await piecesIn2Seconds(runs);
    assert.ok(together > 2000 && together < 4000, `${runs} runs tell ${together} pieces in two seconds`);
  }
});

test('runs that began at different moments tell what they held in the same ones', async () => {
  const clock = new VirtualClock();
  const at: number[][] = [];
  const runs = [0, 1, 2].map(
    (n) =>
      new Pieces(
        clock,
        () => 72,
        () => (at[n] ??= []).push(clock.monotonic()),
      ),
  );
  for (let elapsed = 0; elapsed < 200; elapsed += 5) {
    for (const [n, run] of runs.entries()) if (elapsed >= n * 5) run.push('x');
    await clock.advance(5);
  }
  for (const run of runs) run.flush();
  assert.deepEqual(
    at.map(([first]) => first),
    [0, 5, 10],
    'the first piece waits for nobody',
  );
  const [one, two, three] = at.map((moments) => moments.slice(1, -1));
  assert.deepEqual(one, [48, 96, 144, 192]);
  assert.deepEqual(two, one);
  assert.deepEqual(three, one?.map((moment) => moment + 16).slice(0, -1));
});

test('nothing is told behind what follows it, and nothing is left to wake', async () => {
  const { clock, pieces, heard } = told(72);
  for (const text of ['a', 'b']) pieces.push(text);
  pieces.flush();
  assert.deepEqual(heard, ['a', 'b']);
  assert.equal(clock.sleeping, 0);
  await clock.advance(100);
  pieces.flush();
  assert.deepEqual(heard, ['a', 'b']);
});

test('whatever comes when, all of it is told in its order, and never twice within 40 ms', async () => {
  const step = fc.oneof(fc.string({ minLength: 1, maxLength: 3 }), fc.nat({ max: 50 }));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const clock = new VirtualClock();
      const heard: { text: string; at: number }[] = [];
      const tell = (text: string): void => void heard.push({ text, at: clock.monotonic() });
      const pieces = new Pieces(clock, () => 72, tell);
      for (const next of steps) {
        if (typeof next === 'string') pieces.push(next);
        else await clock.advance(next);
      }
      for (const [n, { at }] of heard.entries()) assert.ok(n === 0 || at - (heard[n - 1]?.at ?? 0) >= 40);
      pieces.flush();
      const said = steps.filter((next) => typeof next === 'string').join('');
      assert.equal(heard.map(({ text }) => text).join(''), said);
      assert.equal(clock.sleeping, 0);
    }),
  );
});
