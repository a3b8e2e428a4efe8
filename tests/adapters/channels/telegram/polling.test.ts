import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { HttpClient } from '../../../../src/core/ports/http-client.ts';
import { readText } from '../../../../src/adapters/channels/telegram/inbound.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { startFaultProxy } from '../../../support/fault-proxy.ts';
import type { Fault, FaultProxy } from '../../../support/fault-proxy.ts';
import { httpBody } from '../../../support/http-body.ts';
import { telegramRig } from '../../../support/telegram-rig.ts';
import type { TelegramRig } from '../../../support/telegram-rig.ts';
import { startTelegramServer } from '../../../support/telegram-server.ts';
import type { TelegramServer, TelegramServerOptions } from '../../../support/telegram-server.ts';

const polls = /getUpdates/;

async function serve(t: TestContext, options: TelegramServerOptions = {}): Promise<TelegramServer> {
  const server = await startTelegramServer(options);
  t.after(() => server.close());
  return server;
}

function rigFor(t: TestContext, ...args: Parameters<typeof telegramRig>): TelegramRig {
  const rig = telegramRig(...args);
  t.after(() => rig.close());
  return rig;
}

async function behindProxy(t: TestContext): Promise<{ server: TelegramServer; proxy: FaultProxy; rig: TelegramRig }> {
  const server = await serve(t);
  const proxy = await startFaultProxy(server.port);
  t.after(() => proxy.close());
  const rig = rigFor(t, { apiRoot: proxy.url, botToken: server.botToken });
  return { server, proxy, rig };
}

test('an update is confirmed only after its commit, and the next poll waits for that', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  const held = Promise.withResolvers<void>();
  rig.sink.held = held.promise;
  const { updateId } = server.inject({ chatId: 7, text: 'first' });
  rig.start();
  await rig.sink.until(() => rig.sink.commits === 1);
  const before = server.calls('getUpdates').length;
  server.inject({ chatId: 7, text: 'second' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(server.calls('getUpdates').length, before);
  assert.ok(server.confirmed() <= updateId);
  held.resolve();
  await server.until(() => server.confirmed() === updateId + 2);
  assert.deepEqual(rig.sink.texts(), ['first', 'second']);
  assert.equal(rig.sink.cursors.get('offset'), `${server.bot.id}:${updateId + 2}`);
  assert.deepEqual(server.violations, []);
});

test('what the store refuses is kept, tried again and confirmed once it is taken', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  rig.sink.broken = 3;
  const { updateId } = server.inject({ chatId: 7, text: 'keep me' });
  rig.start();
  await rig.state('degraded', /cannot be stored/);
  await server.until(() => server.confirmed() > updateId);
  assert.deepEqual([rig.sink.texts(), rig.sink.commits], [['keep me'], 4]);
  await rig.state('connected');
});

test('after a restart it goes on at the stored offset and asks for what was not confirmed', async (t) => {
  const server = await serve(t);
  const { updateId } = server.inject({ chatId: 7, text: 'seen before' });
  server.inject({ chatId: 7, text: 'new' });
  const cursors = new Map([['offset', `${server.bot.id}:${updateId + 1}`]]);
  const rig = rigFor(t, server, { cursors });
  rig.start();
  await rig.sink.until(() => rig.sink.events.size === 1);
  assert.deepEqual(rig.sink.texts(), ['new']);
});

test('another bot in the place of the first begins at its own updates, and none is taken for one of the first', async (t) => {
  const first = await serve(t);
  const second = await serve(t, { token: '4343:strict-server-token_of-35-characters' });
  const rig = rigFor(t, first);
  first.inject({ chatId: 7, messageId: 1, text: 'to the first' });
  const { updateId } = first.inject({ chatId: 7, messageId: 2, text: 'to the first again' });
  rig.start();
  await first.until(() => first.confirmed() > updateId);
  await rig.close();
  const other = rigFor(t, second, { cursors: rig.sink.cursors });
  second.inject({ chatId: 7, messageId: 1, text: 'to the second' });
  for (const [key, event] of rig.sink.events) other.sink.events.set(key, event);
  other.start();
  await other.sink.until(() => other.sink.commits > 0);
  assert.deepEqual(other.sink.texts(), ['to the first', 'to the first again', 'to the second']);
});

