import assert from 'node:assert/strict';
import { test } from 'node:test';
import { once } from '../../src/core/once.ts';

test('it is made when it is first asked for, and never again, even when nothing came of it', () => {
  let asked = 0;
  const value = once(() => void asked++);
  assert.equal(asked, 0);
  value();
  assert.equal(value(), undefined);
  assert.equal(asked, 1);
});
