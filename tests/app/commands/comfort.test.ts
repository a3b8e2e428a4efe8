import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notices } from '../../../src/core/notices/index.ts';
import { languages } from '../../../src/core/languages.ts';
import { messagePath, said } from '../../support/message-path.ts';
import { failing } from '../../support/scripted-provider.ts';

type Path = Awaited<ReturnType<typeof messagePath>>;

/** Says it and resolves with what the bot showed for it. */
async function ask(path: Path, text: string, over: Parameters<typeof said>[1] = {}): Promise<string> {
  const before = path.channel.shown.length;
  await path.ingress.sinkFor('scripted', 'main').commit([said(text, over)]);
  while (path.channel.shown.length === before) await path.clock.sleep(50);
  return path.channel.shown.at(-1)?.texts.at(-1) ?? '';
}

test('every language has words for everything, and says the same things with the same names', () => {
  const model = { uptime: '1m', model: 'a/b', waiting: 4, running: 5 };
  for (const [language, words] of Object.entries(notices)) {
    assert.ok(language in languages);
    assert.deepEqual(Object.keys(words).sort(), Object.keys(notices.en).sort(), language);
    assert.deepEqual(Object.keys(words.summaries).sort(), Object.keys(notices.en.summaries).sort(), language);
    for (const part of ['1m', 'a/b', '4', '5']) assert.ok(words.status(model).includes(part), language);
    assert.ok(words.hello('Ada').includes('Ada') && words.couldNotAnswer('because').includes('because'), language);
  }
});

test('notices follow the language of the platform at first sight, and what /lang says from then on', async (t) => {
  const path = await messagePath(t);
  path.attach();
  assert.match(await ask(path, '/new', { language: 'de-AT' }), /Ein neues Gespräch beginnt/);
  assert.match(await ask(path, '/lang'), /auf Deutsch.*fr/s);
  assert.match(await ask(path, '/lang tlh'), /Auf tlh habe ich keine Hinweise/);
  assert.match(await ask(path, '/lang Français'), /maintenant en français/);
  assert.match(await ask(path, '/new', { language: 'de-AT' }), /nouvelle conversation/);
});

test('/model pins the model of one conversation and unpins it; an unknown one changes nothing', async (t) => {
  const path = await messagePath(t);
  path.attach();
  assert.match(await ask(path, '/model'), /default model answers: scripted\/model-1/);
  assert.match(await ask(path, '/model nobody/nothing'), /no model nobody\/nothing here/);
  assert.equal((await path.store.listSessions(null, { limit: 5 })).items[0]?.model, null);
  assert.match(await ask(path, '/model scripted/other'), /scripted\/other answers in this conversation/);
  await ask(path, 'hello');
  assert.equal(path.provider.requests.at(-1)?.model, 'other');
  assert.match(await ask(path, '/model'), /uses scripted\/other/);
  await ask(path, '/model default');
  await ask(path, 'hello again');
  assert.notEqual(path.provider.requests.at(-1)?.model, 'other');
});

test('/why tells the story of the message before, and /status how the gateway is doing', async (t) => {
  const path = await messagePath(t);
  path.attach();
  assert.match(await ask(path, '/why'), /no earlier message/);
  await ask(path, 'hello');
  assert.match(await ask(path, '/why'), /Received from Ada.*Asked scripted.*delivered/s);
  assert.match(await ask(path, '/status'), /Running for 1m.* being answered: 0, waiting: 0/);
});

test('in a group /why tells each of their own message, and only owners see the words of providers', async (t) => {
  const path = await messagePath(t, [failing('network')], {
    policy: { users: new Set(['7', '8']), chats: new Set(['-1']) },
  });
  path.attach();
  const there = {
    conversation: { channel: 'scripted', account: 'main', native: '-1' },
    chat: { type: 'group' as const, addressed: true },
  };
  const bob = { ...there, sender: { native: '8', display: 'Bob', isBot: false } };
  await ask(path, 'of Ada', there);
  assert.match(await ask(path, '/why', bob), /no earlier message/);
  await ask(path, 'of Bob', bob);
  const told = await ask(path, '/why', there);
  assert.match(told, /Received from Ada.*it failed.*: network/s);
  assert.doesNotMatch(told, /of Bob|scripted network/);
  const { person = '' } = (await path.store.identity({ channel: 'scripted', account: 'main', native: '8' })) ?? {};
  await path.store.setRole(person, 'owner');
  path.directory.forget();
  assert.match(await ask(path, '/why', bob), /Received from Bob.*scripted network/s);
});

test('where the platform has no buttons their commands stand below the text, else they are buttons', async (t) => {
  const path = await messagePath(t);
  path.attach();
  assert.match(await ask(path, '/lang'), /\/lang de\n\/lang es/);
  path.channel.capabilities.buttons = true;
  await ask(path, '/lang');
  const row = (await path.store.trace(path.channel.shown.length > 0 ? await newest(path) : ''))?.outbox.at(-1);
  assert.deepEqual(row?.body.buttons?.[0], { label: 'English', command: '/lang en' });
  assert.doesNotMatch(row?.body.text ?? '', /\/lang de/);
});

/** The id of the newest message of a person. */
async function newest(path: Path): Promise<string> {
  const received = path.events.filter((event) => event.type === 'message.received');
  await path.clock.sleep(1);
  return received.at(-1)?.messageId ?? '';
}

test('a name is said as it is written: it makes no link, no line and no format of its own', async (t) => {
  const path = await messagePath(t);
  path.attach();
  const display = '**Ada**\n[win](https://evil.example/)';
  const sender = { native: '7', display, isBot: false };
  for (const command of ['/start', '/whoami', 'hello', '/why']) await ask(path, command, { sender });
  const sent = new Set<string>();
  while (sent.size < 4) {
    const { outboxId } = await path.event('delivery.sent', (event) => !sent.has(event.outboxId));
    sent.add(outboxId);
  }
  const rows = await Promise.all([...sent].map((id) => path.store.outbound(id)));
  const named = rows.flatMap((row) => (row?.body.text.includes('Ada') === true ? [row.body] : []));
  assert.equal(named.length, 3);
  for (const { text, spans } of named) {
    assert.ok(text.includes('**Ada** [win](https://evil.example/)'), text);
    assert.ok(spans.every(({ style }) => style === 'code'));
  }
});

test('what went wrong in a group is told in the language of who asked', async (t) => {
  const path = await messagePath(t, [failing('invalid_request')]);
  path.attach();
  const group = { ...said('x').conversation, native: '-1' };
  const over = { conversation: group, chat: { type: 'group' as const, addressed: true }, language: 'de' };
  assert.match(await ask(path, 'geht das?', over), /Ich konnte nicht antworten/);
});