test('an offset of before it named its bot still holds', async (t) => {
  const server = await serve(t);
  const { updateId } = server.inject({ chatId: 7, text: 'seen before' });
  server.inject({ chatId: 7, text: 'new' });
  const rig = rigFor(t, server, { cursors: new Map([['offset', String(updateId + 1)]]) });
  rig.start();
  await rig.sink.until(() => rig.sink.events.size === 1);
  assert.deepEqual(rig.sink.texts(), ['new']);
});

test('a server that does not hold the poll is not asked again without a pause', async (t) => {
  async function* answer(result: unknown): AsyncGenerator<Uint8Array> {
    yield Buffer.from(JSON.stringify({ ok: true, result }));
  }
  const http: HttpClient = {
    request: async ({ url }) => {
      await new Promise((resolve) => setImmediate(resolve));
      const body = httpBody(answer(url.endsWith('/getMe') ? { id: 1, username: 'hasty_bot' } : []));
      return { status: 200, headers: {}, body };
    },
  };
  const rig = rigFor(t, { apiRoot: 'http://127.0.0.1', botToken: '1:a-token-of-nobody' }, { http });
  rig.start();
  for (let turn = 0; turn < 1000 && rig.clock.naps.length < 3; turn++)
    await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(rig.clock.naps.length >= 3);
  assert.ok(rig.clock.naps.every((ms) => ms > 0 && ms <= 500));
});

test('every poll names the kinds of update it wants', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  rig.start();
  await rig.state('connected');
  const kinds = server.calls('getUpdates')[0]?.params['allowed_updates'];
  assert.ok(Array.isArray(kinds) && kinds.includes('message') && kinds.includes('message_reaction'));
  const { identity, lastReceiveAt } = rig.channel.health();
  assert.equal(identity, '@clanker_test_bot');
  assert.notEqual(lastReceiveAt, null, 'an empty answer is a sign of life');
});

test('a bot whose server gives it no name is received for all the same', async (t) => {
  const server = await serve(t);
  Reflect.deleteProperty(server.bot, 'username');
  const rig = rigFor(t, server);
  rig.start();
  server.inject({ chatId: 7, text: 'hi' });
  await rig.sink.until(() => rig.sink.events.size === 1);
  assert.equal(rig.channel.health().identity, String(server.bot.id));
  assert.equal(readText('/new@undefined hi', [], server.bot).addressed, false);
});

test('C-19: malformed updates are counted and passed, and what stands between them arrives', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  const chat = { id: 7, type: 'private' };
  const from = { id: 7, first_name: 'A' };
  server.inject({ chatId: 7, text: 'one' });
  server.injectUpdate(null);
  server.injectUpdate({ message: { message_id: 900, date: 1, from, text: 'no chat' } });
  server.injectUpdate({ update_id: 'seven', message: {} });
  server.injectUpdate({ message: { message_id: 901, date: 1, from: { id: 2 ** 60 }, chat, text: 'x' } });
  server.injectUpdate({ message: { message_id: 902, date: 1, from, chat, text: 'x'.repeat(5_000_000) } });
  server.injectUpdate({ unheard_of: { a: 1 }, another: {} });
  rig.start();
  await rig.sink.until(() => rig.sink.malformedDetails.length >= 5);
  const last = server.inject({ chatId: 7, text: 'two' });
  await server.until(() => server.confirmed() > last.updateId);
  assert.deepEqual(
    rig.sink.texts().map((text) => text.slice(0, 3)),
    ['one', 'xxx', 'two'],
  );
});

test('an update without any id cannot hold up those behind it', async (t) => {
  const server = await serve(t);
  const first = server.inject({ chatId: 7, text: 'one' });
  const rig = rigFor(t, server);
  rig.start();
  await server.until(() => server.confirmed() > first.updateId);
  server.injectUpdate(null);
  await server.until(() => server.confirmed() > first.updateId + 1);
  server.inject({ chatId: 7, text: 'two' });
  await rig.sink.until(() => rig.sink.events.size === 2);
});

