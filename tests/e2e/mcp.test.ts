/** The daemon with MCP on both sides: a server that it runs, and itself as a server. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { rogue } from '../support/mcp-rig.ts';

const dice = path.join(import.meta.dirname, '../../examples/mcp-server/server.mjs');

/** Says on its log which process it is. */
const speaking = `
[mcp.servers.speaking]
command = ${JSON.stringify(process.execPath)}
args = ${JSON.stringify(rogue('pid').args)}
`;
const diceTable = `
[mcp.servers.dice]
command = ${JSON.stringify(process.execPath)}
args = [${JSON.stringify(dice)}]
`;

interface Status {
  mcp: { name: string; state: string; tools: number }[];
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('MCP', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-mcp-'));
  let daemon: Daemon;
  const servers = async (): Promise<Status['mcp']> =>
    ((await ask({ url: daemon.url, token: daemon.token() }, 'GET', '/api/v1/status')).body as unknown as Status).mcp;
  const until = async (holds: (list: Status['mcp']) => boolean): Promise<void> => {
    while (!holds(await servers())) await sleep(20);
  };
  const pidOfSpeaking = async (): Promise<number> => {
    await daemon.printed('"pid ');
    return Number(/"pid (\d+)"/.exec(daemon.output())?.[1]);
  };

  before(async () => {
    daemon = await startDaemon({ dir, config: speaking + diceTable });
  });
  after(async () => {
    await daemon.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('a server that the gateway runs is there soon after it is ready', async () => {
    await until((list) => list.length === 2 && list.every(({ state }) => state === 'up'));
    assert.deepEqual(
      (await servers()).map(({ name, tools }) => [name, tools]),
      [
        ['dice', 2],
        ['speaking', 1],
      ],
    );
  });

  it('the model calls its tools, and what they say comes back', async () => {
    const say = async (text: string): Promise<string> => {
      const { body } = await ask({ url: daemon.url, token: daemon.token() }, 'POST', '/api/v1/chat', { text });
      return (body as unknown as { reply: { text: string } }).reply.text;
    };
    assert.match(await say('Dice: call the tool mcp_dice__rolls {}'), /mcp_dice__rolls answered: .*nothing yet/s);
    assert.match(
      await say('Dice: call the tool mcp_dice__roll {"count": 3}'),
      /mcp_dice__roll failed: .*sides: it is required/s,
    );
  });

  it('what a server said makes its deeds a question for a person', async () => {
    const target = { url: daemon.url, token: daemon.token() };
    const say = async (text: string): Promise<string> =>
      JSON.stringify((await ask(target, 'POST', '/api/v1/chat', { text, session: 'deeds' })).body);
    await say('Dice: call the tool mcp_dice__rolls {}');
    assert.match(
      await say('Dice: call the tool mcp_dice__roll {"sides": 2}'),
      /mcp_dice__roll.*\(mcp dice\).*"approval"/s,
    );
  });

  it('a reload ends what is configured no more and leaves the other one alone', async () => {
    const pid = await pidOfSpeaking();
    const file = path.join(dir, 'config.toml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(diceTable, ''));
    await until((list) => list.length === 1);
    assert.ok(isAlive(pid));
  });

  it('no server outlives the gateway, whether it is stopped or killed', async () => {
    for (const end of ['kill', 'stop'] as const) {
      const pid = await pidOfSpeaking();
      const ended = await daemon[end]();
      if (ended !== undefined) assert.equal(ended.code, 0);
      while (isAlive(pid)) await sleep(10);
      daemon = await startDaemon({ dir, config: speaking });
      await until((list) => list[0]?.state === 'up');
    }
  });

  it('another agent keeps notes and reads them, in the name of its person', async (t) => {
    const client = new Client({ name: 'another', version: '1.0.0' });
    t.after(() => client.close());
    const headers = { Authorization: `Bearer ${daemon.token()}` };
    await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', daemon.url), { requestInit: { headers } }));
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    assert.ok(names.includes('notes_save') && names.includes('chat_search'), names.join());
    assert.ok(
      names.every((name) => /^(notes|chat|send|schedule)_/.test(name)),
      names.join(),
    );
    const text = (result: { content?: unknown }): string => (result.content as { text: string }[])[0]?.text ?? '';
    const saved = await client.callTool({ name: 'notes_save', arguments: { title: 'Wifi', text: 'it is chained' } });
    assert.notEqual(saved.isError, true, text(saved));
    const found = await client.callTool({ name: 'notes_get', arguments: { title: 'Wifi' } });
    assert.match(text(found), /it is chained/);
    const wrong = await client.callTool({ name: 'notes_get', arguments: { title: 'Wifi', owner_id: 'ada' } });
    assert.equal(wrong.isError, true);
  });
});
