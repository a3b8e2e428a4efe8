import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test, type TestContext } from 'node:test';
import { diskFiles } from '../../../../src/adapters/files/disk.ts';
import { resultsTools } from '../../../../src/adapters/tools/results/index.ts';
import { estimateTokens } from '../../../../src/core/estimate.ts';
import type { JsonObject } from '../../../../src/core/message.ts';
import type { ToolOutput } from '../../../../src/core/ports/tool.ts';
import { freshStore } from '../../../support/store.ts';
import { callOf, outcome } from '../../../support/tool-calls.ts';

async function rig(t: TestContext, text: string, mimeType = 'text/plain') {
  const store = await freshStore(t);
  const folder = mkdtempSync(`${tmpdir()}/clanker-results-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const storage = diskFiles(folder);
  const bytes = (async function* () {
    yield await Promise.resolve(Buffer.from(text));
  })();
  const { size, sha256 } = await storage.save('file_1', bytes, 1_000_000);
  await store.saveFile({ id: 'file_1', owner: 'per_ann', mimeType, size, sha256, createdAt: 0 });
  const group = resultsTools({ store, storage });
  const read = (args: JsonObject, person = 'per_ann'): Promise<ToolOutput> =>
    outcome(group, 'read_result', args, callOf(person));
  return { read, group, storage };
}

test('a long result is read piece by piece, and every piece is outside text', async (t) => {
  const text = Array.from({ length: 40_000 }, (_, n) => String(n % 10)).join('');
  const { read, group } = await rig(t, text);
  const first = await read({ id: 'file_1' });
  assert.match(first.text, /^\[characters 0 to 16000 of 40000; the next begin at 16000\]\n0123/);
  assert.equal(first.outside, 'kept result');
  assert.equal((await read({ id: 'file_1', offset: 39_998 })).text, '[characters 39998 to 40000 of 40000]\n89');
  assert.equal(
    (await read({ id: 'file_1', offset: 5, limit: 3 })).text,
    '[characters 5 to 8 of 40000; the next begin at 8]\n567',
  );
  assert.equal((await read({ id: 'file_1', offset: 40_000 })).isError, true);
  assert.equal((await read({ id: 'file_1', offset: -7, limit: 1e9 })).text, first.text);
  assert.ok(estimateTokens(JSON.stringify(group.tools)) <= 120);
});

test('words are found with what stands around them, ten places at a time', async (t) => {
  const { read } = await rig(t, Array.from({ length: 30 }, (_, n) => `${'-'.repeat(500)}Needle ${n}`).join(''));
  const found = await read({ id: 'file_1', find: 'needle' });
  assert.equal(found.text.match(/Needle/g)?.length, 10);
  const more = /more from (\d+) on/.exec(found.text)?.[1];
  assert.ok(more);
  const next = await read({ id: 'file_1', find: 'needle', offset: Number(more) });
  assert.match(next.text, /Needle 10/);
  assert.equal((await read({ id: 'file_1', find: 'nothing' })).text, 'These words are not in it.');
  assert.equal((await read({ id: 'file_1', find: ' ' })).isError, true);
});

test('a result of somebody else, a file that is gone and one that never was are all the same: not there', async (t) => {
  const { read, storage } = await rig(t, 'secret');
  const gone = { text: 'There is no such result.', isError: true };
  assert.deepEqual(await read({ id: 'file_1' }, 'per_bob'), gone);
  for (const id of ['file_2', '../token', '']) assert.deepEqual(await read({ id }), gone);
  await storage.remove('file_1');
  assert.deepEqual(await read({ id: 'file_1' }), gone);
});

test('what is no text is not read', async (t) => {
  const { read } = await rig(t, 'PNG', 'image/png');
  assert.equal((await read({ id: 'file_1' })).text, 'That is no text; only text and JSON can be read.');
});
