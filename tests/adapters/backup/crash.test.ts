import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Place } from './rig.ts';

const dying = path.join(import.meta.dirname, 'dying-restore.ts');
/** More steps than there are: the last rounds must end by themselves. */
const maxSteps = 60;
/** Every so many steps, from any of the first on; `npm run prove -- restore` takes each. */
const stride = Number(process.env['RESTORE_STRIDE'] ?? 4);

test('a restore that is killed at any step leaves the old data or the new ones, whole, with the next start', async (t) => {
  using place = new Place();
  await place.fill('new', 'a', 'b');
  await place.write();
  rmSync(place.folder, { recursive: true });
  await place.fill('old', 'c');
  const pristine = path.join(place.dir, 'pristine');
  cpSync(place.folder, pristine, { recursive: true });
  const seen = { old: 0, new: 0 };
  for (let n = randomInt(stride); ; n += stride) {
    assert.ok(n < maxSteps + stride);
    rmSync(place.folder, { recursive: true });
    cpSync(pristine, place.folder, { recursive: true });
    const { signal, stderr } = spawnSync(process.execPath, [
      dying,
      place.folder,
      place.database,
      place.backup,
      String(n),
    ]);
    assert.ok(signal === 'SIGKILL' || stderr.length === 0, stderr.toString());
    const restored = await place.finish();
    const { word, messages } = place.shown();
    assert.deepEqual(restored?.problems ?? [], [], `step ${n}`);
    assert.deepEqual(messages, word === 'old' ? ['c'] : ['a', 'b'], `step ${n}: files and rows are of one time`);
    if (restored !== null) assert.equal(word, 'new', `step ${n}`);
    seen[word === 'old' ? 'old' : 'new']++;
    const left = readdirSync(place.folder).filter((name) => name === 'restoring' || name.startsWith('restore.json'));
    assert.deepEqual(left, [], `step ${n}`);
    const aside = readdirSync(place.folder).filter((name) => name.startsWith('before-restore-'));
    assert.equal(aside.length, word === 'old' ? 0 : 1, `step ${n}`);
    if (aside[0] !== undefined) assert.ok(existsSync(path.join(place.folder, aside[0], 'files/file_1')));
    if (signal === null) break;
  }
  assert.ok(seen.old >= Math.floor(4 / stride) && seen.new >= Math.floor(15 / stride), JSON.stringify(seen));
  t.diagnostic(`${seen.old + seen.new} starts, ${seen.new} with the new data`);
});
