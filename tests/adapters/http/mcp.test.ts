import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { ask } from '../../support/raw.ts';
import { tokens } from '../../support/scripted-tokens.ts';

async function opened(t: TestContext): Promise<TestDoor> {
  const door = await openDoor();
  t.after(() => door.stop());
  return door;
}

async function connected(t: TestContext, door: TestDoor, mode: 'legacy' | 'auto', path = '/mcp'): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  const headers = { Authorization: `Bearer ${tokens.manage}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(path, door.url), { requestInit: { headers } }));
  t.after(() => client.close());
  return client;
}

const post = (door: TestDoor, body: unknown, more: Partial<Parameters<typeof ask>[1]> = {}): ReturnType<typeof ask> =>
  ask(
    { host: '127.0.0.1', port: door.port },
    {
      method: 'POST',
      path: '/mcp',
      token: tokens.read,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...more,
    },
  );

describe('the official client', () => {
  for (const mode of ['legacy', 'auto'] as const) {
    test(`is introduced, lists the tools and calls them as the person of its token (${mode})`, async (t) => {
      const client = await connected(t, await opened(t), mode);
      assert.equal(client.getServerVersion()?.name, 'open-clanker');
      await client.ping();
      const { tools } = await client.listTools();
      assert.deepEqual(
        tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint]),
        [['echo', true]],
      );
      const { content } = await client.callTool({ name: 'echo', arguments: { a: 1 } });
      assert.deepEqual(content, [{ type: 'text', text: 'owner: {"a":1}' }]);
    });
  }

  test('hears which tool is not there', async (t) => {
    const client = await connected(t, await opened(t), 'legacy');
    await assert.rejects(client.callTool({ name: 'mcp_github__delete' }), /no such tool/);
  });
});

describe('the protocol at the door', () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

  test('every version that is spoken is agreed on, another one is answered with the newest', async (t) => {
    const door = await opened(t);
    const agreed = async (protocolVersion: string): Promise<string> => {
      const { text: body } = await post(door, { ...ping, method: 'initialize', params: { protocolVersion } });
      return (JSON.parse(body) as { result: { protocolVersion: string } }).result.protocolVersion;
    };
    assert.equal(await agreed('2024-11-05'), '2024-11-05');
    assert.equal(await agreed('2025-06-18'), '2025-06-18');
    assert.equal(await agreed('1999-01-01'), '2025-11-25');
    const { status } = await post(door, ping, { headers: { 'mcp-protocol-version': '1999-01-01' } });
    assert.equal(status, 400);
  });

  test('a notice is taken without an answer', async (t) => {
    const door = await opened(t);
    const { status, text: body } = await post(door, { jsonrpc: '2.0', method: 'notifications/initialized' });
    assert.deepEqual([status, body], [202, '']);
  });

  test('a method that is not there and wrong parameters are errors of the protocol', async (t) => {
    const door = await opened(t);
    for (const [message, code] of [
      [{ ...ping, method: 'resources/list' }, -32_601],
      [{ ...ping, method: 'constructor' }, -32_601],
      [{ ...ping, method: 'initialize' }, -32_602],
      [{ ...ping, method: 'tools/call', params: { name: 7 } }, -32_602],
      [{ ...ping, method: 'tools/call', params: { name: 'echo', arguments: [] } }, -32_602],
    ] as const) {
      const { status, text: body } = await post(door, message);
      assert.equal(status, 200);
      assert.equal((JSON.parse(body) as { error: { code: number } }).error.code, code);
    }
  });

  test('nobody gets in past the rules of the door', async (t) => {
    const door = await opened(t);
    for (const [more, status] of [
      [{ token: undefined }, 401],
      [{ token: 'oc_wrong-wrong-wrong-wrong-wrong-wrong' }, 401],
      [{ headers: { origin: 'https://evil.example' } }, 403],
      [{ headers: { host: 'evil.example' } }, 421],
      [{ headers: { 'content-type': 'text/plain' } }, 415],
      [{ body: '[]' }, 400],
      [{ body: `[${JSON.stringify(ping)}]` }, 400],
      [{ body: '{"jsonrpc":"1.0"}' }, 400],
      [{ body: 'x'.repeat(300_000) }, 413],
      [{ method: 'GET', body: undefined }, 405],
      [{ method: 'DELETE', body: undefined }, 405],
      [{ path: '/mcp?owner=ada' }, 400],
    ] as const) {
      assert.equal((await post(door, ping, more as object)).status, status, JSON.stringify(more).slice(0, 100));
    }
  });
});
