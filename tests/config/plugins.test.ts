import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describeConfig } from '../../src/config/index.ts';
import { issuesOfText, loadText } from './support.ts';

it('a plugin takes what it needs, its own options as they are written, and nothing unless it is granted', (t) => {
  const text = '[plugins.dice]\npath = "p"\n[plugins.dice.options]\nsides = 20\nnames = ["a", { b = true }]\n';
  const loaded = loadText(t, text);
  const { dice } = loaded.config.plugins;
  assert.deepEqual([dice?.enabled, dice?.grant, dice?.sha256, dice?.channel], [true, [], undefined, undefined]);
  assert.deepEqual(JSON.parse(JSON.stringify(dice?.options)), { sides: 20, names: ['a', { b: true }] });
  const shown = describeConfig(loaded).find(({ key }) => key === 'plugins.dice.options');
  assert.equal(shown?.value, '[secret]', 'options may hold secrets');
});

it('options come from the environment as well', (t) => {
  const env = { OPEN_CLANKER_PLUGINS__DICE__OPTIONS: '{"sides":4}', OPEN_CLANKER_PLUGINS__DICE__GRANT: 'tool,files' };
  const { dice } = loadText(t, '[plugins.dice]\npath = "p"\n', { env }).config.plugins;
  assert.deepEqual([dice?.options, dice?.grant], [{ sides: 4 }, ['tool', 'files']]);
});

const wrong: [text: string, key: string, message: RegExp][] = [
  ['[plugins.dice]\ngrant = ["tool"]\n', 'plugins.dice.path', /missing/],
  ['[plugins.dice]\npath = "p"\ngrant = ["root"]\n', 'plugins.dice.grant.0', /"root" is no capability/],
  ['[plugins.dice]\npath = "p"\nsha256 = "abc"\n', 'plugins.dice.sha256', /plugins list/],
  ['[plugins.dice]\npath = "p"\noptions = 5\n', 'plugins.dice.options', /a table of/],
  ['[plugins.dice]\npath = "p"\n[plugins.dice.options]\nat = 2026-01-01\n', 'plugins.dice.options.at', /a table of/],
  ['[plugins.telegram]\npath = "p"\n[plugins.telegram.channel]\n', 'plugins.telegram.channel', /one of ours/],
  ['[plugins.api]\npath = "p"\n[plugins.api.channel]\n', 'plugins.api.channel', /one of ours/],
  ['[plugins.Dice]\npath = "p"\n', 'plugins.Dice', /cannot be a name/],
  ['[providers.mine]\napi = "plugin"\nmodel = "m"\n', 'providers.mine.api', /configure \[plugins\.mine\]/],
];
for (const [text, key, message] of wrong) {
  it(`what cannot be is told with its key: ${text.split('\n')[0]} ${key}`, (t) => {
    const [issue] = issuesOfText(t, text);
    assert.match(issue?.message ?? '', message);
    assert.equal(issue?.key, key.replace(/\.\d+$/, ''));
  });
}
