import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { createWebhookChannel } from '../../../../src/adapters/channels/webhook/index.ts';
import { readMessage } from '../../../../src/adapters/channels/webhook/inbound.ts';
import { outcomeOf } from '../../../../src/adapters/channels/webhook/outcome.ts';
import { renderPlain } from '../../../../src/adapters/channels/webhook/render.ts';
import { systemClock } from '../../../../src/adapters/system/index.ts';
import type { Channel, InboundEvent, OutboundPart } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { KeptLog } from '../../../support/door.ts';
import { Listener } from '../../../support/listener.ts';
import { LoopbackServer, type Answered } from '../../../support/loopback-server.ts';
import { hasty, messagePath } from '../../../support/message-path.ts';
import { codeOf } from '../../../support/raw.ts';
import { finish, start as begins, text as says, usage } from '../../../support/scripted-provider.ts';
import { signed, signedHeaders, WebhookCounterpart, webhookSecret } from '../../../support/webhook-counterpart.ts';

const forever = new AbortController().signal;
const message = { text: 'hello', conversation: 'c', sender: 's' };
const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const context = { account: 'orders', id: 'msg_1', timestamp: 1000, filesOrigin: 'https://files.test' };

async function open(t: TestContext): Promise<{ counterpart: WebhookCounterpart; listener: Listener }> {
  const counterpart = await WebhookCounterpart.open();
  t.after(() => counterpart.close());
  const listener = new Listener(t, counterpart);
  await listener.begin();
  return { counterpart, listener };
}

const deliver = (counterpart: WebhookCounterpart, body: string, headers: Record<string, string>) =>
  counterpart.caller.once({ path: '/hooks/orders', body, headers: () => headers });

const partOf = (counterpart: WebhookCounterpart, text: string, more: Partial<OutboundPart> = {}): OutboundPart => ({
  idempotencyKey: 'run_1:0',
  conversation: counterpart.conversation(),
  body: plainText(text),
  ...more,
});

