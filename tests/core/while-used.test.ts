import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { whileUsed } from '../../src/core/while-used.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('one piece of work gets one value, however often it asks', () => {
  let made = 0;
  const value = whileUsed(() => ({ number: ++made }));
  const first = value();
  collect();
  assert.equal(value(), first);
  assert.equal(made, 1);
});

test('what nobody uses any more is free, and made anew for the next who asks', async () => {
  let made = 0;
  const value = whileUsed(() => ({ number: ++made }));
  assert.equal(value().number, 1);
  // A weak reference holds until the work that followed it has ended.
  await setImmediate();
  collect();
  assert.equal(value().number, 2);
});
