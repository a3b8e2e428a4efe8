import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { pluginRig, toolCode } from './support.ts';

it('a plugin is loaded with what it was granted, and its tool has a name that nothing of ours has', async (t) => {
  const { plugin, want, set, status, call } = pluginRig(t);
  plugin('my-tool', toolCode('({ text }, { person }) => ({ text: `${text} of ${person}`, outside: "test page" })'));
  await set.configure([want('my-tool', { grant: ['tool'] })]);
  assert.equal(status('my-tool')?.state, 'active');
  assert.match(status('my-tool')?.sha256 ?? '', /^[0-9a-f]{64}$/);
  const [group] = set.groups();
  assert.deepEqual([group?.name, group?.about, group?.keywords], ['plugin_my_tool', 'Tests', ['test']]);
  assert.deepEqual(await call('plugin_my_tool__try', { text: 'a' }), { text: 'a of per_1', outside: 'test page' });
  assert.equal((await call('plugin_my_tool__try', { text: 'abcdef' })).text, 'text: at most 5');
  assert.equal((await call('plugin_my_tool__try', { text: 'a', owner: 'b' })).text, 'there is no argument "owner"');
});

it('without a grant nothing of it runs, and the line to write is told', async (t) => {
  const { dir, plugin, want, set, status } = pluginRig(t);
  const mark = path.join(dir, 'ran');
  const code = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(mark)}, ''); ${toolCode()}`;
  plugin('eager', code, { capabilities: ['tool', 'network'] });
  await set.configure([want('eager', { grant: ['tool'] })]);
  assert.deepEqual([existsSync(mark), set.groups()], [false, []]);
  assert.equal(
    status('eager')?.detail,
    'it asks for network, which is not granted; if that is meant, write under [plugins.eager]: grant = ["tool", "network"]',
  );
  await set.configure([want('eager', { grant: ['network', 'tool'] })]);
  assert.deepEqual([existsSync(mark), status('eager')?.state], [true, 'active']);
});

it('the host gives no more than what the manifest asks for', async (t) => {
  const { plugin, want, set, call } = pluginRig(t);
  const code = (said: string): string =>
    `let had; export const activate = (host) => { had = ${said}; return parts; }; const parts = ${toolCode(
      '() => JSON.stringify(had)',
    )
      .split('=> (')[1]
      ?.replace(/\);\s*$/, ';')}`;
  const said = '[typeof host.http, typeof host.folder, host.options, Object.isFrozen(host)]';
  plugin('bare', code(said));
  plugin('rich', code(said), { capabilities: ['tool', 'network', 'files'] });
  await set.configure([want('bare', { options: { a: [1] } }), want('rich')]);
  assert.equal((await call('plugin_bare__try', { text: '' })).text, '["undefined","undefined",{"a":[1]},true]');
  assert.equal((await call('plugin_rich__try', { text: '' })).text, '["object","string",{},true]');
});

it('a pin holds: other files are refused before any of them runs', async (t) => {
  const { plugin, want, set, status } = pluginRig(t);
  const folder = plugin('pinned', toolCode());
  await set.configure([want('pinned')]);
  const { sha256 = '' } = status('pinned') ?? {};
  await set.configure([]);
  assert.deepEqual(set.groups(), []);
  await set.configure([want('pinned', { sha256 })]);
  assert.equal(status('pinned')?.state, 'active');
  writeFileSync(path.join(folder, 'helper.mjs'), 'one file more');
  await set.configure([want('pinned', { sha256, fingerprint: 'again' })]);
  assert.equal(status('pinned')?.state, 'refused');
  assert.match(status('pinned')?.detail ?? '', /not those of sha256/);
});

it('changed files wait for a restart, and what runs goes on', async (t) => {
  const { plugin, want, set, status, call } = pluginRig(t);
  plugin('dice', toolCode('() => "old"'));
  await set.configure([want('dice')]);
  plugin('dice', toolCode('() => "new"'));
  await set.configure([want('dice')]);
  assert.match(status('dice')?.detail ?? '', /restart the gateway/);
  assert.equal((await call('plugin_dice__try', { text: '' })).text, 'old');
});

it('other options begin it anew, and what is taken away is ended', async (t) => {
  const { dir, plugin, want, set, call } = pluginRig(t);
  const mark = path.join(dir, 'stopped');
  const code = `import { appendFileSync } from 'node:fs';
    export const activate = (host) => ({
      tools: { about: 'x', keywords: [], tools: [{ name: 'say', description: 'x', effects: ['read'], parameters: { type: 'object', properties: {} }, run: () => host.options.word }] },
      stop: () => appendFileSync(${JSON.stringify(mark)}, host.options.word + String(host.signal.aborted)),
    });`;
  plugin('word', code);
  await set.configure([want('word', { options: { word: 'one' } })]);
  await set.configure([want('word', { options: { word: 'one' } })]);
  assert.equal(existsSync(mark), false, 'the same goes on');
  await set.configure([want('word', { options: { word: 'two' } })]);
  assert.equal((await call('plugin_word__say', {})).text, 'two');
  await set.configure([]);
  assert.equal(readFileSync(mark, 'utf8'), 'onetruetwotrue');
});

const broken: [name: string, code: string, manifest: object, detail: RegExp][] = [
  ['throws when loaded', 'throw new Error("no license")', {}, /failed when it began: no license/],
  ['is no JavaScript', 'export const activate = (', {}, /failed when it began/],
  [
    'throws when begun',
    'export const activate = () => { throw new Error("options.key is missing"); }',
    {},
    /options\.key is missing/,
  ],
  ['rejects when begun', 'export const activate = async () => { throw "a text"; }', {}, /a text/],
  ['exports nothing', 'export const start = 1;', {}, /no function "activate"/],
  ['returns nothing', 'export const activate = () => undefined;', {}, /no parts/],
  ['adds what it did not ask for', toolCode(), { capabilities: ['files'] }, /without "tool"/],
  ['has a tool with a bad name', toolCode().replace("'try'", "'Try It'"), {}, /its name is not/],
  [
    'has a tool twice',
    toolCode()
      .replace('tools: [{', 'tools: [TWICE, {')
      .replace(
        'export',
        'const TWICE = { name: "try", description: "x", effects: ["read"], parameters: { type: "object", properties: {} }, run() {} }; export',
      ),
    {},
    /two tools of the name/,
  ],
  ['has a tool without effects', toolCode().replace("['read']", '[]'), {}, /its effects/],
  ['has a tool with made-up effects', toolCode().replace("['read']", "['root']"), {}, /its effects/],
  ['has a tool without a run', toolCode('1'), {}, /no function "run"/],
  [
    'has parameters that nobody checks',
    toolCode().replace('maxLength: 5', 'pattern: "^a"'),
    {},
    /cannot have "pattern"/,
  ],
  [
    'has parameters that are no schema',
    toolCode().replace("type: 'string'", "type: 'any'"),
    {},
    /are made of the types/,
  ],
  ['has an about that is too long', toolCode().replace("'Tests'", `'${'x'.repeat(61)}'`), {}, /tools\.about/],
  ['says another name', toolCode(), { name: 'other' }, /calls it "other"/],
  ['is for another version', toolCode(), { api: 2 }, /api takes 1/],
  ['has an entry outside', toolCode(), { entry: '../evil.mjs' }, /entry takes/],
  ['has an absolute entry', toolCode(), { entry: '/etc/evil.mjs' }, /entry takes/],
  ['has an entry that is not there', toolCode(), { entry: 'lib/missing.mjs' }, /failed when it began/],
  ['asks for what there is not', toolCode(), { capabilities: ['root'] }, /capabilities takes a list/],
  ['has unknown keys', toolCode(), { postinstall: 'rm' }, /unknown key "postinstall"/],
];

for (const [name, code, manifest, detail] of broken) {
  it(`a plugin that ${name} is refused with words, and the others work`, async (t) => {
    const { plugin, want, set, status, call } = pluginRig(t);
    plugin('bad', code, manifest);
    plugin('good', toolCode());
    await set.configure([want('bad'), want('good')]);
    assert.equal(status('bad')?.state, 'refused');
    assert.match(status('bad')?.detail ?? '', detail);
    assert.equal((await call('plugin_good__try', { text: '' })).text, 'done');
  });
}

it('a folder that is missing, linked, open to everybody or not text is refused', async (t) => {
  const { dir, plugin, want, set, status } = pluginRig(t);
  const cases: [string, (folder: string) => void, RegExp][] = [
    ['gone', (folder) => rmSync(folder, { recursive: true }), /there is no folder/],
    [
      'nomanifest',
      (folder) => rmSync(path.join(folder, 'open-clanker.plugin.json')),
      /there is no open-clanker.plugin.json/,
    ],
    ['notjson', (folder) => writeFileSync(path.join(folder, 'open-clanker.plugin.json'), '{'), /not valid JSON/],
    ['linked', (folder) => symlinkSync('/etc/hostname', path.join(folder, 'more.mjs')), /is a link/],
    ['open', (folder) => chmodSync(folder, 0o777), /chmod o-w/],
    ['openfile', (folder) => chmodSync(path.join(folder, 'index.mjs'), 0o666), /chmod o-w/],
  ];
  for (const [name, spoil] of cases) {
    plugin(name, toolCode());
    spoil(path.join(dir, name));
  }
  await set.configure(cases.map(([name]) => want(name)));
  for (const [name, , detail] of cases) assert.match(status(name)?.detail ?? '', detail, name);
});

it('a tool that throws, returns nonsense or never ends is an error for the model and no more', async (t) => {
  const { plugin, want, set, status, call } = pluginRig(t);
  plugin('a', toolCode('() => { throw new Error("disk full"); }'));
  plugin('b', toolCode('() => ({ text: 5 })'));
  plugin('c', toolCode('() => new Promise(() => {})'));
  plugin('d', toolCode('() => "x".repeat(5_000_000)'));
  await set.configure(['a', 'b', 'c', 'd'].map((name) => want(name)));
  assert.deepEqual(await call('plugin_a__try', { text: '' }), { text: 'The tool failed: disk full', isError: true });
  assert.match((await call('plugin_b__try', { text: '' })).text, /no text/);
  assert.match((await call('plugin_d__try', { text: '' })).text, /longer than/);
  await assert.rejects(call('plugin_c__try', { text: '' }, AbortSignal.abort(new Error('time is up'))), /time is up/);
  const late = new AbortController();
  const waiting = call('plugin_c__try', { text: '' }, late.signal);
  late.abort(new Error('time is up'));
  await assert.rejects(waiting, /time is up/);
  assert.match(status('a')?.detail ?? '', /failed 1 times, last: disk full/);
});

it('effects of a call are never more than those of its tool', async (t) => {
  const { plugin, want, set } = pluginRig(t);
  plugin(
    'wide',
    toolCode(
      '() => "x"',
      'effectsOf: ({ text }) => text === "w" ? ["write"] : text === "t" ? nothing : ["read"],',
    ).replace("['read']", "['read', 'send']"),
  );
  await set.configure([want('wide')]);
  const prepare = (text: string): unknown => set.groups()[0]?.tools[0]?.prepare({ text });
  const effects = (text: string): unknown => (prepare(text) as { effects: unknown }).effects;
  assert.deepEqual([effects('r'), effects('w'), effects('t')], [['read'], ['read', 'send'], ['read', 'send']]);
});

it('one that hangs is given up, ended should it ever begin, and holds up nobody', async (t) => {
  const { dir, plugin, want, set, status } = pluginRig(t, { loadMs: 2000 });
  const mark = path.join(dir, 'ended');
  const code = `import { writeFileSync } from 'node:fs';
    export const activate = async (host) => {
      await new Promise((resolve) => host.signal.addEventListener('abort', resolve));
      return { stop: () => writeFileSync(${JSON.stringify(mark)}, '') };
    };`;
  plugin('hangs', code);
  plugin('loading', 'await new Promise(() => {}); export const activate = () => ({});');
  plugin('good', toolCode());
  await set.configure([want('hangs'), want('loading'), want('good')]);
  assert.match(status('hangs')?.detail ?? '', /did not begin within 2 s/);
  assert.match(status('loading')?.detail ?? '', /code was not loaded within/);
  assert.equal(status('good')?.state, 'active');
  assert.ok(existsSync(mark));
});

it('failures without an owner are blamed on the plugin whose code they come from, and on no other', async (t) => {
  const { dir, plugin, want, set, status } = pluginRig(t);
  plugin('rude', toolCode());
  await set.configure([want('rude')]);
  const thrown = (place: string): Error =>
    Object.assign(new Error('late'), { stack: `Error: late\n    at ${place}:1:1` });
  assert.equal(set.blames(thrown(`file://${dir}/rude/index.mjs`)), true);
  assert.equal(set.blames(thrown(`file://${dir}/ruder/index.mjs`)), false);
  assert.equal(set.blames(thrown('file:///opt/open-clanker/dist/main.cjs')), false);
  assert.equal(set.blames('a text'), false);
  assert.match(status('rude')?.detail ?? '', /failed 1 times, last: late/);
});