describe('what a webhook takes', () => {
  const body = JSON.stringify(message);

  test('nothing that is unsigned, signed with another secret, or signed too long ago', async (t) => {
    const { counterpart, listener } = await open(t);
    const old = Math.floor(Date.now() / 1000) - 301;
    const late = {
      'webhook-id': 'a',
      'webhook-timestamp': String(old),
      'webhook-signature': signed('a', body, old),
    };
    const now = Math.floor(Date.now() / 1000);
    const other = {
      ...late,
      'webhook-timestamp': String(now),
      'webhook-signature': signed('a', body, now, Buffer.alloc(32)),
    };
    for (const headers of [{}, late, other]) assert.equal((await deliver(counterpart, body, headers)).status, 401);
    assert.equal(listener.offered.length, 0);
    const health = listener.channel?.health();
    assert.equal(health?.state, 'connected');
    assert.match(health?.detail ?? '', /none has passed yet: the header webhook-id is missing/);
    // Said once, however many come.
    assert.equal(listener.log.lines.filter(({ level }) => level === 'warn').length, 1);
    assert.equal((await deliver(counterpart, body, signedHeaders('a', body))).status, 202);
    assert.equal(listener.channel?.health().detail, '');
  });

  test('it is answered only after the commit: a store that cannot take it makes the sender come again', async (t) => {
    const { counterpart, listener } = await open(t);
    listener.failures = 1;
    const failed = await deliver(counterpart, body, signedHeaders('a', body));
    assert.equal(failed.status, 503);
    assert.match(String(failed.headers['retry-after']), /^\d+$/);
    assert.equal(listener.channel?.health().state, 'degraded');
    assert.equal((await deliver(counterpart, body, signedHeaders('a', body))).status, 202);
    assert.equal(listener.channel?.health().state, 'connected');
    assert.equal(listener.committed.length, 1);
    await listener.channel?.stop(1000);
    assert.equal((await deliver(counterpart, body, signedHeaders('b', body))).status, 503);
  });

  test('a message that is not as the contract says is refused by the name of what is wrong, and never committed', async (t) => {
    const { counterpart, listener } = await open(t);
    const cases: [string, RegExp][] = [
      ['', /JSON/],
      ['[]', /object/],
      ['"text"', /object/],
      ['{"text":"x","conversation":"c"}', /sender/],
      ['{"text":1,"conversation":"c","sender":"s"}', /text/],
      ['{"text":"x","conversation":"","sender":"s"}', /conversation/],
      ['{"text":"x","conversation":"c\\u0000","sender":"s"}', /conversation/],
      ['{"text":"x","conversation":"c","sender":"s","admin":true}', /Unknown field .+admin/],
      ['{"text":"x","conversation":"c","sender":"s","__proto__":{}}', /__proto__/],
      ['{"text":"  ","conversation":"c","sender":"s"}', /empty/],
      [JSON.stringify({ ...message, text: 'x'.repeat(32_769) }), /text/],
      [
        JSON.stringify({ ...message, attachments: Array.from({ length: 11 }, () => ({ mime_type: 'a/b', data: '' })) }),
        /attachments/,
      ],
      [
        JSON.stringify({ ...message, attachments: [{ mime_type: 'text/plain', data: 'not base64' }] }),
        /attachments\.0/,
      ],
      [JSON.stringify({ ...message, attachments: [{ mime_type: 'nonsense', data: '' }] }), /attachments\.0/],
      [
        JSON.stringify({ ...message, attachments: [{ mime_type: 'a/b', data: '', url: 'https://x' }] }),
        /attachments\.0/,
      ],
    ];
    for (const [wrong, words] of cases) {
      const answer = await deliver(counterpart, wrong, signedHeaders('a', wrong));
      assert.equal(answer.status, 400, wrong.slice(0, 80));
      assert.match(answer.text, words);
    }
    const invalid = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
    const headers = (): Record<string, string> => signedHeaders('a', invalid);
    assert.equal((await counterpart.caller.once({ path: '/hooks/orders', body: invalid, headers })).status, 400);
    assert.equal(listener.offered.length, 0);
    assert.equal(listener.malformed.length, cases.length + 1);
  });

  test('attachments come with the message or from the host of the webhook, from nowhere else', () => {
    const data = Buffer.from('the bytes').toString('base64');
    const read = (attachment: object, filesOrigin: string | null = context.filesOrigin) =>
      readMessage(bytes({ ...message, attachments: [{ mime_type: 'text/plain', ...attachment }] }), {
        ...context,
        filesOrigin,
      });
    const inline = read({ data, name: 'a.txt' });
    assert.ok(inline.ok);
    assert.deepEqual(inline.event.attachments, [
      { mimeType: 'text/plain', name: 'a.txt', native: `data:${data}`, size: 9 },
    ]);
    assert.ok(read({ url: 'https://files.test/a?b=c' }).ok);
    for (const url of [
      'http://files.test/a',
      'https://files.test:444/a',
      'https://files.test.evil/a',
      'http://169.254.169.254/latest',
      'file:///etc/passwd',
      '//files.test/a',
    ])
      assert.equal(read({ url }).ok, false, url);
    assert.equal(read({ url: 'https://files.test/a' }, null).ok, false);
  });

  test('a repeat is told the same message, another body under its id is a conflict, and each is run once', async (t) => {
    const counterpart = await WebhookCounterpart.open();
    t.after(() => counterpart.close());
    const channel = await counterpart.channel();
    const policy = { access: 'open' as const, users: new Set<string>(), chats: new Set<string>() };
    const path = await messagePath(t, [[begins, says('Answer.'), usage, finish]], { channel, policy });
    t.after(() => channel.stop(1000));
    const rig = { signal: forever, cursors: new Map(), clock: systemClock, log: path.log };
    channel.start(path.ingress.sinkFor('webhook', 'orders'), rig);
    path.attach();
    const first = await deliver(counterpart, body, signedHeaders('a', body));
    assert.equal(first.status, 202);
    const id = first.json?.['message_id'];
    assert.match(String(id), /^msg_/);
    const again = await deliver(counterpart, body, signedHeaders('a', body));
    assert.deepEqual([again.status, again.json], [202, { message_id: id }]);
    const other = body.replace('hello', 'other');
    const conflict = await deliver(counterpart, other, signedHeaders('a', other));
    assert.equal(conflict.status, 409);
    assert.equal(codeOf(conflict), 'idempotency_conflict');
    await path.event('delivery.sent');
    assert.equal(path.provider.hits, 1);
    assert.deepEqual(
      counterpart.posts.map((post) => post.body),
      [{ text: 'Answer.', conversation: 'c', in_reply_to: 'a' }],
    );
  });
});

