/** The daemon on Matrix, Mattermost and Signal at once: everybody is answered, and killing it loses nothing. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { notices } from '../../src/core/notices/index.ts';
import type { Counterpart } from '../support/counterpart.ts';
import { freePort, startDaemon } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { startMatrixCounterpart } from '../support/matrix-counterpart.ts';
import { startMattermostCounterpart } from '../support/mattermost-counterpart.ts';
import { startSignalCounterpart } from '../support/signal-counterpart.ts';

const kills = Number(process.env['OWN_SERVERS_KILLS'] ?? 2);

test('three channels answer everybody in one gateway, and go on after every kill', async (t) => {
  const [matrix, mattermost, signal] = await Promise.all([
    startMatrixCounterpart(),
    startMattermostCounterpart(),
    startSignalCounterpart(),
  ]);
  const counterparts: Counterpart[] = [matrix, mattermost, signal];
  const dir = mkdtempSync(path.join(tmpdir(), 'own-servers-'));
  const port = await freePort();
  const listed = (counterpart: Counterpart): string =>
    `allowed_chat_ids = ["${counterpart.conversation().native}", "${counterpart.conversation({ chat: 'group' }).native}"]`;
  const config = `
[channels.matrix]
homeserver = "${matrix.server.url}"
access_token = "${matrix.server.token}"
${listed(matrix)}

[channels.mattermost]
api_root = "${mattermost.server.url}"
bot_token = "${mattermost.server.token}"
${listed(mattermost)}

[channels.signal]
api_root = "${signal.server.url}"
number = "${signal.server.number}"
${listed(signal)}
`;
  const running: { daemon: Daemon | null } = { daemon: null };
  const start = async (): Promise<void> => {
    running.daemon = await startDaemon({ dir, port, config });
  };
  t.after(async () => {
    await running.daemon?.stop();
    for (const counterpart of counterparts) await counterpart.close();
    rmSync(dir, { recursive: true });
  });
  await start();
  await Promise.all([matrix.server.oriented, mattermost.server.listened(), signal.server.connected()]);
  const sayAll = async (text: string): Promise<void> => {
    for (const counterpart of counterparts) await counterpart.say(text);
  };
  let asked = 0;
  for (let n = 0; n < kills; n++) {
    await sayAll(`before kill ${n}`);
    // Some of it is received, some is being answered.
    await sleep(30 * n);
    await running.daemon?.kill();
    await sayAll(`while dead ${n}`);
    await start();
    await sayAll(`after kill ${n}`);
    asked += 3;
  }
  for (const counterpart of counterparts) await counterpart.say('in public', { chat: 'group' });
  for (const [index, counterpart] of counterparts.entries()) {
    for (const [place, wanted] of [
      [{}, asked],
      [{ chat: 'group' }, 1],
    ] as const) {
      // Signal drops no doubles: what a kill cut is sent again, and says so.
      const answers = async (): Promise<number> =>
        (await counterpart.shown(place)).filter(({ text }) => !text.includes(notices.en.repeated)).length;
      for (let tries = 0; (await answers()) < wanted && tries < 1500; tries++) await sleep(20);
      const found = await answers();
      const words: string = `${index} ${JSON.stringify(place)} ${running.daemon?.output()}`;
      assert.ok(counterpart === signal ? found >= wanted : found === wanted, words);
    }
  }
  for (const { violations } of [matrix.server, mattermost.server, signal.server]) assert.deepEqual(violations, []);
  for (const secret of counterparts.flatMap(({ secrets }) => secrets))
    assert.ok(!running.daemon?.output().includes(secret), 'a secret shows');
});
