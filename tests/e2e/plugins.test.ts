/** Plugins, skills and prompt files in the daemon: what people put beside the configuration works, and cannot break it. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, runCli, spawnDaemon, startDaemon } from '../support/daemon.ts';
import { Board } from '../examples/board-server.ts';
import { ask, type Target } from '../support/gateway-client.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** A provider that answers with what it was told to be. */
const echo = `
export const activate = () => ({
  provider: ({ id }) => ({
    id, dialect: 'plugin',
    async stream(request, signal, emit) {
      if (JSON.stringify(request.messages.at(-1)).includes('break')) throw new Error('the echo broke');
      emit({ type: 'start' });
      emit({ type: 'text', text: request.model + ': ' + request.system });
      emit({ type: 'finish', reason: 'stop', raw: 'stop' });
    },
    listModels: async () => [{ id: 'echo-1' }],
    health: async () => ({ ok: true, detail: '' }),
  }),
});`;

/** Begins well, and then throws wherever it can: from a timer, from a promise nobody awaits, from its tool. */
const rude = `
setTimeout(() => { throw new Error('rude timer'); }, 50);
void (async () => { await new Promise((r) => setTimeout(r, 60)); throw new Error('rude promise'); })();
export const activate = () => ({ stop: () => new Promise(() => {}), tools: { about: 'Rude', keywords: ['rude'], tools: [
  { name: 'crash', description: 'Crashes.', effects: ['read'], parameters: { type: 'object', properties: {} }, run() { throw new Error('rude tool'); } },
] } });`;

const config = (board: Board) => `
[providers.echo]
api = "plugin"
model = "echo-1"
[agents.support]
prompt = "prompts/support.md"
[plugins.dice]
path = "plugins/dice"
grant = ["tool"]
options = { sides = 20 }
[plugins.echo]
path = "plugins/echo"
grant = ["provider"]
[plugins.rude]
path = "plugins/rude"
grant = ["tool"]
[plugins.hangs]
path = "plugins/hangs"
grant = ["tool"]
[plugins.greedy]
path = "plugins/greedy"
[plugins.board]
path = ${JSON.stringify(path.join(root, 'examples/channel-board'))}
grant = ["channel", "network"]
options = { token = "${board.secrets[0]}", api_root = "${board.apiRoot}" }
[plugins.board.channel]
allowed_user_ids = ["one"]
[providers]
default = "demo"
`;

