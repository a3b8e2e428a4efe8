import assert from 'node:assert/strict';
import path from 'node:path';
import { it } from 'node:test';
import { inspectPlugin } from '../../src/adapters/plugins/inspect.ts';
import { pluginRig } from '../adapters/plugins/support.ts';

const dice = path.join(import.meta.dirname, '../../examples/plugin-dice');

it('the example plugin is sound, and asks for no more than a tool', async () => {
  const { problem, manifest } = await inspectPlugin({ name: 'dice', path: dice, grant: ['tool'], sha256: null });
  assert.deepEqual([problem, manifest?.capabilities], [null, ['tool']]);
});

it('its dice have the sides that were asked for, or those of its options', async (t) => {
  const { set, want, call } = pluginRig(t);
  await set.configure([want('dice', { path: dice, options: { sides: 2 } })]);
  const { text } = await call('plugin_dice__roll', { count: 100 });
  const [rolled = '', sum] = text.split(' = ');
  const sides = rolled.split(' + ').map(Number);
  assert.deepEqual([sides.length, new Set(sides)], [100, new Set([1, 2])]);
  assert.equal(
    sides.reduce((total, side) => total + side, 0),
    Number(sum),
  );
});

it('options that make no sense are told in its words', async (t) => {
  const { set, want, status } = pluginRig(t);
  await set.configure([want('dice', { path: dice, options: { sides: 1.5 } })]);
  assert.equal(status('dice')?.detail, 'it failed when it began: options.sides takes a whole number from 2 to 1000');
});
