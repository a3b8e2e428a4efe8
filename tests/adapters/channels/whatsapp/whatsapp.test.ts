import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { type ApiFailure, WhatsAppApi } from '../../../../src/adapters/channels/whatsapp/api.ts';
import { Echoes } from '../../../../src/adapters/channels/whatsapp/echoes.ts';
import { translate } from '../../../../src/adapters/channels/whatsapp/inbound.ts';
import { failedOutcome } from '../../../../src/adapters/channels/whatsapp/outcome.ts';
import { messageOf } from '../../../../src/adapters/channels/whatsapp/outgoing.ts';
import { maxText, measure, render } from '../../../../src/adapters/channels/whatsapp/render.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import type { HttpRequest } from '../../../../src/core/ports/http-client.ts';
import type { OutboundPart } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { splitRich } from '../../../../src/core/split.ts';
import { Listener } from '../../../support/listener.ts';
import { ask } from '../../../support/raw.ts';
import { WhatsAppCounterpart } from '../../../support/whatsapp-counterpart.ts';
import { readAs } from '../../../support/whatsapp-reader.ts';

const forever = new AbortController().signal;
const conversation = { channel: 'whatsapp', account: 'main', native: '491701234567' };
const part = (text: string, more: Partial<OutboundPart> = {}): OutboundPart => ({
  idempotencyKey: 'run_1:0',
  conversation,
  body: plainText(text),
  ...more,
});

async function open(t: TestContext): Promise<{ counterpart: WhatsAppCounterpart; listener: Listener }> {
  const counterpart = await WhatsAppCounterpart.open();
  t.after(() => counterpart.close());
  const listener = new Listener(t, counterpart);
  await listener.begin();
  return { counterpart, listener };
}

/** Until what happens by itself has happened. */
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 4000 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(holds());
}

describe('the hook', () => {
  const ask_ = async (counterpart: WhatsAppCounterpart, query: Record<string, string>) =>
    ask(
      { host: '127.0.0.1', port: counterpart.caller.door.port },
      { path: `/hooks/whatsapp/main?${new URLSearchParams(query).toString()}` },
    );

  test('answers the question of the dashboard with its challenge, and only who knows the verify token', async (t) => {
    const { counterpart } = await open(t);
    const right = {
      'hub.mode': 'subscribe',
      'hub.verify_token': counterpart.verifyToken,
      'hub.challenge': '1158201444',
    };
    const answer = await ask_(counterpart, right);
    assert.deepEqual([answer.status, answer.text], [200, '1158201444']);
    assert.match(String(answer.headers['content-type']), /^text\/plain/);
    for (const wrong of [
      {},
      { ...right, 'hub.verify_token': 'guess' },
      { ...right, 'hub.verify_token': '' },
      { ...right, 'hub.mode': 'unsubscribe' },
    ])
      assert.equal((await ask_(counterpart, wrong)).status, 401);
    const script = await ask_(counterpart, { ...right, 'hub.challenge': '<script>alert(1)</script>' });
    assert.equal(script.status, 400);
    assert.ok(!script.text.includes('script'));
  });

  test('believes nothing that the app secret did not sign, and commits nothing of it', async (t) => {
    const { counterpart, listener } = await open(t);
    const news = counterpart.notification({
      messages: [{ from: '1234567', id: 'wamid.x', timestamp: '1', type: 'text', text: { body: 'hi' } }],
    });
    assert.equal((await counterpart.tell(news, 'another-secret')).status, 401);
    const unsigned = { path: '/hooks/whatsapp/main', body: JSON.stringify(news), headers: () => ({}) };
    assert.equal((await counterpart.caller.once(unsigned)).status, 401);
    assert.equal(listener.offered.length, 0);
    assert.match(listener.channel?.health().detail ?? '', /not signed with the app secret/);
  });

  test('asks for another delivery while the store cannot commit, and takes back its word with the next commit', async (t) => {
    const { counterpart, listener } = await open(t);
    listener.failures = 1;
    const news = counterpart.notification({
      messages: [{ from: '1234567', id: 'wamid.x', timestamp: '1', type: 'text', text: { body: 'hi' } }],
    });
    assert.equal((await counterpart.tell(news)).status, 503);
    assert.equal(listener.channel?.health().state, 'degraded');
    assert.equal((await counterpart.tell(news)).status, 200);
    assert.equal(listener.channel?.health().state, 'connected');
    assert.equal(listener.committed.length, 1);
  });

  test('does not ask again for what it cannot understand: it counts it', async (t) => {
    const { counterpart, listener } = await open(t);
    const strange = [
      'not json',
      '[]',
      '{"object":"page"}',
      '{"object":"whatsapp_business_account","entry":[{"changes":[{}]}]}',
    ];
    for (const body of strange) assert.equal((await counterpart.tell(body)).status, 200);
    assert.equal(listener.offered.length, 0);
    assert.equal(listener.malformed.length, 3);
  });
});

