/** Receiving by webhook, through the product's own door. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { albumQuietMs } from '../../../../src/adapters/channels/telegram/albums.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { openDoor } from '../../../support/door.ts';
import type { TestDoor } from '../../../support/door.ts';
import { hookInto } from '../../../support/telegram-counterpart.ts';
import { telegramRig } from '../../../support/telegram-rig.ts';
import type { TelegramRig } from '../../../support/telegram-rig.ts';
import { startTelegramServer } from '../../../support/telegram-server.ts';
import type { TelegramServer } from '../../../support/telegram-server.ts';

const secret = 'A-secret_token';

interface Line {
  server: TelegramServer;
  door: TestDoor;
  /** A channel by webhook; a further one is the same account after a restart, with what was committed before. */
  begin: (settings?: { polling?: boolean; url?: string }) => TelegramRig;
  /** What a stranger, or a confused Telegram, sends. */
  post: (body: string | object, headers?: Record<string, string>, method?: string) => Promise<Response>;
}

async function line(t: TestContext): Promise<Line> {
  const server = await startTelegramServer();
  const door = await openDoor();
  t.after(() => Promise.all([server.close(), door.stop()]));
  const cursors = new Map<string, string>();
  const begin: Line['begin'] = ({ polling = false, url = door.url } = {}) => {
    const webhook = { url, secret: new Secret(secret) };
    const rig = telegramRig(server, { cursors, ...(polling ? {} : { webhook }) });
    rig.sink.cursors = cursors;
    t.after(() => rig.close());
    hookInto(door, rig.channel);
    rig.start();
    return rig;
  };
  const post: Line['post'] = (body, headers = {}, method = 'POST') =>
    fetch(`${door.url}/hooks/telegram/main`, {
      method,
      headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': secret, ...headers },
      ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return { server, door, begin, post };
}

const message = (id: number, text: string): object => ({
  update_id: id,
  message: { message_id: id, date: 1, chat: { id: 7, type: 'private' }, from: { id: 7, first_name: 'A' }, text },
});

/** No album counts as whole before everything was delivered, however slowly its parts come. */
function untilDelivered({ clock }: TelegramRig, server: TelegramServer): void {
  const sleep = clock.sleep.bind(clock);
  clock.sleep = async (ms, signal) => {
    if (ms === albumQuietMs) await server.until(() => server.pending() === 0);
    return sleep(ms, signal);
  };
}

test('the webhook is set with the address of the account, the secret and the kinds of update, and drops nothing', async (t) => {
  const { server, door, begin } = await line(t);
  server.inject({ chatId: 7, text: 'waited' });
  const rig = begin();
  await rig.sink.until(() => rig.sink.events.size === 1);
  await rig.state('connected');
  const { params } = server.calls('setWebhook')[0] ?? {};
  assert.equal(params?.['url'], `${door.url}/hooks/telegram/main`);
  assert.equal(params?.['secret_token'], secret);
  assert.ok(Array.isArray(params?.['allowed_updates']));
  assert.deepEqual([server.calls('getUpdates'), server.violations], [[], []]);
});

test('an address with a path is meant as it is, and without a secret one is made that only the token gives', async (t) => {
  const { server } = await line(t);
  for (const url of ['http://127.0.0.1:1/behind/a/proxy', 'http://127.0.0.1:1']) {
    const rig = telegramRig(server, { webhook: { url } });
    rig.start();
    await rig.state('connected');
    await rig.close();
  }
  const [first, second] = server.calls('setWebhook').map(({ params }) => params);
  assert.deepEqual(
    [first?.['url'], second?.['url']],
    ['http://127.0.0.1:1/behind/a/proxy', 'http://127.0.0.1:1/hooks/telegram/main'],
  );
  assert.match(String(first?.['secret_token']), /^[0-9a-f]{64}$/);
  assert.equal(first?.['secret_token'], second?.['secret_token']);
});

test('an update is answered with 200 only after its commit, and comes again until then', async (t) => {
  const { server, begin } = await line(t);
  const rig = begin();
  await rig.state('connected');
  const held = Promise.withResolvers<void>();
  rig.sink.held = held.promise;
  rig.sink.broken = 2;
  const { updateId } = server.inject({ chatId: 7, text: 'keep me' });
  await rig.sink.until(() => rig.sink.commits === 1);
  assert.deepEqual(server.webhook.deliveries, []);
  held.resolve();
  await server.until(() => server.confirmed() > updateId);
  assert.deepEqual(
    server.webhook.deliveries.map(({ status }) => status),
    [503, 503, 200],
  );
  assert.deepEqual(rig.sink.texts(), ['keep me']);
});

test('without the right secret nothing is looked at, also before the channel runs and in polling mode', async (t) => {
  const { begin, post } = await line(t);
  const rig = begin();
  await rig.state('connected');
  for (const token of ['', 'A-secret_tokeN', `${secret}x`, secret.slice(1)]) {
    const answer = await post(message(1, 'let me in'), { 'x-telegram-bot-api-secret-token': token });
    assert.equal(answer.status, 401, token);
  }
  assert.equal((await post(message(1, 'x'), {}, 'GET')).status, 405);
  assert.deepEqual([rig.sink.events.size, rig.sink.malformedDetails], [0, []]);
  await rig.close();
  const polled = begin({ polling: true });
  await polled.state('connected');
  assert.equal((await post(message(2, 'by the side door'))).status, 401);
  assert.equal(polled.sink.events.size, 0);
});

test('C-19: what is no update is refused, what holds nothing or is not understood is taken and passed', async (t) => {
  const { begin, post } = await line(t);
  const rig = begin();
  await rig.state('connected');
  for (const body of ['', 'x', 'null', '[]', '{}', '{"update_id":"1"}', '[['.repeat(100_000)]) {
    assert.equal((await post(body)).status, 400, body.slice(0, 20));
  }
  assert.equal((await post({ update_id: 3, message: { no: 'chat' } })).status, 200);
  assert.equal((await post({ update_id: 4, brand_new: {} })).status, 200);
  assert.equal(rig.sink.malformedDetails.length, 9);
  assert.equal((await post(message(5, 'still there'))).status, 200);
  assert.deepEqual(rig.sink.texts(), ['still there']);
});

test('requests that come side by side and out of order are put into their order', async (t) => {
  const { server, begin } = await line(t);
  server.webhook.unordered = true;
  for (let n = 0; n < 20; n++) server.inject({ chatId: 7, text: String(n) });
  const rig = begin();
  const batches: number[][] = [];
  const keep = rig.sink.commit.bind(rig.sink);
  rig.sink.commit = (batch, cursor) => {
    batches.push(batch.map(({ text }) => Number(text)));
    return keep(batch, cursor);
  };
  await server.until(() => server.pending() === 0);
  assert.equal(rig.sink.events.size, 20);
  assert.ok(batches.length < 20, 'what came together was committed together');
  for (const batch of batches)
    assert.deepEqual(
      batch,
      batch.toSorted((x, y) => x - y),
    );
});

test('an update that is told twice is one event, and one that came while the gateway was away arrives', async (t) => {
  const { server, begin } = await line(t);
  const first = begin();
  await first.state('connected');
  server.inject({ chatId: 7, text: 'one' });
  await server.until(() => server.pending() === 0);
  await server.repeatLast();
  assert.deepEqual([first.sink.commits, first.sink.events.size], [2, 1]);
  await first.close();
  server.inject({ chatId: 7, text: 'away' });
  await server.until(() => server.webhook.deliveries.some(({ status }) => status === 503));
  const second = begin();
  await server.until(() => server.pending() === 0);
  assert.deepEqual(second.sink.texts(), ['away']);
});

test('an album whose parts are delivered one after the other is one event, and its parts are safe meanwhile', async (t) => {
  const { server, begin } = await line(t);
  const rig = begin();
  await rig.state('connected');
  untilDelivered(rig, server);
  server.inject({ chatId: 8, text: 'somebody else' });
  server.album(7, ['f1', 'f2', 'f3'], { caption: 'look' });
  await rig.sink.until(() => rig.sink.events.size === 2);
  const album = [...rig.sink.events.values()].find(({ text }) => text === 'look');
  assert.deepEqual(
    album?.attachments.map(({ native }) => native),
    ['f1', 'f2', 'f3'],
  );
  await server.repeatLast();
  assert.equal(rig.sink.events.size, 2);
  assert.deepEqual(server.violations, []);
});

test('an album that a crash cut is told after the restart, also when polling begins instead, and once', async (t) => {
  const { server, begin } = await line(t);
  for (const polling of [false, true]) {
    const before = begin();
    await before.state('connected');
    // Only parts are committed: the store does not take the album itself.
    const keep = before.sink.commit.bind(before.sink);
    before.sink.commit = (batch, cursor) =>
      batch.length > 0 ? Promise.reject(new Error('the disk is full')) : keep(batch, cursor);
    server.album(7, ['f1', 'f2']);
    await server.until(() => server.pending() === 0);
    await before.close();
    const after = begin({ polling });
    await after.sink.until(() => after.sink.events.size === 1);
    assert.equal([...after.sink.events.values()][0]?.attachments.length, 2);
    await after.close();
    const again = begin({ polling });
    await again.state('connected');
    server.inject({ chatId: 7, text: 'next' });
    await again.sink.until(() => again.sink.events.size > 0);
    assert.deepEqual(again.sink.texts(), ['next']);
    await again.close();
  }
});

test('a part that comes after its album was told is a message of its own, and a repeat of one is nothing', async (t) => {
  const { server, begin } = await line(t);
  const rig = begin();
  await rig.state('connected');
  untilDelivered(rig, server);
  server.album(7, ['f1', 'f2'], { id: 'one' });
  await rig.sink.until(() => rig.sink.events.size === 1);
  server.album(7, ['late'], { id: 'one' });
  await rig.sink.until(() => rig.sink.events.size === 2);
  await server.repeatLast();
  assert.deepEqual(
    [...rig.sink.events.values()].map(({ attachments }) => attachments.map(({ native }) => native)),
    [['f1', 'f2'], ['late']],
  );
});

test('more albums at a time than are kept lose nothing', async (t) => {
  const { server, begin } = await line(t);
  server.webhook.unordered = true;
  for (let n = 0; n < 20; n++) server.album(7 + n, ['a', 'b']);
  const rig = begin();
  const files = (): number => [...rig.sink.events.values()].flatMap(({ attachments }) => attachments).length;
  await rig.sink.until(() => files() === 40);
  assert.equal(rig.sink.cursors.size, 16);
});

test('a webhook that another program took is set again, and health says so', async (t) => {
  const { server, begin } = await line(t);
  const rig = begin();
  await rig.state('connected');
  server.setWebhook('http://127.0.0.1:1/theirs');
  await rig.state('degraded', /Another program has taken the webhook/);
  await rig.state('connected');
  server.inject({ chatId: 7, text: 'back' });
  await rig.sink.until(() => rig.sink.events.size === 1);
});

test('health tells when Telegram cannot reach the address, in its words', async (t) => {
  const { server, begin } = await line(t);
  const rig = begin({ url: 'http://127.0.0.1:1' });
  await rig.state('connected');
  server.inject({ chatId: 7, text: 'unreachable' });
  await rig.state('degraded', /cannot deliver.*webhook_url.*Connection refused.*1 wait/);
});

test('an address that Telegram refuses is named with what it must be, and a wrong token is fatal', async (t) => {
  const { server, begin } = await line(t);
  const description = 'Bad Request: bad webhook: An HTTPS URL must be provided for webhook';
  server.fail(1, { mode: 'code', code: 400, description }, 'setWebhook');
  const rig = begin();
  await rig.state('degraded', /does not take webhook_url.*HTTPS.*443, 80, 88 or 8443/);
  await rig.state('connected');
  const wrong = telegramRig(
    { apiRoot: server.apiRoot, botToken: '4242:no-such-bot' },
    { webhook: { url: 'http://x' } },
  );
  t.after(() => wrong.close());
  wrong.start();
  await wrong.state('fatal', /BotFather/);
});

test('from polling to webhook and back nothing is lost', async (t) => {
  const { server, begin } = await line(t);
  const heard: string[] = [];
  for (const polling of [true, false, true, false]) {
    const rig = begin({ polling });
    const text = `m${heard.length}`;
    server.inject({ chatId: 7, text });
    await rig.sink.until(() => rig.sink.texts().includes(text));
    await server.until(() => server.pending() === 0);
    heard.push(...rig.sink.texts());
    await rig.close();
  }
  assert.deepEqual(heard, ['m0', 'm1', 'm2', 'm3']);
  assert.deepEqual(server.violations, []);
});

test('a pressed button is acknowledged after its commit', async (t) => {
  const { server, begin } = await line(t);
  const rig = begin();
  await rig.state('connected');
  rig.sink.broken = 1;
  server.press({ chatId: '7', messageId: 5, threadId: null }, '/approve 1');
  await server.until(() => [...server.presses.values()].every(Boolean));
  const [event] = rig.sink.events.values();
  assert.deepEqual([event?.kind, event?.text, event?.native, rig.sink.commits], ['action', '/approve 1', '5', 2]);
});
