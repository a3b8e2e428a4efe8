import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, calling, calls } from '../../support/asking.ts';
import { said } from '../../support/message-path.ts';
import { defineTool } from '../../../src/core/define-tool.ts';
import * as z from 'zod/mini';

test('what the steps of a run cost stands in the ledger although the run was cut before its end', async (t) => {
  const began = Promise.withResolvers<void>();
  const hang = defineTool({
    name: 'hang',
    description: 'hang',
    effects: ['read'],
    role: 'guest',
    input: () => z.strictObject({}),
    run: () => {
      began.resolve();
      return new Promise(() => undefined);
    },
  });
  const rig = await asking(t, [calling(calls('hang'))], {
    groups: [{ name: 'deeds', about: 'deeds', keywords: ['do'], tools: [hang] }],
  });
  const receipts = await rig.ingress.sinkFor('scripted', 'main').commit([said('do it')]);
  await began.promise;
  await rig.runs.stop(0);
  const trace = await rig.store.trace(receipts?.[0]?.messageId ?? '');
  assert.deepEqual(
    trace?.attempts.map(({ outcome, usage }) => [outcome, usage !== null]),
    [['ok', true]],
  );
  assert.equal((await rig.store.usage(0, null))[0]?.calls, 1);
});
