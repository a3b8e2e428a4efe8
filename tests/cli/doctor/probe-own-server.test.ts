import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeOwnServer } from '../../../src/cli/doctor/probe-own-server.ts';
import { LoopbackServer } from '../../support/loopback-server.ts';
import type { Answered } from '../../support/loopback-server.ts';
import { MatrixServer } from '../../support/matrix-server.ts';
import { MattermostServer } from '../../support/mattermost-server.ts';

test('a token that works, a refused one, another server, an ailing one and none are told apart', async () => {
  for (const [type, server] of [
    ['matrix', await new MatrixServer().listen()],
    ['mattermost', await new MattermostServer().listen()],
  ] as const) {
    const { url, token } = server;
    assert.deepEqual(await probeOwnServer(type, `${url}/`, token), { outcome: 'ok', detail: '' });
    assert.deepEqual(await probeOwnServer(type, url, 'another'), { outcome: 'unauthorized', detail: 'HTTP 401' });
    await server.close();
    assert.equal((await probeOwnServer(type, url, token)).outcome, 'unreachable');
  }
  let answer: Answered = { status: 200 };
  const other = await new LoopbackServer(() => answer).listen();
  assert.equal((await probeOwnServer('matrix', other.url, 'x')).outcome, 'wrong_place');
  assert.equal((await probeOwnServer('signal', other.url, null)).outcome, 'ok');
  answer = { status: 404 };
  assert.deepEqual(await probeOwnServer('signal', other.url, null), { outcome: 'wrong_place', detail: 'HTTP 404' });
  answer = { status: 502 };
  assert.deepEqual(await probeOwnServer('mattermost', other.url, 'x'), { outcome: 'failing', detail: 'HTTP 502' });
  await other.close();
});
