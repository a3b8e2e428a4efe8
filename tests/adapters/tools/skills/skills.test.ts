import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { skillRig, skillText } from './support.ts';

it('a skill is listed in one line and read whole when it is wanted, with the names of its files', async (t) => {
  const { write, call, groups } = skillRig(t);
  const head =
    'name: pdf-forms\ndescription: >\n  Fills forms.\n  Use it for PDF.\nallowed-tools: Bash(pdftk *) Read\nlicense: MIT\nversion: 7';
  write('pdf-forms/SKILL.md', `---\n${head}\n---\n# How\nLook at references/fields.md first.`);
  write('pdf-forms/references/fields.md', 'Fields are numbered.');
  write('pdf-forms/.secret', 'no');
  write('invoices/SKILL.md', skillText('invoices'));
  assert.equal((await call('skills', {})).text, 'invoices: Does invoices.\npdf-forms: Fills forms. Use it for PDF.');
  assert.equal((await call('skills', { filter: 'FORM pdf' })).text, 'pdf-forms: Fills forms. Use it for PDF.');
  const { text } = await call('load_skill', { name: 'pdf-forms' });
  assert.equal(
    text,
    '# How\nLook at references/fields.md first.\n\nIt was written for these tools: Bash(pdftk *), Read.\n\nFiles of it, to be read with load_skill: references/fields.md',
  );
  const file = await call('load_skill', { name: 'pdf-forms', file: 'references/fields.md' });
  assert.deepEqual(file, { text: 'Fields are numbered.' });
  const [group] = groups();
  assert.equal(group?.about, 'How to: invoices, pdf-forms');
  assert.deepEqual(group.keywords, ['skill', 'invoices', 'forms']);
});

it('with many skills the group still says what it is for in sixty characters', async (t) => {
  const { write, shelf, groups, later } = skillRig(t);
  for (let n = 0; n < 30; n++) write(`skill-number-${n}/SKILL.md`, skillText(`skill-number-${n}`));
  await shelf.refresh();
  assert.match(groups()[0]?.about ?? '', /^How to: skill-number-0, .*, \+\d+$/);
  assert.ok((groups()[0]?.about.length ?? 99) <= 60);
  const long = `a${'b'.repeat(60)}`;
  write(`${long}/SKILL.md`, skillText(long));
  later(2000);
  await shelf.refresh();
  assert.equal(groups()[0]?.about, '31 skills for tasks done here');
});

it('what is added, changed or removed is seen without a restart', async (t) => {
  const { write, call, folder, shelf, groups, later } = skillRig(t);
  await shelf.refresh();
  assert.deepEqual(groups(), []);
  write('notes/SKILL.md', skillText('notes', 'First.'));
  later(2000);
  assert.equal((await call('skills', {})).text, 'notes: First.');
  write('notes/SKILL.md', skillText('notes', 'Second, and longer.'));
  later(2000);
  assert.equal((await call('skills', {})).text, 'notes: Second, and longer.');
  rmSync(path.join(folder, 'notes'), { recursive: true });
  later(2000);
  await shelf.refresh();
  assert.deepEqual(groups(), []);
});

it('a skill that changed between the list and the reading is read as it is now', async (t) => {
  const { write, call } = skillRig(t);
  write('notes/SKILL.md', skillText('notes', 'x', 'old'));
  await call('skills', {});
  write('notes/SKILL.md', skillText('notes', 'x', 'new'));
  assert.equal((await call('load_skill', { name: 'notes' })).text, 'new');
  write('notes/SKILL.md', 'no head any more');
  assert.match((await call('load_skill', { name: 'notes' })).text, /cannot be read: it begins with front matter/);
});