describe('what people put beside the configuration', { timeout: 180_000 }, () => {
  let dir: string;
  let daemon: Daemon;
  let board: Board;
  let target: Target;
  const write = (name: string, text: string): void => {
    const file = path.join(dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const plugin = (name: string, code: string, capabilities: string[]): void => {
    const about = { name, version: '1.0.0', api: 1, entry: 'index.mjs', capabilities, description: 'For a test.' };
    write(`plugins/${name}/open-clanker.plugin.json`, JSON.stringify(about));
    write(`plugins/${name}/index.mjs`, code);
  };
  const chat = async (text: string, more: object = {}): Promise<{ status: number; text: string }> => {
    const { status, body } = await ask<{ reply?: { text: string } }>(target, 'POST', '/api/v1/chat', { text, ...more });
    return { status, text: body.reply?.text ?? JSON.stringify(body) };
  };
  const warnings = async (): Promise<string[]> =>
    (await ask<{ warnings: string[] }>(target, 'GET', '/api/v1/status')).body.warnings;

  before(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'clanker-beside-'));
    cpSync(path.join(root, 'examples/plugin-dice'), path.join(dir, 'plugins/dice'), { recursive: true });
    plugin('echo', echo, ['provider']);
    plugin('rude', rude, ['tool']);
    plugin('hangs', 'setInterval(() => {}, 1000); export const activate = () => new Promise(() => {});', ['tool']);
    plugin('greedy', 'throw new Error("never run")', ['tool', 'network']);
    write('prompts/support.md', '---\nmodel: echo\n---\nYou are the first.');
    write('skills/invoices/SKILL.md', '---\nname: invoices\ndescription: Writes invoices.\n---\nNumber them.');
    write('skills/broken/SKILL.md', 'nothing');
    board = await Board.open();
    daemon = await startDaemon({ dir, config: config(board) });
    target = { url: daemon.url, token: daemon.token() };
  });
  after(async () => {
    await daemon.kill();
    await board.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('the example plugin rolls dice for the model', async () => {
    await daemon.printed('the plugin dice 1.0.0 is active');
    const { text } = await chat('Roll dice: call the tool plugin_dice__roll {"count": 2}');
    assert.match(text, /^The tool plugin_dice__roll answered: \d+ \+ \d+ = \d+$/);
    assert.match(
      (await chat('dice: call the tool plugin_dice__roll {"sides": 1}')).text,
      /failed: .*sides: at least 2/,
    );
  });

  it('a provider of a plugin answers, and when it throws the request fails and nothing else', async () => {
    assert.equal((await chat('hello', { agent: 'support' })).text, 'echo-1: You are the first.');
    assert.equal((await chat('break', { agent: 'support', model: 'echo' })).status, 502);
    assert.equal((await chat('hello', { agent: 'support', session: 'other' })).status, 200);
  });

  it('a plugin that throws wherever it can does not take the daemon down, and status says so', async () => {
    assert.match((await chat('rude: call the tool plugin_rude__crash')).text, /failed: The tool failed: rude tool/);
    while (!(await warnings()).some((line) => line.startsWith('The plugin rude: it failed 3 times'))) await sleep(20);
  });

  it('one that was not granted all is told with the line to write', async () => {
    const said = await warnings();
    assert.ok(
      said.some((line) => line.includes('grant = ["tool", "network"]')),
      said.join('\n'),
    );
  });

  it('a channel of a plugin answers whom its table admits, and nobody else', async () => {
    await board.say('let me in', { sender: 'two' });
    await board.say('hello board');
    while ((await board.shown()).length === 0) await sleep(20);
    assert.match((await board.shown())[0]?.text ?? '', /You said: "hello board"/);
    assert.deepEqual(await board.shown({ sender: 'two' }), []);
    const { body } = await ask<{
      channels: { id: string; health: { state: string } }[];
      refused: { sender: string }[];
    }>(target, 'GET', '/api/v1/status');
    assert.deepEqual(
      body.channels.map(({ id, health }) => [id, health.state]),
      [['board:main', 'connected']],
    );
    assert.deepEqual(
      body.refused.map(({ sender }) => sender),
      ['two'],
    );
  });

  it('a skill is read by the model, and one that is added is there without a restart', async () => {
    const loaded = 'Which skill? call the tool load_skill ';
    assert.match((await chat(`${loaded}{"name":"invoices"}`)).text, /answered: Number them\./);
    write('skills/letters/SKILL.md', '---\nname: letters\ndescription: Writes letters.\n---\nBe polite.');
    await sleep(1100);
    assert.match((await chat(`${loaded}{"name":"letters"}`)).text, /answered: Be polite\./);
    assert.match((await chat(`${loaded}{"name":"letters","file":"../../config.toml"}`)).text, /failed:/);
  });

  it('a changed prompt file is in force at once, and a bad one keeps the old', async () => {
    const status = async (): Promise<string | null> =>
      (await ask<{ configError: string | null }>(target, 'GET', '/api/v1/status')).body.configError;
    let n = 0;
    const answer = async (): Promise<string> =>
      (await chat('hello', { agent: 'support', session: `prompt-${n++}` })).text;
    write('prompts/support.md', '---\nmodel: echo\n---\nYou are the second.');
    while ((await answer()) !== 'echo-1: You are the second.') await sleep(50);
    write('prompts/support.md', '---\nmodel: echo\ntemperature: hot\n---\nYou are the third.');
    while ((await status()) === null) await sleep(50);
    assert.match((await status()) ?? '', /prompts\/support\.md:3: agents\.support\.temperature: /);
    assert.equal(await answer(), 'echo-1: You are the second.');
    const started = await spawnDaemon({
      dir: path.join(dir, 'second'),
      args: ['--config', path.join(dir, 'config.toml')],
    });
    assert.equal((await started.exit).code, 78);
    assert.match(started.output(), /support\.md:3: agents\.support\.temperature: found "hot"/);
    write('prompts/support.md', 'You are the fourth.');
    while ((await status()) !== null) await sleep(50);
  });

  it('commands show what is on disk without running any of it', async () => {
    const cli = (...args: string[]) => runCli({ dir }, '--config', 'config.toml', ...args);
    const skills = await cli('skills', 'list');
    assert.match(skills.stdout, /^invoices {2}Writes invoices\./m);
    assert.match(skills.stderr, /not offered: .*broken: SKILL\.md, line 1/);
    assert.match((await cli('skills', 'show', 'invoices')).stdout, /Number them\./);
    assert.equal((await cli('skills', 'show', 'nothing')).code, 1);
    const plugins = (await cli('plugins', 'list')).stdout;
    assert.match(
      plugins,
      /^dice 1\.0\.0: Rolls dice.*\n {2}folder: .*\n {2}asks for: tool\n {2}sha256 = "[0-9a-f]{64}"\n {2}may be loaded$/m,
    );
    assert.match(plugins, /^greedy 1\.0\.0:[^]*not used: it asks for tool, network/m);
    const { stdout } = await cli('doctor', '--offline');
    assert.match(stdout, /broken/);
    assert.match(stdout, /greedy/);
  });

  it('it stops, whatever a plugin holds on to', async () => {
    const { code, signal } = await daemon.stop();
    assert.deepEqual([code, signal], [0, null]);
  });
});
