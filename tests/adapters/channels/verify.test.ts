import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  sameSecret,
  signWebhook,
  toleranceMs,
  type Verification,
  verifyMeta,
  verifySlack,
  verifyTelegram,
  verifyWebhook,
} from '../../../src/adapters/channels/verify.ts';
import { webhookSecretProblem } from '../../../src/adapters/channels/webhook-secret.ts';
import type { HookRequest } from '../../../src/core/ports/channel.ts';
import { Secret } from '../../../src/core/secret.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const request = (body: string | Uint8Array, headers: HookRequest['headers']): HookRequest => ({
  method: 'POST',
  headers,
  query: new URLSearchParams(),
  body: typeof body === 'string' ? bytes(body) : body,
});
const refused = (verification: Verification | ReturnType<typeof verifyWebhook>): void => {
  assert.equal(verification.ok, false);
};

describe('secrets', () => {
  test('only the whole text is equal, and nothing equals an empty expectation', () => {
    assert.ok(sameSecret('abc', 'abc'));
    for (const given of ['ab', 'abcd', 'abC', '', null, undefined]) assert.ok(!sameSecret(given, 'abc'));
    assert.ok(!sameSecret('', ''));
  });

  test('a secret that is no key is refused in words', () => {
    assert.equal(webhookSecretProblem('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'), null);
    assert.match(webhookSecretProblem('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') ?? '', /whsec_/);
    assert.match(webhookSecretProblem('whsec_not base64!') ?? '', /base64/);
    assert.match(webhookSecretProblem('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS') ?? '', /base64/);
    assert.match(webhookSecretProblem('whsec_c2hvcnQ=') ?? '', /5 bytes/);
    assert.match(webhookSecretProblem(`whsec_${'AAAA'.repeat(200)}`) ?? '', /600 bytes/);
  });
});

describe('Standard Webhooks', () => {
  // The test vector of the specification's own libraries.
  const secret = new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  const vector = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  };
  const body = '{"test": 2432232314}';
  const then = 1_614_265_330_000;
  const verify = (headers: HookRequest['headers'], now = then, sent: string | Uint8Array = body) =>
    verifyWebhook(request(sent, headers), [secret], now);

  test('the published vector is verified and made', () => {
    assert.deepEqual(verify(vector), { ok: true, id: vector['webhook-id'], timestamp: 1_614_265_330 });
    const made = signWebhook({ id: vector['webhook-id'], timestamp: 1_614_265_330, body }, secret);
    assert.equal(made, vector['webhook-signature']);
  });

  test('five minutes before and after are taken, a second more is not', () => {
    for (const off of [-toleranceMs, 0, toleranceMs]) assert.ok(verify(vector, then + off).ok, String(off));
    for (const off of [-toleranceMs - 1000, toleranceMs + 1000, then]) refused(verify(vector, then + off));
  });

  test('one right signature among wrong and unknown ones is enough; a right one of another version is not', () => {
    const right = vector['webhook-signature'];
    const many = `v1a,abc v1,${'A'.repeat(43)}= ${right} v2,xyz`;
    assert.ok(verify({ ...vector, 'webhook-signature': many }).ok);
    for (const wrong of ['', ' ', 'v1,', right.slice(3), right.replace('v1,', 'v2,'), right.replace('v1,', 'v1a,')]) {
      refused(verify({ ...vector, 'webhook-signature': wrong }));
    }
  });

  test('both secrets of a rotation are taken, and none but them; without any nothing passes', () => {
    const other = new Secret(`whsec_${Buffer.alloc(32, 7).toString('base64')}`);
    const sent = request(body, vector);
    assert.ok(verifyWebhook(sent, [other, secret], then).ok);
    refused(verifyWebhook(sent, [other], then));
    refused(verifyWebhook(sent, [], then));
    // A secret that is no key would sign with an empty one.
    const empty = `v1,${createHmac('sha256', '').update(`x.1614265330.${body}`).digest('base64')}`;
    const forged = request(body, { ...vector, 'webhook-id': 'x', 'webhook-signature': empty });
    refused(verifyWebhook(forged, [new Secret('whsec_'), new Secret(''), new Secret('whsec_=')], then));
  });

  test('a header that is missing, doubled or not as it should be is refused', () => {
    for (const name of Object.keys(vector)) {
      refused(verify({ ...vector, [name]: undefined }));
      refused(verify({ ...vector, [name]: '' }));
    }
    const twice = `${vector['webhook-id']}, ${vector['webhook-id']}`;
    refused(verify({ ...vector, 'webhook-id': twice }));
    for (const time of [
      '1614265330.0',
      ' 1614265330',
      '+1614265330',
      '01614265330',
      '1e9',
      'NaN',
      '-1',
      '9'.repeat(30),
    ])
      refused(verify({ ...vector, 'webhook-timestamp': time }));
    refused(verify({ ...vector, 'webhook-id': 'x'.repeat(256) }));
  });

  test('no change of any part passes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('id', 'time', 'signature', 'body'),
        fc.nat(200),
        fc.integer({ min: 1, max: 255 }),
        (part, at, flip) => {
          const change = (text: string): string => {
            const changed = bytes(text);
            const i = at % changed.length;
            changed[i] = (changed[i] ?? 0) ^ flip;
            return Buffer.from(changed).toString('latin1');
          };
          const headers = {
            ...vector,
            ...(part === 'id' ? { 'webhook-id': change(vector['webhook-id']) } : {}),
            ...(part === 'time' ? { 'webhook-timestamp': change(vector['webhook-timestamp']) } : {}),
            ...(part === 'signature' ? { 'webhook-signature': change(vector['webhook-signature']) } : {}),
          };
          const sent = part === 'body' ? Buffer.from(change(body), 'latin1') : bytes(body);
          refused(verify(headers, then, sent));
        },
      ),
    );
  });
});