it('names are offered as the configuration allows, and to each agent those of its own', async (t) => {
  const rig = skillRig(t, { allow: ['a*', 'b'], deny: ['a-secret'] }, (agent) =>
    agent === 'clerk' ? ['*', '!b'] : ['*'],
  );
  for (const name of ['a-one', 'a-secret', 'b', 'c']) rig.write(`${name}/SKILL.md`, skillText(name));
  assert.equal((await rig.call('skills', {})).text, 'a-one: Does a-one.\nb: Does b.');
  assert.equal((await rig.call('skills', {}, 'clerk')).text, 'a-one: Does a-one.');
  const refused = await rig.call('load_skill', { name: 'b' }, 'clerk');
  assert.deepEqual(refused, { text: 'There is no skill "b". There are: a-one.', isError: true });
  assert.equal((await rig.call('load_skill', { name: 'a-secret' })).isError, true);
});

const outside: [name: string, file: string][] = [
  ['the parent', '..'],
  ['a path up', '../other/SKILL.md'],
  ['a path up in the middle', 'references/../../other/SKILL.md'],
  ['an absolute path', '/etc/passwd'],
  ['a home', '~/.ssh/id_rsa'],
  ['a backslash', '..\\other\\SKILL.md'],
  ['a drive', 'C:/Windows/win.ini'],
  ['a hidden file', '.env'],
  ['a hidden folder', '.git/config'],
  ['a dot step', './SKILL.md'],
  ['an empty step', 'references//fields.md'],
  ['a NUL', 'SKILL.md\u0000.txt'],
  ['a line break', 'SKILL.md\n'],
  ['nothing', ''],
  ['the folder itself', 'references'],
  ['a file that is not there', 'missing.md'],
  ['a file below a file', 'SKILL.md/x'],
  ['a link to a file outside', 'link.md'],
  ['a link to a folder outside', 'linked/secret.md'],
  ['a link that leads nowhere', 'broken.md'],
  ['a link in a circle', 'circle.md'],
  ['a link to another skill', 'neighbour.md'],
  ['what is no text', 'image.png'],
  ['what is too large', 'large.txt'],
  ['what anybody may change', 'open.md'],
  ['a name without end', 'a'.repeat(256)],
  ['steps without end', 'a/'.repeat(20) + 'b'],
  ['a URL', 'file:///etc/passwd'],
  ['percent signs are no steps', '%2e%2e/secret.md'],
];