describe('what Meta tells', () => {
  const context = { account: 'main', number: '106540352242922' };
  const about = { from: '491701234567', id: 'wamid.A', timestamp: '1739321024' };
  const told = (message: object, more: object = {}, number = context.number) =>
    translate(
      {
        object: 'whatsapp_business_account',
        entry: [
          {
            changes: [
              {
                field: 'messages',
                value: {
                  metadata: { phone_number_id: number },
                  contacts: [{ profile: { name: 'Ada' }, wa_id: '491701234567' }],
                  messages: [{ ...about, ...message }],
                  ...more,
                },
              },
            ],
          },
        ],
      },
      context,
    );
  const event = (message: object) => {
    const { events, malformed } = told(message);
    assert.deepEqual(malformed, []);
    const [only] = events;
    assert.ok(only !== undefined);
    return only;
  };

  test('a text is a message of its sender, named by its wamid', () => {
    assert.deepEqual(event({ type: 'text', text: { body: 'hello' } }), {
      dedupe: 'message:wamid.A',
      kind: 'message',
      conversation,
      native: 'wamid.A',
      sender: { native: '491701234567', display: 'Ada', isBot: false },
      chat: { type: 'direct', addressed: true },
      text: 'hello',
      attachments: [],
      occurredAt: 1_739_321_024_000,
    });
    assert.equal(event({ type: 'text', text: { body: 'x' }, context: { forwarded: true } }).forwarded, true);
    assert.equal(event({ type: 'text', text: { body: 'x' }, context: { frequently_forwarded: true } }).forwarded, true);
  });

  test('files come with their words, a voice note with its type without parameters', () => {
    const image = event({ type: 'image', image: { id: '1', mime_type: 'image/jpeg', caption: 'look' } });
    assert.deepEqual(
      [image.text, image.attachments],
      ['look', [{ native: '1', mimeType: 'image/jpeg', name: 'image' }]],
    );
    const voice = event({ type: 'audio', audio: { id: '2', mime_type: 'audio/ogg; codecs=opus', voice: true } });
    assert.deepEqual(voice.attachments, [{ native: '2', mimeType: 'audio/ogg', name: 'voice message' }]);
    const document = event({ type: 'document', document: { id: '3', mime_type: 'nonsense', filename: 'a.pdf' } });
    assert.deepEqual(document.attachments, [{ native: '3', mimeType: 'application/octet-stream', name: 'a.pdf' }]);
  });

  test('a pressed button is its command, under the message that held it', () => {
    const pressed = { type: 'button_reply', button_reply: { id: '/pair approve 7', title: 'Approve' } };
    const action = event({ type: 'interactive', interactive: pressed, context: { id: 'wamid.OURS' } });
    assert.deepEqual([action.kind, action.text, action.native], ['action', '/pair approve 7', 'wamid.OURS']);
    const list = { type: 'list_reply', list_reply: { id: '/model x', title: 'X' } };
    assert.equal(event({ type: 'interactive', interactive: list }).text, '/model x');
  });

  test('a reaction names the message it stands under, and none when it was taken back', () => {
    const given = event({ type: 'reaction', reaction: { message_id: 'wamid.OURS', emoji: '👍' } });
    assert.deepEqual(
      [given.kind, given.native, given.text, given.dedupe],
      ['reaction', 'wamid.OURS', '👍', 'message:wamid.A'],
    );
    assert.equal(event({ type: 'reaction', reaction: { message_id: 'wamid.OURS' } }).text, '');
  });

  test('places and contacts are words', () => {
    const place = { latitude: 52.5, longitude: 13.4, name: 'Office', address: 'Main Street 1' };
    assert.equal(event({ type: 'location', location: place }).text, '[location] Office; Main Street 1; 52.5, 13.4');
    const contacts = [{ name: { formatted_name: 'Bob' }, phones: [{ phone: '+1 555' }] }];
    assert.equal(event({ type: 'contacts', contacts }).text, '[contact] Bob, +1 555');
  });

  test('somebody who shows no number is known by the id of the business', () => {
    const { events } = told({
      from: undefined,
      from_user_id: 'US.13491208655302741918',
      type: 'text',
      text: { body: 'hi' },
    });
    assert.equal(events[0]?.conversation.native, 'US.13491208655302741918');
  });

  test('what is for another number of the app is not ours, and not malformed', () => {
    assert.deepEqual(told({ type: 'text', text: { body: 'x' } }, {}, '999'), {
      events: [],
      statuses: [],
      malformed: [],
    });
  });

  test('one message that is not understood does not lose its neighbours', () => {
    const good = { ...about, id: 'wamid.B', type: 'text', text: { body: 'fine' } };
    const strange: object[] = [
      { ...about, type: 'hologram' },
      { ...about, type: 'text' },
      { ...about, id: '', type: 'text', text: { body: 'x' } },
      { ...about, from: '../etc', type: 'text', text: { body: 'x' } },
      { ...about, timestamp: 'soon', type: 'text', text: { body: 'x' } },
      { ...about, group_id: 'g', type: 'text', text: { body: 'x' } },
      { ...about, type: 'image', image: {} },
      { ...about, type: '__proto__' },
    ];
    const { events, malformed } = told({}, { messages: [...strange, good] });
    assert.deepEqual(
      events.map(({ text }) => text),
      ['fine'],
    );
    assert.equal(malformed.length, strange.length);
  });

  test('nothing that could be sent makes it throw', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.jsonValue({ maxDepth: 4 }), (json, message) => {
        translate(json, context);
        told(message as object);
        told({}, { messages: message, statuses: message, contacts: message });
      }),
    );
  });
});

