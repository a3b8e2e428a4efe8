import assert from 'node:assert/strict';
import { ask, from, raw } from '../support/raw.ts';
import { chat, expectStatus, hostileCase, type HostileCase, say } from './case.ts';

const mutating = [
  '/chat',
  '/message',
  '/files',
  '/sessions/main/reset',
  '/runs/run_1/abort',
  '/dead/x/retry',
  '/tokens',
  '/channels/telegram:main/stop',
  '/config/reload',
  '/nothing-here',
];

export const authenticationCases: readonly HostileCase[] = [
  hostileCase('H-01', 'changing routes without a token, known or not, answer alike', async (target) => {
    const bodies = new Set<string>();
    for (const path of mutating) {
      const answer = await ask(target, { path: `/api/v1${path}`, body: '{}' });
      expectStatus(answer, [401], path);
      assert.match(String(answer.headers['www-authenticate']), /^Bearer/);
      bodies.add(answer.text.replace(/req_\w+/, ''));
    }
    assert.equal(bodies.size, 1);
  }),
  hostileCase('H-02', 'empty and placeholder tokens', async (target) => {
    for (const value of [
      'Bearer',
      'Bearer ',
      'Bearer   ',
      'Bearer undefined',
      'Bearer null',
      'Basic YTpi',
      'undefined',
    ]) {
      expectStatus(
        await ask(target, { path: '/api/v1/status', headers: { authorization: value }, localAddress: from(2) }),
        [401],
        value,
      );
    }
  }),
  hostileCase('H-03', 'tokens that are nearly right', async (target) => {
    const { admin } = target.tokens;
    const flipped = (admin.startsWith('a') ? 'b' : 'a') + admin.slice(1);
    for (const token of [flipped, admin.slice(0, -1), `${admin}x`, admin.toUpperCase(), admin.slice(0, 8)]) {
      expectStatus(await ask(target, { path: '/api/v1/status', token, localAddress: from(3) }), [401]);
    }
  }),
  hostileCase('H-05', 'tokens of a megabyte, with NUL, line breaks and emoji', async (target) => {
    const long = await raw(
      target,
      `GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${'a'.repeat(1_000_000)}\r\n\r\n`,
    );
    assert.ok(long.statuses.every((status) => [400, 401, 431].includes(status)) && long.closed);
    for (const token of ['a\0b', '\u00f0\u009f\u0098\u0080'.repeat(8), 'x'.repeat(600)]) {
      const answer = await raw(
        target,
        `GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`,
        { localAddress: from(4) },
      );
      assert.ok(answer.statuses.length === 1 && [400, 401].includes(answer.statuses[0] ?? 0), answer.statuses.join());
    }
  }),
  hostileCase('H-07', 'tokens in the URL and in cookies', async (target) => {
    const { admin } = target.tokens;
    for (const path of [
      `/api/v1/status?token=${admin}`,
      `/api/v1/status?access_token=${admin}`,
      `/api/v1/${admin}/status`,
    ]) {
      expectStatus(await ask(target, { path }), [401]);
    }
    expectStatus(await ask(target, { path: '/api/v1/status', headers: { cookie: `token=${admin}` } }), [401]);
  }),
  hostileCase('H-08', 'a token cannot do more than its scope', async (target) => {
    const { read, send } = target.tokens;
    expectStatus(await ask(target, { path: chat, body: say('hi'), token: read }), [403]);
    expectStatus(
      await ask(target, { path: '/api/v1/tokens', body: '{"name":"x","scopes":["admin"]}', token: send }),
      [403],
    );
    expectStatus(
      await ask(target, {
        path: '/api/v1/config/reload',
        method: 'POST',
        token: send,
        headers: { 'x-scopes': 'admin' },
      }),
      [403],
    );
    expectStatus(await ask(target, { path: '/api/v1/nothing-here', method: 'POST', token: read }), [403]);
  }),
  hostileCase('H-09', 'a rotated token is refused at once', async (target) => {
    const { admin } = target.tokens;
    const made = await ask(target, {
      path: '/api/v1/tokens',
      token: admin,
      body: '{"name":"short-lived","scopes":["read"]}',
    });
    expectStatus(made, [201]);
    const { id, token: old } = made.json as { id: string; token: string };
    expectStatus(await ask(target, { path: '/api/v1/status', token: old }), [200]);
    expectStatus(await ask(target, { path: `/api/v1/tokens/${id}/rotate`, method: 'POST', token: admin }), [200]);
    expectStatus(await ask(target, { path: '/api/v1/status', token: old, localAddress: from(5) }), [401]);
  }),
  hostileCase('H-11', 'the eleventh wrong token from an address is told to wait; others are not', async (target) => {
    let last = await ask(target, {
      path: '/api/v1/status',
      token: 'wrong-token-number-00000000',
      localAddress: from(6),
    });
    for (let i = 1; i <= 10; i++) {
      last = await ask(target, {
        path: '/api/v1/status',
        token: `wrong-token-number-${i}0000000`,
        localAddress: from(6),
      });
    }
    expectStatus(last, [429]);
    assert.match(String(last.headers['retry-after']), /^[1-9]\d*$/);
    expectStatus(await ask(target, { path: '/api/v1/status', token: target.tokens.admin }), [200]);
  }),
];