describe('Slack', () => {
  // The example of Slack's documentation.
  const secret = new Secret('8f742231b10e8888abcd99yyyzzz85a5');
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar' +
    '&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com' +
    '%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.' +
    '803a0bc887a14d10d2c447fce8b6703c';
  const headers = {
    'x-slack-request-timestamp': '1531420618',
    'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
  };
  const then = 1_531_420_618_000;

  test('the documented example passes, for five minutes', () => {
    assert.deepEqual(verifySlack(request(body, headers), secret, then), { ok: true });
    assert.ok(verifySlack(request(body, headers), secret, then + toleranceMs).ok);
    refused(verifySlack(request(body, headers), secret, then + toleranceMs + 1000));
    refused(verifySlack(request(body, headers), secret, then - toleranceMs - 1000));
  });

  test('another body, time, version or secret, and an empty one, do not', () => {
    refused(verifySlack(request(`${body} `, headers), secret, then));
    refused(verifySlack(request(body, { ...headers, 'x-slack-request-timestamp': '1531420619' }), secret, then));
    const { 'x-slack-signature': right } = headers;
    for (const signature of [
      undefined,
      '',
      right.slice(3),
      right.toUpperCase(),
      `${right}0`,
      right.replace('v0', 'v1'),
    ])
      refused(verifySlack(request(body, { ...headers, 'x-slack-signature': signature }), secret, then));
    const unkeyed = createHmac('sha256', '').update(`v0:1531420618:${body}`).digest('hex');
    refused(verifySlack(request(body, { ...headers, 'x-slack-signature': `v0=${unkeyed}` }), new Secret(''), then));
  });
});

describe('Meta', () => {
  // The example of the same scheme in GitHub's documentation.
  const secret = new Secret("It's a Secret to Everybody");
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';

  test('the published example passes; another body, scheme, secret or none does not', () => {
    assert.deepEqual(verifyMeta(request('Hello, World!', { 'x-hub-signature-256': signature }), secret), { ok: true });
    refused(verifyMeta(request('Hello, World', { 'x-hub-signature-256': signature }), secret));
    for (const wrong of [
      undefined,
      '',
      signature.slice(7),
      signature.replace('sha256', 'sha1'),
      `${signature}, ${signature}`,
    ])
      refused(verifyMeta(request('Hello, World!', { 'x-hub-signature-256': wrong }), secret));
    // The older header is a SHA-1 and counts for nothing.
    const sha1 = createHmac('sha1', secret.reveal()).update('Hello, World!').digest('hex');
    refused(verifyMeta(request('Hello, World!', { 'x-hub-signature': `sha1=${sha1}` }), secret));
    const unkeyed = createHmac('sha256', '').update('{}').digest('hex');
    refused(verifyMeta(request('{}', { 'x-hub-signature-256': `sha256=${unkeyed}` }), new Secret('')));
  });
});

describe('Telegram', () => {
  test('the secret token passes, and no other, no part of it and no absence', () => {
    const secret = new Secret('a-long_secret-TOKEN');
    const header = (value: string | undefined) => ({ 'x-telegram-bot-api-secret-token': value });
    assert.deepEqual(verifyTelegram(request('{}', header('a-long_secret-TOKEN')), secret), { ok: true });
    for (const wrong of [undefined, '', 'a-long_secret-TOKE', 'A-LONG_SECRET-TOKEN'])
      refused(verifyTelegram(request('{}', header(wrong)), secret));
    refused(verifyTelegram(request('{}', header('')), new Secret('')));
  });
});