describe('what a webhook posts', () => {
  test('an answer keeps its id over attempts and is signed anew, with both secrets of a rotation', async (t) => {
    const { counterpart } = await open(t);
    const previous = new Secret(`whsec_${Buffer.alloc(32, 9).toString('base64')}`);
    const channel = createWebhookChannel({
      account: 'orders',
      secrets: [previous, new Secret(webhookSecret)],
      url: counterpart.url,
      maxLength: 1000,
      http: counterpart.http,
      clock: hasty,
    });
    const part = partOf(counterpart, 'hi', { replyTo: 'msg_of_theirs' });
    counterpart.fault('server_error');
    assert.equal((await channel.send(part, forever)).ok, false);
    // The clock of this channel is a hundred times faster, so that its times differ.
    await channel.send(part, forever);
    await channel.send({ ...part, idempotencyKey: 'run_1:1' }, forever);
    const [one, two, three] = counterpart.posts.map(({ headers }) => headers);
    assert.equal(one?.['webhook-id'], two?.['webhook-id']);
    assert.notEqual(one?.['webhook-id'], three?.['webhook-id']);
    assert.ok(!String(one?.['webhook-id']).includes('run_1'));
    assert.equal(String(one?.['webhook-signature']).split(' ').length, 2);
    assert.equal(counterpart.posts[0]?.body.in_reply_to, 'msg_of_theirs');
  });

  test('without a url it receives, says in its health that nothing can be answered, and refuses to send', async (t) => {
    const { counterpart } = await open(t);
    const secrets = [new Secret(webhookSecret)];
    const { http } = counterpart;
    const channel = createWebhookChannel({ account: 'in', secrets, url: null, maxLength: 1000, http, clock: hasty });
    const events: InboundEvent[] = [];
    const sink = { commit: async (batch: InboundEvent[]) => void events.push(...batch), malformed: () => undefined };
    channel.start(sink, { signal: forever, cursors: new Map(), clock: systemClock, log: new KeptLog() });
    counterpart.caller.serve(channel);
    assert.match(channel.health().detail, /set channels\.webhook\.in\.url/);
    await counterpart.say('hello');
    assert.equal(events.length, 1);
    assert.match(channel.health().detail, /set channels\.webhook\.in\.url/);
    const outcome = await channel.send(partOf(counterpart, 'hi'), forever);
    assert.ok(!outcome.ok && outcome.kind === 'refused' && outcome.code === 'no_url');
    await channel.stop(100);
  });

  test('every status has its meaning, and a wait is never shortened', () => {
    const outcome = (status: number, retryAfter?: string) => {
      const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      const found = outcomeOf({ status, headers }, 'ref', Date.UTC(2026, 0, 1));
      if (found.ok) return 'ok';
      if (found.kind === 'rate_limited') return found.retryAfterMs;
      return found.kind === 'refused' ? found.code : found.kind;
    };
    for (const status of [200, 201, 202, 204]) assert.equal(outcome(status), 'ok');
    for (const status of [300, 301, 302, 304, 307, 308]) assert.equal(outcome(status), 'redirect');
    assert.equal(outcome(410), 'gone');
    assert.equal(outcome(401), 'bad_token');
    assert.equal(outcome(403), 'forbidden');
    for (const status of [400, 404, 405, 409, 413, 415, 422]) assert.equal(outcome(status), 'bad_request');
    for (const status of [408, 425]) assert.equal(outcome(status), 'transient');
    for (const status of [500, 502, 503, 504]) assert.equal(outcome(status), 'ambiguous');
    assert.equal(outcome(429), 5000);
    assert.equal(outcome(429, '7'), 7000);
    assert.equal(outcome(503, '120'), 120_000);
    assert.equal(outcome(429, '1.2'), 1200);
    assert.equal(outcome(429, 'Thu, 01 Jan 2026 00:01:00 GMT'), 60_000);
    assert.equal(outcome(429, 'Wed, 31 Dec 2025 00:00:00 GMT'), 0);
    assert.equal(outcome(429, '-5'), 5000);
    assert.equal(outcome(429, 'nonsense'), 5000);
  });

  async function against(
    t: TestContext,
    answer: Answered | 'cut' | 'endless',
  ): Promise<{ channel: Channel; hits: () => number }> {
    let hits = 0;
    const server = await new LoopbackServer(({ response }) => {
      hits += 1;
      if (answer !== 'endless') return answer;
      response.writeHead(200);
      const flow = setInterval(() => response.write('x'.repeat(4096)), 1);
      response.once('close', () => clearInterval(flow));
      return null;
    }).listen();
    t.after(() => server.close());
    const { counterpart } = await open(t);
    const secrets = [new Secret(webhookSecret)];
    const { http } = counterpart;
    const url = `${server.url}/x`;
    const channel = createWebhookChannel({ account: 'x', secrets, url, maxLength: 1000, http, clock: systemClock });
    return { channel, hits: () => hits };
  }
  const somewhere: OutboundPart = {
    idempotencyKey: 'k',
    conversation: { channel: 'webhook', account: 'x', native: 'c' },
    body: plainText('hi'),
  };

  test('a redirect is not followed, not even to the same host', async (t) => {
    const { channel, hits } = await against(t, { status: 307, headers: { location: '/elsewhere' } });
    const outcome = await channel.send(somewhere, forever);
    assert.ok(!outcome.ok && outcome.kind === 'refused' && outcome.code === 'redirect');
    assert.equal(hits(), 1);
  });

  test('an answer that never ends is a success as soon as its status is known', { timeout: 60_000 }, async (t) => {
    const { channel } = await against(t, 'endless');
    assert.ok((await channel.send(somewhere, forever)).ok);
  });

  test('a receiver that is not there certainly took nothing', async (t) => {
    const { channel } = await against(t, 'cut');
    const lost = await channel.send(somewhere, forever);
    assert.ok(!lost.ok && lost.kind === 'ambiguous');
    const { counterpart } = await open(t);
    const deserted = await counterpart.channel();
    await counterpart.receiver.close();
    const absent = await deserted.send(partOf(counterpart, 'hi'), forever);
    assert.ok(!absent.ok && absent.kind === 'unreachable');
  });
});

describe('the text of an answer', () => {
  test('is what the spans stand over, with the addresses of its links', () => {
    const text = 'see the docs and https://a.test now';
    const spans = [
      { style: 'bold' as const, offset: 0, length: 3 },
      { style: 'link' as const, offset: 8, length: 4, url: 'https://docs.test/' },
      { style: 'link' as const, offset: 17, length: 14, url: 'https://a.test' },
    ];
    assert.equal(renderPlain({ text, spans }), 'see the docs (https://docs.test/) and https://a.test now');
  });

  test('without links is the very text, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), fc.nat(20), (text, offset, length) => {
        const spans = offset + length <= text.length && length > 0 ? [{ style: 'bold' as const, offset, length }] : [];
        assert.equal(renderPlain({ text, spans }), text);
      }),
    );
  });
});
