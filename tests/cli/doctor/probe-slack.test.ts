import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeSlack, usedScopes } from '../../../src/cli/doctor/probe-slack.ts';
import { SlackServer, tokens } from '../../support/slack-server.ts';

test('a token that works, one that lacks scopes, a refused one, an ailing server and none are told apart', async () => {
  const server = await new SlackServer().listen();
  const { apiRoot } = server;
  const told = async (token = tokens.bot): Promise<unknown[]> => {
    const { outcome, detail, missingScopes } = await probeSlack(apiRoot, token);
    return [outcome, detail, missingScopes];
  };
  assert.deepEqual(await told(), ['ok', '', []]);
  server.scopes = usedScopes.filter((scope) => scope !== 'im:history').join(',');
  assert.deepEqual(await told(), ['ok', '', ['im:history']]);
  assert.deepEqual(await told('xoxb-other'), ['unauthorized', 'invalid_auth', []]);
  server.next(/auth.test/, { kind: 'status', status: 503 });
  assert.deepEqual(await told(), ['failing', 'HTTP 503', []]);
  await server.close();
  assert.deepEqual((await told())[0], 'unreachable');
});