test('C-17: update ids that begin anew lower down are followed', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  const { updateId } = server.inject({ chatId: 7, text: 'high' });
  rig.start();
  await server.until(() => server.confirmed() > updateId);
  server.injectUpdate(
    { message: { message_id: 50, date: 1, chat: { id: 7, type: 'private' }, from: { id: 7 }, text: 'low' } },
    1000,
  );
  await server.until(() => server.pending() === 0);
  assert.deepEqual([rig.sink.texts(), rig.sink.cursors.get('offset')], [['high', 'low'], `${server.bot.id}:1001`]);
});

test('a server that repeats the same update whatever is confirmed is not flooded', async (t) => {
  const { server, proxy, rig } = await behindProxy(t);
  const message = { message_id: 1, date: 1, chat: { id: 7, type: 'private' }, from: { id: 7 }, text: 'again' };
  const body = JSON.stringify({ ok: true, result: [{ update_id: 5, message }] });
  proxy.set({ mode: 'status', status: 200, body }, polls);
  rig.start();
  await rig.state('degraded', /does not move on/);
  await rig.sink.until(() => rig.sink.commits > 4);
  assert.ok(rig.clock.naps.length >= 3);
  assert.equal(rig.sink.events.size, 1);
  assert.deepEqual(server.calls('getUpdates'), []);
});

test('B-22: a second poller degrades the channel, in words, and it recovers by itself however long it takes', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  server.conflict(8);
  rig.start();
  await rig.state('degraded', /Another program receives with this bot token/);
  server.inject({ chatId: 7, text: 'after' });
  await rig.sink.until(() => rig.sink.events.size === 1);
  await rig.state('connected');
  const naps = rig.clock.naps.slice(0, 4);
  assert.ok(naps.every((ms) => ms >= 1000 && ms <= 30_000) && (naps[3] ?? 0) > (naps[0] ?? 0), String(naps));
});

test('two of ours on one token take turns being told, and no update is lost to either', async (t) => {
  const server = await serve(t);
  const [a, b] = [rigFor(t, server), rigFor(t, server)];
  a.start();
  await a.state('connected');
  b.start();
  await a.state('degraded', /Another program/);
  const sent = Array.from({ length: 5 }, (_, i) => server.inject({ chatId: 7, text: `m${i}` }));
  await server.until(() => server.confirmed() > (sent.at(-1)?.updateId ?? 0));
  assert.equal(new Set([...a.sink.texts(), ...b.sink.texts()]).size, 5);
});

test('a method that the server does not know is no wrong token, which would hold up every chat', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  const { signal } = new AbortController();
  const conversation = rig.channel.conversation('7');
  const say = () => rig.channel.send({ idempotencyKey: 'k', conversation, body: plainText('x') }, signal);
  const edit = () =>
    rig.channel.edit?.({ conversation, native: '1' }, { body: plainText('x'), final: true }, signal) ?? say();
  server.fail(1, { mode: 'code', code: 404, description: 'Not Found' }, 'sendMessage');
  const codes = [await say()];
  rig.start();
  await rig.state('connected');
  server.fail(1, { mode: 'code', code: 404, description: 'Not Found' }, 'sendMessage');
  server.fail(1, { mode: 'code', code: 404, description: 'Not Found' }, 'editMessageText');
  codes.push(await say(), await edit());
  assert.deepEqual(
    codes.map((outcome) => !outcome.ok && outcome.kind === 'refused' && outcome.code),
    ['bad_token', 'not_supported', 'edit_gone'],
  );
});

test('a proxy that answers while the server behind it is away says nothing about the token', async (t) => {
  const { server, proxy, rig } = await behindProxy(t);
  proxy.set({ mode: 'status', status: 404, body: '404 page not found' });
  rig.start();
  await rig.state('degraded', /HTTP 404 .*api_root/);
  proxy.set({ mode: 'pass' });
  server.inject({ chatId: 7, text: 'hi' });
  await rig.sink.until(() => rig.sink.events.size === 1);
});

