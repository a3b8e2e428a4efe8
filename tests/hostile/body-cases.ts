import assert from 'node:assert/strict';
import { ask, codeOf, raw } from '../support/raw.ts';
import { chat, chatHead, expectStatus, hostileCase, type HostileCase, say } from './case.ts';

export const bodyCases: readonly HostileCase[] = [
  hostileCase('H-25', 'bodies over the limit are refused before they are read', async (target) => {
    const declared = await raw(target, `${chatHead(target)}Content-Length: 262145\r\n\r\n{`, { answers: 1 });
    assert.deepEqual(declared.statuses, [413]);
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
    const endless = await raw(
      target,
      [`${chatHead(target)}Transfer-Encoding: chunked\r\n\r\n`, ...Array<string>(40).fill(chunk)],
      { answers: 1 },
    );
    assert.deepEqual(endless.statuses, [413]);
  }),
  hostileCase('H-26', 'deep, wide and keyed JSON', async (target) => {
    const inside = (value: string): string => `{"text":"x","deep":${value}}`;
    const keys = `{${Array.from({ length: 12_000 }, (_, i) => `"k${i}":1`).join(',')}}`;
    const expected: [string, string][] = [
      [inside('['.repeat(65) + ']'.repeat(65)), 'too_deep'],
      ['['.repeat(100_000), 'too_deep'],
      ['{"a":'.repeat(2000), 'too_deep'],
      [inside(keys), 'too_many_keys'],
      [inside(`[${'0,'.repeat(110_000)}0]`), 'too_many_items'],
    ];
    for (const [body, code] of expected) {
      const answer = await ask(target, { path: chat, token: target.tokens.send, body });
      expectStatus(answer, [400]);
      assert.equal(codeOf(answer), code);
    }
  }),
  hostileCase('H-24', 'prototype keys', async (target) => {
    for (const body of [
      '{"text":"x","__proto__":{"admin":true}}',
      '{"text":"x","constructor":{"prototype":{"a":1}}}',
      '{"text":"x","\\u005f_proto__":1}',
    ]) {
      expectStatus(await ask(target, { path: chat, token: target.tokens.send, body }), [400]);
    }
  }),
  hostileCase('H-27', 'bodies that are not UTF-8', async (target) => {
    const bad = [
      Buffer.from([0x7b, 0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]),
      Buffer.from('{"text":"\\ud800"}'),
      Buffer.from('\ufeff{"text":"x"}'),
      Buffer.from('{"text":"x"}', 'utf16le'),
      Buffer.from([...Buffer.from('{"text":"'), 0xc0, 0xaf, ...Buffer.from('"}')]),
    ];
    for (const body of bad) expectStatus(await ask(target, { path: chat, token: target.tokens.send, body }), [400]);
  }),
  hostileCase('H-28', 'types that a form on a web page could send', async (target) => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      'application/jsonx',
      'text/json',
    ]) {
      expectStatus(
        await ask(target, { path: chat, token: target.tokens.send, body: say('x'), headers: { 'content-type': type } }),
        [415],
        type,
      );
    }
  }),
  hostileCase('H-29', 'compressed bodies', async (target) => {
    for (const encoding of ['gzip', 'br', 'deflate', 'gzip, gzip']) {
      expectStatus(
        await ask(target, {
          path: chat,
          token: target.tokens.send,
          body: say('x'),
          headers: { 'content-encoding': encoding },
        }),
        [415],
      );
    }
  }),
  hostileCase('H-30', 'wrong types and missing fields are named', async (target) => {
    for (const body of [
      '{"text":123}',
      '{"text":null}',
      '{}',
      '[]',
      '"x"',
      '{"text":"x","extra":1}',
      '{"text":""}',
      '{"text":" \\n\\t "}',
      '',
      '{"text":"x"',
      'null',
    ]) {
      const answer = await ask(target, { path: chat, token: target.tokens.send, body });
      expectStatus(answer, [400], body);
      if (body.startsWith('{"text":123') || body === '{}') assert.match(answer.text, /text/);
      if (body.includes('extra')) assert.match(answer.text, /extra/);
    }
  }),
  hostileCase(
    'H-31',
    'text one character too long; text of joiners and marks within the limit is kept',
    async (target) => {
      expectStatus(
        await ask(target, { path: chat, token: target.tokens.send, body: say('x'.repeat(32_769)) }),
        [400, 413],
      );
      expectStatus(
        await ask(target, { path: chat, token: target.tokens.send, body: say('\u200d'.repeat(350_000)) }),
        [413],
      );
      const marks = `a${'\u0301'.repeat(10_000)}`;
      const session = 'combining-marks';
      expectStatus(
        await ask(target, { path: chat, token: target.tokens.send, body: JSON.stringify({ text: marks, session }) }),
        [200],
      );
      const kept = await ask(target, { path: `/api/v1/sessions/${session}/messages`, token: target.tokens.read });
      assert.equal((kept.json?.['messages'] as { text: string }[] | undefined)?.[0]?.text, marks);
    },
  ),
  hostileCase('H-34', 'messages through channels that are not there', async (target) => {
    const body = JSON.stringify({ channel: 'carrier-pigeon', target: '1', content: 'hi' });
    for (const path of ['/api/v1/message', '/api/message']) {
      const answer = await ask(target, { path, token: target.tokens.send, body });
      assert.ok([403, 404].includes(answer.status), answer.text);
    }
  }),
  hostileCase(
    'H-35',
    'ten repeats with one idempotency key are one message; another body is a conflict',
    async (target) => {
      const headers = { 'idempotency-key': `hostile-${Date.now()}` };
      const asked = { path: chat, token: target.tokens.send, headers };
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(target, { ...asked, body: say('once') })));
      for (const answer of answers) expectStatus(answer, [200]);
      assert.equal(new Set(answers.map(({ json }) => json?.['message_id'])).size, 1);
      const other = await ask(target, { ...asked, body: say('twice') });
      expectStatus(other, [409]);
      assert.equal(codeOf(other), 'idempotency_conflict');
    },
  ),
];
