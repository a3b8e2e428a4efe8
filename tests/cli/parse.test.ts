import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from '../../src/cli/command.ts';
import { commands, laterCommands } from '../../src/cli/commands.ts';
import { helpOf } from '../../src/cli/help.ts';
import { parse } from '../../src/cli/parse.ts';

const parsed = (line: string[]) => parse(line, commands, laterCommands);

function run(...line: string[]) {
  const result = parsed(line);
  assert.equal(result.kind, 'run');
  assert(result.kind === 'run');
  return result;
}

test('-c is the configuration before the command and the channel after send', () => {
  const { command, options } = run('-c', 'my.toml', 'send', '-c', 'telegram', '--channel-id', '42', '-m', 'hi');
  assert.equal(command.name, 'send');
  assert.equal(options.value('config'), 'my.toml');
  assert.equal(options.value('channel'), 'telegram');
  assert.equal(run('status', '-c', 'my.toml').options.value('config'), 'my.toml');
});

test('JSON is asked for before the command or after it, of those that have it', () => {
  for (const line of [
    ['--json', 'status'],
    ['--json', 'sessions', 'list'],
    ['sessions', '--json', 'list'],
    ['status', '--json'],
  ])
    assert.ok(run(...line).options.has('json'), line.join(' '));
});

test('a negative chat id is a value, a forgotten value is not the next option', () => {
  assert.equal(run('send', '--channel-id', '-100123').options.value('channel-id'), '-100123');
  assert.throws(() => parsed(['send', '--channel-id', '-m', 'hi']), /--channel-id needs ID/);
  assert.throws(() => parsed(['send', '-m']), /--message needs TEXT/);
  assert.throws(() => parsed(['chat', '--message=']), /--message needs TEXT/);
});

const wrong: [string, string[], RegExp][] = [
  ['an unknown option', ['status', '--jsn'], /unknown option "--jsn" \(did you mean --json\?\)/],
  ['a short option that only another command has', ['status', '-m', 'x'], /unknown option "-m"/],
  ['JSON of a command that has none', ['--json', 'gateway'], /gateway has no --json/],
  ['an option given twice', ['status', '--json', '--json'], /--json is given twice/],
  ['an option given twice in two spellings', ['-c', 'a', 'status', '--config=b'], /--config is given twice/],
  ['a value for a switch', ['status', '--json=yes'], /--json takes no value/],
  ['an unknown command', ['statsu'], /no command "statsu" \(did you mean status\?\)/],
  ['an unknown group', ['note', 'list'], /no command "note" \(did you mean notes\?\)/],
  ['a group without an action', ['sessions'], /needs one of list, show, export, import, reset, delete/],
  ['a group without an action says where its help is', ['jobs'], /see open-clanker jobs --help$/],
  [
    'an unknown action',
    ['sessions', 'lst'],
    /no command "sessions lst" \(did you mean sessions list\?\), only list, show/,
  ],
  [
    'an action like no other',
    ['jobs', 'foo'],
    /no command "jobs foo", only list, add, .* see open-clanker jobs --help$/,
  ],
  [
    'an option too many of a command with many',
    ['jobs', 'add', '--foo'],
    /add \[WORDS\] \[OPTION …\]; see .* add --help$/,
  ],
  ['a missing argument', ['why'], /MESSAGE_ID is missing/],
  ['an argument too many', ['status', 'now'], /unexpected argument "now"/],
  [
    'words without quotes',
    ['jobs', 'add', 'every', 'day'],
    /unexpected argument "day" \(what has blanks in it is put in quotes\)/,
  ],
  ['a NUL character', ['why', 'a\0b'], /NUL/],
  ['a line break in an id', ['why', 'a\nb'], /control character/],
  ['a line break in a path', ['-c', 'a\nb', 'status'], /control character/],
  ['a text of a megabyte', ['chat', '-m', 'x'.repeat(1_000_000)], /longer than/],
  ['a command of a later version', ['memory', 'search'], /"memory" is not available in this version/],
  ['an action of a later version', ['config', 'import', 'x'], /"config import" is not available in this version/],
];
for (const [what, line, message] of wrong) {
  test(`${what} is refused with exit 2 and a usage line`, () => {
    assert.throws(
      () => parsed(line),
      (error) => {
        assert(error instanceof CliError);
        assert.equal(error.exitCode, 2);
        assert.match(error.message, message);
        assert.match(error.message, /Usage: open-clanker /);
        assert(!error.message.includes('\n') && !error.message.includes('\0'));
        return true;
      },
    );
  });
}

test('a message may hold line breaks and begin with a dash', () => {
  assert.equal(run('chat', '-m', 'a\nb').options.value('message'), 'a\nb');
  assert.equal(run('chat', '-m', '-').options.value('message'), '-');
  assert.equal(run('chat', '-m', '- one').options.value('message'), '- one');
});

test('a path is a path, whatever it looks like', () => {
  for (const path of ['$(touch x)', 'a;b', 'mit Leerzeichen/ä.toml', '-x.toml']) {
    assert.equal(run(`--config=${path}`, 'status').options.value('config'), path);
  }
});

test('what follows -- is never an option', () => {
  assert.deepEqual(run('why', '--', '--json').positionals, ['--json']);
  assert.throws(() => parsed(['why', '--', '--json', '--', '-x']), /unexpected argument "--"/);
});

test('config-generate is config generate', () => {
  assert.equal(run('config-generate', '-p', 'x.toml').command.name, 'config generate');
  assert.equal(run('config', 'generate').command.name, 'config generate');
});

test('help is found wherever it is asked for', () => {
  assert.deepEqual(parsed([]), { kind: 'help', topic: '' });
  assert.deepEqual(parsed(['--help']), { kind: 'help', topic: '' });
  assert.deepEqual(parsed(['help', 'sessions', 'list']), { kind: 'help', topic: 'sessions list' });
  assert.deepEqual(parsed(['sessions', '--help']), { kind: 'help', topic: 'sessions' });
  assert.deepEqual(parsed(['why', '-h']), { kind: 'help', topic: 'why' });
  assert.deepEqual(parsed(['--version']), { kind: 'version' });
  assert.throws(() => parsed(['help', 'nonsense']), CliError);
});

test('the help of a command tells of those that begin with its name', () => {
  assert.match(helpOf('audit', commands), /Also: audit log, audit verify\.\n$/);
  assert.doesNotMatch(helpOf('status', commands), /Also/);
});

test('the overview lists every command and none of a later version', () => {
  const text = helpOf('', commands);
  for (const { name, summary } of commands) assert(text.includes(`  ${name} `) && text.includes(summary));
  for (const name of laterCommands) assert(!commands.some((command) => command.name === name));
});

test('the help of a command names each of its options', () => {
  for (const command of commands) {
    const text = helpOf(command.name, commands);
    for (const option of command.options) assert(text.includes(`--${option.name}`), `${command.name} ${option.name}`);
  }
});

test('every command has a handler', async () => {
  for (const command of commands) assert.equal(typeof (await command.load()), 'function', command.name);
});

test('asking for an option that the command does not declare is a bug', () => {
  assert.throws(() => run('status').options.has('thread'), TypeError);
});