test('a webhook left on the bot is named and removed, and its waiting messages arrive', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  server.setWebhook('https://old.example/hook');
  server.inject({ chatId: 7, text: 'waited' });
  rig.start();
  await rig.sink.until(() => rig.sink.events.size === 1);
  assert.ok(rig.log.some((line) => line.includes('webhook')));
  assert.deepEqual([server.calls('deleteWebhook').length, server.violations], [1, []]);
});

test('a webhook of before is no trouble once it is removed; one that is set again is', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  server.setWebhook('https://bot.example.org/hooks/telegram/main');
  rig.start();
  await rig.state('connected', /^$/);
  server.setWebhook('https://other.example/hook');
  await rig.state('degraded', /again and again/);
});

test('a wrong token is fatal, says where a right one comes from, shows itself nowhere, and may yet be accepted', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, { apiRoot: server.apiRoot, botToken: '4242:wrong-token-of-no-bot-at-all' });
  rig.start();
  await rig.state('fatal', /@BotFather.*bot_token/);
  assert.ok(!`${rig.log.join()}${JSON.stringify(rig.channel.health())}`.includes('wrong-token'));
  const mistaken = rigFor(t, server);
  server.fail(1, { mode: 'code', code: 401, description: 'Unauthorized' }, 'getMe');
  mistaken.start();
  await mistaken.state('fatal');
  mistaken.clock.wake();
  await mistaken.state('connected');
});

test('a 429 on polling is waited out to the full', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  const parameters = { retry_after: 12 };
  server.fail(
    1,
    { mode: 'code', code: 429, description: 'Too Many Requests: retry after 12', parameters },
    'getUpdates',
  );
  rig.start();
  await rig.state('connected');
  assert.equal(rig.clock.naps[0], 12_000);
});