describe('what is sent', () => {
  test('typing marks the newest message as read and shows under it; without one nothing is asked', async (t) => {
    const { counterpart, listener } = await open(t);
    const { channel } = listener;
    await channel?.typing?.(conversation, forever);
    assert.equal(counterpart.server.read.length, 0);
    await counterpart.say('first');
    const id = await counterpart.say('second');
    await channel?.typing?.(conversation, forever);
    assert.deepEqual(counterpart.server.read, [{ id, typing: true }]);
  });

  test('buttons are reply buttons where they fit and lines of text where they do not', async (t) => {
    const { counterpart, listener } = await open(t);
    await counterpart.say('hi');
    const buttons = [
      { label: 'Approve', command: '/pair approve 7' },
      { label: 'A label that is much too long for it', command: '/pair reject 7' },
    ];
    const send = (text: string, many = buttons) =>
      listener.channel?.send(part(text, { body: { ...plainText(text), buttons: many } }), forever);
    assert.ok((await send('May Ada talk?'))?.ok);
    assert.ok((await send('x'.repeat(1025)))?.ok);
    assert.ok((await send('many', [...buttons, ...buttons.map((each, n) => ({ ...each, label: `n${n}` }))]))?.ok);
    const [fitting, long, many] = counterpart.server.sent;
    assert.equal(fitting?.type, 'interactive');
    const { action } = (fitting?.wire['interactive'] ?? {}) as { action?: unknown };
    assert.deepEqual(action, {
      buttons: [
        { type: 'reply', reply: { id: '/pair approve 7', title: 'Approve' } },
        { type: 'reply', reply: { id: '/pair reject 7', title: 'A label that is much' } },
      ],
    });
    assert.match(long?.words ?? '', /\nApprove: \/pair approve 7\n/);
    assert.equal(many?.type, 'text');
  });

  test('a file goes as what WhatsApp shows, else as a document with its name and words', () => {
    const sent = (mimeType: string, size: number, text: string) =>
      messageOf(
        part('', { body: { ...plainText(text), file: { id: 'f', mimeType, size, name: 'n.x' } } }),
        'cb',
        'M',
      ) as Record<string, unknown>;
    assert.deepEqual(sent('image/png', 1000, 'look')['image'], { id: 'M', caption: 'look' });
    assert.deepEqual(sent('image/png', 6_000_000, 'look')['document'], { id: 'M', caption: 'look', filename: 'n.x' });
    assert.deepEqual(sent('image/webp', 1000, '')['document'], { id: 'M', filename: 'n.x' });
    assert.deepEqual(sent('audio/ogg', 1000, '')['audio'], { id: 'M' });
    assert.deepEqual(sent('audio/ogg', 1000, 'words')['document'], { id: 'M', caption: 'words', filename: 'n.x' });
    assert.deepEqual(sent('video/mp4', 1000, '')['video'], { id: 'M' });
  });

  test('an upload that fails is no message: the part is certainly not there', async (t) => {
    const { counterpart, listener } = await open(t);
    await counterpart.say('hi');
    const { http } = counterpart.server.server;
    const handlers = http.listeners('request');
    http.removeAllListeners('request');
    http.on('request', (request, response) => {
      if (request.url?.endsWith('/media') === true) request.socket.destroy();
      else for (const handle of handlers) Reflect.apply(handle, http, [request, response]);
    });
    const file = new Uint8Array(10);
    const body = { ...plainText('x'), file: { id: 'f', mimeType: 'application/pdf', size: 10 } };
    const outcome = await listener.channel?.send(part('', { body, file }), forever);
    assert.ok(outcome !== undefined && !outcome.ok && outcome.kind === 'transient', JSON.stringify(outcome));
    assert.equal(counterpart.sends(), 0);
  });

  test('outside of 24 hours it is refused in words that say why', async (t) => {
    const { listener } = await open(t);
    const outcome = await listener.channel?.send(part('hello?'), forever);
    assert.ok(outcome !== undefined && !outcome.ok && outcome.kind === 'refused');
    assert.equal(outcome.code, 'window_closed');
    assert.match(outcome.detail, /24 hours/);
  });

  test('a failure that comes later is told in health and log until something arrives again', async (t) => {
    const { counterpart, listener } = await open(t);
    await until(() => listener.channel?.health().identity === '+1 555-0100 Clanker');
    const status = (state: string, errors: object[] = []) =>
      counterpart.tell(
        counterpart.notification({
          statuses: [{ id: 'wamid.OURS', status: state, timestamp: '1', recipient_id: '1', errors }],
        }),
      );
    await status('failed', [{ code: 131_047, title: 'Re-engagement message', error_data: { details: 'too late' } }]);
    assert.match(listener.channel?.health().detail ?? '', /not delivered: More than 24 hours/);
    assert.ok(listener.log.lines.some(({ level, fields }) => level === 'warn' && fields['code'] === 131_047));
    await status('delivered');
    assert.equal(listener.channel?.health().detail, '');
    assert.equal(listener.offered.length, 0);
  });

  test('a token that Meta does not know is shown at once, with what to do', async (t) => {
    const { counterpart, listener } = await open(t);
    await until(() => listener.channel?.health().identity !== '/hooks/whatsapp/main');
    await listener.end();
    Object.assign(counterpart.server, { token: 'another' });
    const good = counterpart.channel.bind(counterpart);
    counterpart.channel = async () => {
      Object.assign(counterpart.server, { token: 'an-outdated-token' });
      const channel = await good();
      Object.assign(counterpart.server, { token: 'the-new-token' });
      return channel;
    };
    const channel = await listener.begin();
    await until(() => channel.health().state === 'fatal');
    assert.match(channel.health().detail, /set access_token/);
    // It still listens: what people write is not lost meanwhile.
    await counterpart.say('are you there?');
    await listener.message('are you there?');
  });

  test('a token that is revoked later shows when it is used, and not longer than it is', async (t) => {
    const { counterpart, listener } = await open(t);
    const { channel } = listener;
    await counterpart.say('hi');
    await until(() => channel?.health().identity !== '/hooks/whatsapp/main');
    counterpart.fault('bad_token');
    await channel?.send(part('one'), forever);
    assert.equal(channel?.health().state, 'fatal');
    await counterpart.tell(counterpart.notification({ statuses: [{ id: 'wamid.OLD', status: 'delivered' }] }));
    assert.equal(channel?.health().state, 'fatal', 'an earlier message says nothing of the token');
    assert.ok((await channel?.send(part('two'), forever))?.ok);
    assert.equal(channel?.health().state, 'connected');
  });

  test('the token is shown to nobody but Meta, whatever address an answer names', async () => {
    const asked: string[] = [];
    const http = {
      request: ({ url, headers }: HttpRequest) => {
        assert.equal(headers?.['authorization'], 'Bearer the-token');
        asked.push(url);
        return Promise.reject(new Error('far enough'));
      },
    };
    const about = { root: 'https://graph.facebook.com/v23.0', number: '1', token: new Secret('the-token') };
    const api = new WhatsAppApi(http, about);
    const metas = ['https://lookaside.fbsbx.com/a', 'https://graph.facebook.com/v23.0/x', 'https://mmg.whatsapp.net/x'];
    for (const url of metas) await assert.rejects(api.download(url, forever) ?? Promise.resolve());
    assert.deepEqual(asked, metas);
    for (const url of [
      'http://lookaside.fbsbx.com/a',
      'https://evilfbsbx.com/a',
      'https://fbsbx.com.evil.test/a',
      'https://evil.test/fbsbx.com',
      'https://fbsbx.com@evil.test/a',
      'http://169.254.169.254/latest',
      'file:///etc/passwd',
      '',
    ])
      assert.equal(api.download(url, forever), null, url);
  });
});

