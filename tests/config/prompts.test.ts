import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { it, type TestContext } from 'node:test';
import { ConfigError, loadConfig } from '../../src/config/index.ts';
import type { ConfigIssue, LoadedConfig, LoadOptions } from '../../src/config/index.ts';
import { folder } from './support.ts';

const support = `---
description: Answers customers
model: demo/demo
temperature: 0.2
max_tokens: 300
skills: [invoices, "pdf-*"]
---

# Support
You answer customers.
`;

function files(t: TestContext, config: string, prompts: Record<string, string>): string {
  const dir = folder(t, { 'open-clanker.toml': config });
  mkdirSync(path.join(dir, 'prompts'));
  for (const [name, text] of Object.entries(prompts)) writeFileSync(path.join(dir, 'prompts', name), text);
  return dir;
}

const load = (dir: string, options: Partial<LoadOptions> = {}): Promise<LoadedConfig> =>
  loadConfig({ env: {}, cwd: dir, home: dir, ...options });

async function issues(dir: string, options: Partial<LoadOptions> = {}): Promise<readonly ConfigIssue[]> {
  try {
    await load(dir, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}

it('a prompt file is the system prompt, and its front matter fills what the table does not say', async (t) => {
  const config = '[agent]\nmax_tokens = 9\n[agents.support]\nprompt = "prompts/support.md"\ntemperature = 0.9\n';
  const dir = files(t, config, { 'support.md': support });
  const loaded = await load(dir);
  const agent = loaded.config.agents['support'];
  assert.equal(agent?.system_prompt, '# Support\nYou answer customers.');
  assert.deepEqual(
    [agent.model, agent.temperature, agent.max_tokens, agent.skills],
    ['demo/demo', 0.9, 300, ['invoices', 'pdf-*']],
  );
  assert.deepEqual([loaded.config.agent.max_tokens, loaded.config.agent.skills], [9, ['*']]);
  const file = path.join(dir, 'prompts', 'support.md');
  assert.ok(loaded.files.includes(file), 'it is watched');
  assert.equal(loaded.sources.get('agents.support.model'), file);
});

it('a prompt of the default agent holds for the others as well, and needs no front matter', async (t) => {
  const dir = files(t, '[agent]\nprompt = "prompts/all.md"\n[agents.other]\n', { 'all.md': 'Be kind.\n' });
  const { agent, agents } = (await load(dir)).config;
  assert.deepEqual([agent.system_prompt, agents['other']?.system_prompt], ['Be kind.', 'Be kind.']);
});

it('a prompt that is missing, empty, not text or no file is told where the configuration names it', async (t) => {
  const config = '# first line\n[agents.support]\nprompt = "prompts/support.md"\n';
  const cases: [string, (file: string) => void, RegExp][] = [
    ['missing', () => {}, /no such file/],
    ['not text', (file) => writeFileSync(file, Buffer.from([0xff, 0xfe, 0x41])), /not UTF-8/],
    ['a folder', (file) => mkdirSync(file), /directory/],
    ['a pipe', (file) => execFileSync('mkfifo', [file]), /regular file/],
    ['too large', (file) => writeFileSync(file, 'x'.repeat(70_000)), /larger than/],
  ];
  for (const [name, make, message] of cases) {
    const dir = files(t, config, {});
    make(path.join(dir, 'prompts', 'support.md'));
    const [issue, ...more] = await issues(dir);
    assert.deepEqual(more, [], name);
    assert.match(issue?.message ?? '', message, name);
    assert.deepEqual(
      [issue?.key, issue?.line, path.basename(issue?.file ?? '')],
      ['agents.support.prompt', 3, 'open-clanker.toml'],
    );
  }
});

it('what is wrong inside a prompt file is told with its own line', async (t) => {
  const config = '[agents.support]\nprompt = "prompts/support.md"\n';
  const cases: [string, number, RegExp][] = [
    ['---\ntemperature: 9\n---\nHello', 2, /from 0 to 2/],
    ['---\n# hm\nmodel: nobody/nothing\n---\nHello', 3, /no provider "nobody"/],
    ['---\nmodel: demo\ntemprature: 1\n---\nHello', 3, /unknown key "temprature".*takes description, model/],
    ['---\nmodel: [1, 2]\n---\nHello', 2, /provider name/],
    ['---\nskills: 7\n---\nHello', 2, /a list of names/],
    ['---\nmodel: x', 1, /not closed/],
    ['---\na: &x [1]\nb: *x\n---\nHello', 2, /aliases/],
    ['---\nmodel: demo\n---\n\n', 5, /no prompt/],
  ];
  for (const [text, line, message] of cases) {
    const dir = files(t, config, { 'support.md': text });
    const [issue, ...more] = await issues(dir);
    assert.match(issue?.message ?? '', message, text);
    assert.deepEqual([issue?.line, path.basename(issue?.file ?? ''), more], [line, 'support.md', []], text);
  }
});

it('two prompts in one table are a mistake, and a stronger layer wins over a file', async (t) => {
  const both = '[agent]\nprompt = "prompts/a.md"\nsystem_prompt = "b"\n';
  const dir = files(t, both, { 'a.md': 'a' });
  assert.deepEqual(
    (await issues(dir)).map(({ key, line }) => [key, line]),
    [['agent.system_prompt', 3]],
  );
  const one = files(t, '[agent]\nprompt = "prompts/a.md"\n', { 'a.md': '---\ntemperature: 1\n---\na' });
  const env = { OPEN_CLANKER_AGENT__SYSTEM_PROMPT: 'from outside', OPEN_CLANKER_AGENT__TEMPERATURE: '0.5' };
  const { agent } = (await load(one, { env })).config;
  assert.deepEqual([agent.system_prompt, agent.temperature], ['from outside', 0.5]);
});

it('the library for front matter is loaded only for a file that has some', async () => {
  const probe = `
    const { loadConfig } = await import('./src/config/index.ts');
    const { registerHooks } = await import('node:module');
    const seen = []; registerHooks({ resolve(name, context, next) { if (name === 'yaml') seen.push(name); return next(name, context); } });
    const load = (file) => loadConfig({ file, env: {}, cwd: '/', home: '/' });
    const { mkdtempSync, writeFileSync, rmSync } = await import('node:fs');
    const dir = mkdtempSync((await import('node:os')).tmpdir() + '/clanker-prompt-');
    writeFileSync(dir + '/c.toml', '[agent]\\nprompt = "p.md"');
    writeFileSync(dir + '/p.md', 'plain'); await load(dir + '/c.toml');
    const before = seen.length;
    writeFileSync(dir + '/p.md', '---\\nmodel: demo\\n---\\nplain'); await load(dir + '/c.toml');
    rmSync(dir, { recursive: true });
    console.log(before, seen.length);`;
  const cwd = path.join(import.meta.dirname, '..', '..');
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', probe], { cwd, encoding: 'utf8' });
  assert.match(said, /^0 [1-9]/);
});