test('B-26: a poll that hangs is given up by the watchdog, and no second one runs beside it', async (t) => {
  const { server, proxy, rig } = await behindProxy(t);
  rig.start();
  await rig.state('connected');
  proxy.set({ mode: 'half_open' }, polls);
  while ((proxy.met.half_open ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  server.inject({ chatId: 7, text: 'behind the silence' });
  proxy.heal();
  assert.equal(rig.channel.health().state, 'connected'); // nothing tells a dead line from a quiet one but time
  rig.clock.wake();
  await rig.state('degraded', /hung and was given up after 16 s/);
  await rig.sink.until(() => rig.sink.events.size === 1);
  await rig.state('connected');
  assert.ok(!server.calls('getUpdates').some((call) => call.status === 409));
});

test('B-26: a first call that hangs is given up too', async (t) => {
  const { proxy, rig } = await behindProxy(t);
  proxy.next(1, { mode: 'half_open' }, /getMe/);
  rig.start();
  while ((proxy.met.half_open ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  rig.clock.wake();
  await rig.state('connected');
});

test('B-29: a name that does not resolve is tried again under once a second, and found when it returns', async (t) => {
  const server = await serve(t);
  let lookups = 0;
  const rig = rigFor(
    t,
    { apiRoot: `http://telegram.example:${server.port}`, botToken: server.botToken },
    {
      resolver: (_host, options, callback) => {
        if (++lookups <= 6) return callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), '', 4);
        if (options.all === true) return callback(null, [{ address: '127.0.0.1', family: 4 }]);
        return callback(null, '127.0.0.1', 4);
      },
    },
  );
  rig.start();
  await rig.state('degraded', /cannot be reached.*ENOTFOUND/);
  await rig.state('connected');
  assert.equal(rig.clock.naps.filter((ms) => ms >= 1000).length, 6);
});

test('a refused connection is waited out', async (t) => {
  const { server, proxy, rig } = await behindProxy(t);
  await proxy.refuse();
  rig.start();
  await rig.state('degraded', /ECONNREFUSED/);
  server.inject({ chatId: 7, text: 'hello' });
  await proxy.accept();
  await rig.sink.until(() => rig.sink.events.size === 1);
});

const faults: Fault[] = [
  { mode: 'reset' },
  { mode: 'lost' },
  { mode: 'late_502' },
  { mode: 'garbage' },
  { mode: 'cut', bytes: 10 },
  { mode: 'cut', bytes: 40, reset: true },
  { mode: 'duplicate' },
  { mode: 'trickle', bytes: 60, ms: 1 },
  { mode: 'latency', ms: 30 },
  { mode: 'status', status: 500, body: '{"ok":false,"error_code":500,"description":"Internal Server Error"}' },
  { mode: 'status', status: 502, body: '<html>bad</html>' },
  { mode: 'status', status: 200, body: '{"ok":true,"result":{}}' },
  { mode: 'status', status: 200, body: 'null' },
];
for (const fault of faults) {
  const name = 'status' in fault ? `${fault.status} ${fault.body.slice(0, 20)}` : JSON.stringify(fault);
  test(`B-30: polls that meet ${name} lose nothing and double nothing`, async (t) => {
    const { server, proxy, rig } = await behindProxy(t);
    proxy.next(2, fault, polls);
    const { updateId } = server.inject({ chatId: 7, text: 'm0' });
    rig.start();
    await server.until(() => server.confirmed() > updateId);
    for (let i = 1; i < 4; i++) {
      proxy.next(1, fault, polls);
      const sent = server.inject({ chatId: 7, text: `m${i}` });
      await server.until(() => server.confirmed() > sent.updateId);
    }
    assert.deepEqual(rig.sink.texts(), ['m0', 'm1', 'm2', 'm3']);
    await rig.state('connected');
    assert.deepEqual(server.violations, []);
  });
}

test('an answer larger than we take is asked for again piece by piece', async (t) => {
  const { server, proxy, rig } = await behindProxy(t);
  proxy.next(1, { mode: 'status', status: 200, body: `{"ok":true,"result":["${'x'.repeat(16_000_000)}"]}` }, polls);
  for (const text of ['one', 'two']) server.inject({ chatId: 7, text });
  rig.start();
  await rig.sink.until(() => rig.sink.events.size === 2);
  assert.deepEqual(
    server
      .calls('getUpdates')
      .slice(0, 2)
      .map((call) => call.params['limit']),
    [1, 100],
  );
});

test('every connection torn down at once is survived', async (t) => {
  const { server, proxy, rig } = await behindProxy(t);
  rig.start();
  await rig.state('connected');
  proxy.resetAll();
  server.inject({ chatId: 7, text: 'after' });
  await rig.sink.until(() => rig.sink.events.size === 1);
});

test('health tells that privacy mode hides messages only to those who use groups', async (t) => {
  const server = await serve(t);
  const [plain, groups] = [rigFor(t, server), rigFor(t, server, { groups: true })];
  plain.start();
  await plain.state('connected', /^$/);
  await plain.close();
  groups.start();
  await groups.state('connected', /privacy mode/);
});

test('the menu of commands is set, and a failure to do so harms nothing', async (t) => {
  const server = await serve(t);
  const commands = [{ command: 'new', description: 'Start over' }];
  const first = rigFor(t, server, { commands });
  first.start();
  await first.state('connected');
  await server.until(() => server.commands !== null);
  assert.deepEqual(server.commands, commands);
  await first.close();
  server.fail(1, { mode: 'bad_gateway' }, 'setMyCommands');
  const second = rigFor(t, server, { commands });
  second.start();
  await second.state('connected');
  await server.until(() => server.calls('setMyCommands').length === 2);
});

test('stopping ends a poll under way at once and twice is as good as once', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server, { pollTimeoutMs: 50_000 });
  rig.start();
  await server.until(() => server.calls('getUpdates').length === 2);
  await rig.channel.stop(2000);
  await rig.channel.stop(2000);
  assert.equal(rig.channel.health().state, 'stopped');
  await server.until(() => server.calls('getUpdates').every((call) => call.status === 200 || call.status === null));
});

