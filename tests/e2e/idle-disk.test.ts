/** What a gateway does to its files while nothing happens: nothing. A disk may sleep, and a card lives longer. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';

const settlesWithinSeconds = 20;
const idleSeconds = 4;

/** Size and time of change of every file below a folder. */
const stateOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(path.join(folder, name));
      return `${name}: ${size} bytes of ${mtimeMs}`;
    });

test('an idle gateway leaves its files alone, also while somebody asks it and changes nothing', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-idle-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const daemon = await startDaemon({
    dir,
    config: '[providers]\ndefault = "demo"\n[providers.demo]\napi = "demo"\n[scheduler]\npoll_interval = "1s"\n',
  });
  t.after(() => daemon.kill());
  const target = { url: daemon.url, token: daemon.token() };
  const payload = { kind: 'text', text: 'much later' };
  assert.equal((await ask(target, 'POST', '/api/v1/jobs', { after: '3h', payload })).status, 201);
  const aSecond = async (): Promise<string[]> => {
    assert.equal((await ask(target, 'GET', '/api/v1/tasks')).status, 200);
    assert.equal((await ask(target, 'DELETE', '/api/v1/dead/none')).status, 404);
    await sleep(1100);
    return stateOf(dir);
  };
  let before = await aSecond();
  for (let n = 0; n < settlesWithinSeconds; n++) {
    const after = await aSecond();
    if (after.join() === before.join()) break;
    before = after;
  }
  for (let n = 0; n < idleSeconds; n++) assert.deepEqual(await aSecond(), before);
});
