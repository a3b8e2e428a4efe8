import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOver, courseOf } from '../../support/model-calls.ts';
import { answer, failing, ScriptedProvider } from '../../support/scripted-provider.ts';
import { freshStore } from '../../support/store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

test('a rest and the end of it are found in the database by the next process', async (t) => {
  const store = await freshStore(t);
  const clock = new VirtualClock();
  const limited = new ScriptedProvider('p', clock, failing('rate_limited', { retryAfterMs: 65_000 }));
  const first = await callerOver({ providers: [limited], clock, rows: store });
  assert.equal((await courseOf(first.caller, clock)).end.type, 'failed');
  // Writes go through one worker in order: what is read after them is there.
  const [row] = await store.cooldowns();
  assert.deepEqual(
    [row?.provider, row?.model, row?.kind, row?.until],
    ['p', 'm1', 'rate_limited', clock.now() + 65_000],
  );

  const good = new ScriptedProvider('p', clock, answer);
  const second = await callerOver({ providers: [good], clock, rows: store });
  assert.equal((await courseOf(second.caller, clock)).end.type, 'failed');
  assert.equal(good.hits, 0);
  await clock.advance(65_000);
  assert.equal((await courseOf(second.caller, clock)).end.type, 'finished');
  assert.deepEqual(await store.cooldowns(), []);
});