const attachments = (rig: TelegramRig): (string | undefined)[][] =>
  [...rig.sink.events.values()].map((event) => event.attachments.map(({ native }) => native));

test('an album is one event, and the offset does not pass it before', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  server.inject({ chatId: 7, text: 'before' });
  const [first] = server.album(7, ['f1', 'f2'], { caption: 'look' });
  rig.start();
  await rig.sink.until(() => rig.sink.texts().includes('before'));
  assert.equal(rig.sink.cursors.get('offset'), `${server.bot.id}:${first?.updateId}`);
  const last = server.inject({ chatId: 8, text: 'after' });
  await server.until(() => server.confirmed() > last.updateId);
  assert.deepEqual(rig.sink.texts(), ['before', 'look', 'after']);
  assert.deepEqual(attachments(rig), [[], ['f1', 'f2'], []]);
  assert.deepEqual(server.violations, []);
});

test('an album that could not be stored before a crash is the same event after it', async (t) => {
  const server = await serve(t);
  const first = rigFor(t, server);
  const offered: string[] = [];
  first.sink.commit = (batch) => {
    offered.push(...batch.map(({ dedupe }) => dedupe));
    return Promise.reject(new Error('the disk is full'));
  };
  server.album(7, ['f1', 'f2', 'f3']);
  first.start();
  await first.state('degraded', /cannot be stored/);
  await first.close();
  const again = rigFor(t, server);
  again.start();
  await again.sink.until(() => again.sink.events.size > 0);
  assert.deepEqual(attachments(again), [['f1', 'f2', 'f3']]);
  assert.deepEqual([...again.sink.events.keys()], [...new Set(offered)]);
});

test('albums of many people at once hold up nobody for good', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  for (let n = 0; n < 30; n++) {
    server.album(7 + n, ['a', 'b']);
    server.inject({ chatId: 100 + n, text: `t${n}` });
  }
  rig.start();
  await server.until(() => server.pending() === 0);
  assert.equal(attachments(rig).filter((files) => files.length === 2).length, 30);
  assert.equal(rig.sink.events.size, 60);
});

test('a pressed button is acknowledged once what it means is committed, and a failure of that harms nothing', async (t) => {
  const server = await serve(t);
  const rig = rigFor(t, server);
  rig.sink.broken = 1;
  const message = { chatId: '-5', messageId: 9, threadId: 4 };
  server.press(message, '/approve 1', 7);
  server.press(message, '/approve 1', 8);
  server.fail(1, { mode: 'bad_gateway' }, 'answerCallbackQuery');
  rig.start();
  await server.until(() => server.calls('answerCallbackQuery').length === 2);
  assert.deepEqual(
    [...rig.sink.events.values()].map(({ kind, text, sender, conversation }) => [
      kind,
      text,
      sender.native,
      conversation.thread,
    ]),
    [
      ['action', '/approve 1', '7', '4'],
      ['action', '/approve 1', '8', '4'],
    ],
  );
  await rig.state('connected');
  assert.deepEqual(server.violations, []);
});

test('the menu is set in every language there is, and what is not translated is shown as it is', async (t) => {
  const server = await serve(t);
  const commands = [
    { command: 'new', description: 'Start over', translations: { de: 'Neu beginnen' } },
    { command: 'help', description: 'Help' },
  ];
  const rig = rigFor(t, server, { commands });
  rig.start();
  await server.until(() => server.commandsIn.size > 0);
  const shown = (menu: unknown): string[] => (menu as { description: string }[]).map(({ description }) => description);
  assert.deepEqual(shown(server.commands), ['Start over', 'Help']);
  assert.deepEqual(shown(server.commandsIn.get('de')), ['Neu beginnen', 'Help']);
});

test('a menu that hangs holds up no message', async (t) => {
  const server = await serve(t);
  server.fail(1, { mode: 'hang' }, 'setMyCommands');
  const rig = rigFor(t, server, { commands: [{ command: 'new', description: 'Start over' }] });
  rig.start();
  server.inject({ chatId: 7, text: 'hello' });
  await rig.sink.until(() => rig.sink.events.size === 1);
});
