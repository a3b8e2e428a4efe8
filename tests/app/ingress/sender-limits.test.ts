import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SenderLimits } from '../../../src/app/ingress/sender-limits.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

test('ten thousand senders are known at a time, and who was seen longest ago is forgotten first', () => {
  const limits = new SenderLimits(new VirtualClock());
  for (const sender of ['busy', 'patient']) assert.equal(limits.maySpeakOfRefusal(sender), true);
  for (let n = 0; n < 9998; n++) limits.maySpeakOfRefusal(`sender ${n}`);
  assert.equal(limits.maySpeakOfRefusal('busy'), false, 'all are known');
  limits.maySpeakOfRefusal('one more');
  assert.equal(limits.maySpeakOfRefusal('busy'), false);
  assert.equal(limits.maySpeakOfRefusal('patient'), true);
});
