import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandRegistry, type Command } from '../../../src/app/commands/registry.ts';
import { messagePath, said } from '../../support/message-path.ts';

const named = (name: string): Command => ({ name, run: () => Promise.resolve(name) });

test('only a known word behind a slash at the very beginning is a command', () => {
  const registry = new CommandRegistry();
  registry.register(named('new'));
  const cases: [string, string | null][] = [
    ['/new', ''],
    ['  /NEW  ', ''],
    ['/new@my_bot and more', 'and more'],
    ['/new\nsecond line', 'second line'],
    ['/newer', null],
    ['/new-ish', null],
    ['please /new', null],
    ['/', null],
    ['//new', null],
    ['/etc/passwd', null],
    [`/${'n'.repeat(100)}`, null],
    ['/constructor', null],
  ];
  for (const [text, argument] of cases) assert.equal(registry.match(text)?.argument ?? null, argument, text);
});

test('commands are listed in one order, whoever registered them first; one that is not known here comes last', () => {
  const registry = new CommandRegistry();
  for (const name of ['dance', 'approve', 'notes', 'help']) registry.register(named(name));
  assert.deepEqual(
    registry.list().map(({ name }) => name),
    ['help', 'notes', 'approve', 'dance'],
  );
});

test('commands answer in their chat, in order with the messages around them, and never reach the model', async (t) => {
  const path = await messagePath(t);
  path.attach();
  const commands = ['/start', '/help', '/whoami', '/new', '/stop'];
  await path.ingress.sinkFor('scripted', 'main').commit(commands.map((command) => said(command)));
  for (const _ of commands) {
    const seen = path.channel.shown.length;
    while (path.channel.shown.length === seen && seen < commands.length) await path.clock.sleep(50);
  }
  const shown = path.channel.shown.map(({ texts }) => texts.at(-1) ?? '');
  assert.match(shown[0] ?? '', /^Hello Ada!.*Answers come from a script/s);
  assert.match(shown[1] ?? '', /\/whoami: /);
  assert.match(shown[2] ?? '', /id 7 on scripted/);
  assert.match(shown[3] ?? '', /new conversation begins/);
  assert.equal(shown[4], 'Stopped.');
  assert.equal(path.provider.hits, 0);
});