describe('what a failure means', () => {
  const failure = (status: number, code: number | null, more: Partial<ApiFailure> = {}): ApiFailure => ({
    ok: false,
    status,
    code,
    description: 'words',
    accepted: status === 0 || status >= 500 ? 'maybe' : 'no',
    retryAfterMs: null,
    ...more,
  });
  const kind = (...about: Parameters<typeof failure>): string => {
    const outcome = failedOutcome(failure(...about));
    if (outcome.kind === 'rate_limited') return `${outcome.scope} ${outcome.retryAfterMs}`;
    return outcome.kind === 'refused' ? outcome.code : outcome.kind;
  };

  test('every code has its outcome', () => {
    assert.equal(kind(400, 131_047), 'window_closed');
    assert.equal(kind(400, 131_026), 'unreachable');
    assert.equal(kind(400, 131_030), 'not_listed');
    assert.equal(kind(400, 131_056), 'conversation 6000');
    assert.equal(kind(429, 130_429), 'account 5000');
    assert.equal(kind(400, 130_429, { retryAfterMs: 30_000 }), 'account 30000');
    assert.equal(kind(400, 80_007), 'account 5000');
    assert.equal(kind(400, 131_048), 'account 600000');
    for (const code of [0, 190]) assert.equal(kind(400, code), 'bad_token');
    assert.equal(kind(401, null), 'bad_token');
    for (const code of [3, 10, 200, 299]) assert.equal(kind(400, code), 'forbidden');
    assert.equal(kind(403, null), 'forbidden');
    assert.equal(kind(400, 100), 'bad_request');
    assert.equal(kind(404, null), 'bad_request');
    for (const code of [2, 131_016, 131_057]) assert.equal(kind(503, code), 'transient');
    assert.equal(kind(500, 131_000), 'ambiguous');
    assert.equal(kind(502, null), 'ambiguous');
    assert.equal(kind(0, null), 'ambiguous');
    assert.equal(kind(0, null, { accepted: 'no' }), 'unreachable');
  });
});