for (const [name, file] of outside) {
  it(`nothing outside the skill is read: ${name}`, async (t) => {
    const { write, call, folder } = skillRig(t);
    const skill = path.join(folder, 'pdf');
    const elsewhere = path.join(folder, '.elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(path.join(elsewhere, 'secret.md'), 'SECRET');
    write('other/SKILL.md', skillText('other', 'x', 'SECRET'));
    write('pdf/SKILL.md', skillText('pdf'));
    write('pdf/references/fields.md', 'fields');
    write('pdf/.env', 'SECRET');
    write('pdf/.git/config', 'SECRET');
    write('pdf/image.png', Buffer.from([0x89, 0x50, 0xff, 0x00]));
    write('pdf/large.txt', 'SECRET'.repeat(50_000));
    write('pdf/open.md', 'SECRET', 0o666);
    symlinkSync(path.join(elsewhere, 'secret.md'), path.join(skill, 'link.md'));
    symlinkSync(elsewhere, path.join(skill, 'linked'));
    symlinkSync('nowhere', path.join(skill, 'broken.md'));
    symlinkSync('circle.md', path.join(skill, 'circle.md'));
    symlinkSync('../other/SKILL.md', path.join(skill, 'neighbour.md'));
    const { text, isError } = await call('load_skill', { name: 'pdf', file });
    assert.equal(isError, true, text);
    assert.ok(!text.includes('SECRET') && !text.includes(folder), text);
  });
}

it('a link inside a skill to another of its files is that file', async (t) => {
  const { write, call, folder } = skillRig(t);
  write('pdf/SKILL.md', skillText('pdf'));
  write('pdf/a.md', 'A');
  symlinkSync('a.md', path.join(folder, 'pdf', 'b.md'));
  assert.equal((await call('load_skill', { name: 'pdf', file: 'b.md' })).text, 'A');
});

it("an argument that is not the model's to choose is refused by name", async (t) => {
  const { write, call } = skillRig(t);
  write('pdf/SKILL.md', skillText('pdf'));
  assert.match((await call('load_skill', { name: 'pdf', agent: 'owner' })).text, /agent/);
});

it('a folder that cannot be a skill is told once with the reason, and the others are offered', async (t) => {
  const { write, shelf, warned, folder, later } = skillRig(t);
  write('good/SKILL.md', skillText('good'));
  write('twice/SKILL.md', skillText('good'));
  write('headless/SKILL.md', '# Just text');
  write('broken/SKILL.md', '---\nname: broken\ndescription: "x\n---\n');
  write('bomb/SKILL.md', `---\nname: bomb\ndescription: &a x\nmore: [*a]\n---\n`);
  write('nameless/SKILL.md', '---\ndescription: x\n---\n');
  write('shouting/SKILL.md', skillText('SHOUTING'));
  write('mute/SKILL.md', '---\nname: mute\n---\n');
  write('empty/README.md', 'nothing');
  write('large/SKILL.md', skillText('large', 'x', 'x'.repeat(70_000)));
  write('open-file/SKILL.md', skillText('open-file'), 0o666);
  write('open/SKILL.md', skillText('open'));
  chmodSync(path.join(folder, 'open'), 0o777);
  mkdirSync(path.join(folder, '.outside'));
  symlinkSync('/tmp', path.join(folder, 'out'));
  write('plain-file', 'is no skill and no trouble');
  await shelf.refresh();
  assert.deepEqual(
    shelf.skills.map(({ name }) => name),
    ['good'],
  );
  const reasons = Object.fromEntries(shelf.broken.map(({ folder: at, reason }) => [path.basename(at), reason]));
  const expected: Record<string, RegExp> = {
    twice: /called good already/,
    headless: /line 1: it begins with front matter/,
    broken: /line [23]: not valid YAML/,
    bomb: /aliases/,
    nameless: /name is missing/,
    shouting: /name is missing or is not/,
    mute: /description is missing/,
    empty: /no such file/,
    large: /larger than/,
    'open-file': /anybody .* chmod o-w/,
    open: /anybody .* chmod o-w/,
    out: /leads out/,
  };
  assert.deepEqual(Object.keys(reasons).sort(), Object.keys(expected).sort());
  for (const [name, reason] of Object.entries(expected)) assert.match(reasons[name] ?? '', reason, name);
  assert.equal(warned.length, shelf.broken.length);
  later(2000);
  await shelf.refresh();
  assert.equal(warned.length, shelf.broken.length, 'the same is not told again');
});

it('a folder of skills that anybody may change is not used, and one that is named and missing is told', async (t) => {
  const { write, shelf, folder } = skillRig(t);
  write('good/SKILL.md', skillText('good'));
  chmodSync(folder, 0o777);
  await shelf.refresh();
  assert.deepEqual([shelf.skills.length, shelf.broken.length], [0, 1]);
  const gone = skillRig(t, {
    folders: [
      { path: '/nowhere/at/all', wanted: true },
      { path: '/nowhere', wanted: false },
    ],
  });
  await gone.shelf.refresh();
  assert.deepEqual(gone.shelf.broken, [{ folder: '/nowhere/at/all', reason: 'there is no such folder' }]);
});

it('no more than two hundred skills are offered', async (t) => {
  const { write, shelf } = skillRig(t);
  for (let n = 0; n < 205; n++) write(`s${n}/SKILL.md`, skillText(`s${n}`));
  await shelf.refresh();
  assert.deepEqual([shelf.skills.length, shelf.broken.length], [200, 5]);
});

it('switched off there is nothing, and the disk is not looked at', async (t) => {
  const { write, shelf, groups } = skillRig(t, { enabled: false });
  write('open/SKILL.md', 'broken');
  await shelf.refresh();
  assert.deepEqual([groups(), shelf.broken], [[], []]);
});
