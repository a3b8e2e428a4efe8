import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/adapters/system/index.ts';
import { sandboxState } from '../../src/adapters/tools/exec/available.ts';
import { personTools } from '../../src/compose/person-tools.ts';
import type { Schedule } from '../../src/compose/schedule.ts';
import type { Config } from '../../src/config/schema.ts';
import { testedAsNobody } from '../support/as-nobody.ts';
import { KeptLog } from '../support/door.ts';

const files = { enabled: true, read_only: false, max_file: 1000, quota: 1000 };
const exec = { enabled: true, writable: true, timeout: 1000, memory: 1e8, processes: 8, max_output: 1000 };

/** The names of all tools, once it is known whether there is a sandbox. */
async function offered(tools: object, wanted = false): Promise<{ names: string[]; log: KeptLog }> {
  const log = new KeptLog();
  const deps = { log, clock: systemClock } as unknown as Schedule;
  const source = personTools({ tools: { files, exec, ...tools } } as unknown as Config, deps);
  const names = (): string[] => source.groups().flatMap((group) => group.tools.map(({ name }) => name));
  // Either it comes, or it is said why not.
  const open = (): boolean => !names().includes('exec') && log.lines.length === 0;
  if (wanted) while (open()) await new Promise((resolve) => setImmediate(resolve));
  return { names: names(), log };
}

test('a folder that is only read has no tool that changes it, and none at all has no tools', async () => {
  const off = { exec: { ...exec, enabled: false } };
  assert.deepEqual((await offered({ ...off, files: { ...files, enabled: false } })).names, [
    'read_result',
    'send_message',
  ]);
  const { names } = await offered({ ...off, files: { ...files, read_only: true } });
  assert.deepEqual(names.slice(2), ['files_read', 'files_find', 'files_attach']);
  const all = (await offered(off)).names;
  assert.equal(all.length, 9);
  assert.equal(all.includes('exec'), false);
});

test('where no sandbox can be made programs are not offered, and the log says why', async () => {
  const { names, log } = await offered({}, true);
  const state = await sandboxState(systemClock);
  assert.equal(names.includes('exec'), 'bwrap' in state);
  if (!('bwrap' in state)) assert.equal(log.lines[0]?.message, 'exec is enabled and cannot be offered');
});

testedAsNobody(import.meta.filename);