describe('markup', () => {
  const markdown = createMarkdown();
  const shown = (source: string): string => render(markdown.parse(source)).replaceAll('\u200B', '');

  test('is that of WhatsApp', () => {
    assert.equal(shown('# Head\n\n**b** *i* ~~s~~ `c`'), 'Head\n\n*b* _i_ ~s~ `c`'.replace('Head', '*Head*'));
    assert.equal(shown('> one\n> **two**'), '> one\n> *two*');
    assert.equal(shown('```js\nlet a = `x`;\n```').includes('```'), false, 'a fence cannot hold a fence');
    assert.equal(shown('```js\nlet a = *x*;\n```'), '```\nlet a = *x*;\n```');
    assert.equal(shown('[docs](https://a.test/_x_)'), 'docs (https://a.test/_x_)');
    // Beside a letter marks are characters: better no emphasis than stars.
    assert.equal(shown('foo**bar**baz'), 'foobarbaz');
  });

  test('an address in the text stays whole', () => {
    const text = 'https://a.test/~anna/_private_/*x* and *this*';
    assert.ok(render(plainText(text)).startsWith('https://a.test/~anna/_private_/*x* '));
  });

  test('whatever is plain is read as it was written', () => {
    const words = fc.array(
      fc.constantFrom('*', '_', '~', '`', '```', ' ', '\n', 'a', 'é', '1', '. ', '> ', '- ', '(', '.', '👍'),
      {
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(words, (pieces) => {
        const text = pieces.join('');
        assert.equal(
          readAs(render(plainText(text)))
            .replaceAll('\u200B', '')
            .trim(),
          text.trim(),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('a part of the promised length fits with its markup', () => {
    const source = markdown.parse('**bold** `code` _it_ 1*2 *x '.repeat(600));
    const parts = splitRich(source, { maxLength: maxText, maxSpans: 1000, measure });
    for (const each of parts) assert.ok(render(each).length <= maxText);
    assert.equal(parts.map(({ text }) => text).join(''), source.text);
  });
});

test('what was heard of sent parts is bounded, and waiting ends with the signal', async () => {
  const echoes = new Echoes();
  for (let i = 0; i < 3000; i++) echoes.heard(`key ${i}`, `id ${i}`);
  assert.equal(await echoes.find('key 2999', 0, forever), 'id 2999');
  assert.equal(await echoes.find('key 0', 0, forever), null);
  const stop = new AbortController();
  const waiting = echoes.find('never', 60_000, stop.signal);
  const both = [echoes.find('soon', 60_000, forever), echoes.find('soon', 60_000, forever)];
  stop.abort();
  assert.equal(await waiting, null);
  echoes.heard('soon', 'id');
  assert.deepEqual(await Promise.all(both), ['id', 'id']);
});
