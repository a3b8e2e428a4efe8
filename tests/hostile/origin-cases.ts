import assert from 'node:assert/strict';
import { ask, codeOf, raw } from '../support/raw.ts';
import { chat, expectStatus, head, hostileCase, type HostileCase, say } from './case.ts';

export const originCases: readonly HostileCase[] = [
  hostileCase('H-10', 'foreign and null origins, reading, writing and asking first', async (target) => {
    for (const origin of ['https://evil.test', 'null', 'http://127.0.0.1.evil.test', 'file://']) {
      for (const asked of [
        { path: '/api/v1/status' },
        { path: chat, body: say('hi') },
        { path: chat, method: 'OPTIONS' },
      ]) {
        const headers = { origin, 'access-control-request-method': 'POST' };
        const answer = await ask(target, { ...asked, headers, token: target.tokens.admin });
        expectStatus(answer, [403], origin);
        assert.equal(codeOf(answer), 'origin_not_allowed');
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
      }
    }
  }),
  hostileCase('H-10b', 'requests that a browser marks as coming from another site', async (target) => {
    for (const site of ['cross-site', 'same-site']) {
      const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' };
      expectStatus(await ask(target, { path: '/api/v1/status', headers, token: target.tokens.admin }), [403]);
      expectStatus(await ask(target, { path: '/health', headers }), [403]);
    }
  }),
  hostileCase('H-13', 'forwarding headers from a proxy on this machine that nobody configured', async (target) => {
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-forwarded-proto']) {
      const answer = await ask(target, {
        path: '/api/v1/status',
        token: target.tokens.admin,
        headers: { [name]: '203.0.113.9' },
      });
      expectStatus(answer, [403], name);
      assert.equal(codeOf(answer), 'proxy_not_configured');
    }
  }),
  hostileCase('H-15', 'foreign host names (DNS rebinding)', async (target) => {
    for (const host of ['evil.test', 'rebind.test:18789', 'localhost.evil.test', '127.0.0.1.evil.test']) {
      const answer = await ask(target, { path: '/api/v1/status', headers: { host }, token: target.tokens.admin });
      expectStatus(answer, [421], host);
      assert.equal(codeOf(answer), 'host_not_allowed');
    }
  }),
  hostileCase('H-15b', 'absolute-form targets', async (target) => {
    const answer = await raw(target, `${head(target, 'GET', 'http://evil.test/health')}\r\n`, { answers: 1 });
    assert.deepEqual(answer.statuses, [421]);
  }),
  hostileCase('H-15c', 'no Host, two Hosts, Hosts that are none', async (target) => {
    for (const hosts of [
      '',
      'Host: 127.0.0.1\r\nHost: evil.test\r\n',
      'Host: 127.0.0.1, evil.test\r\n',
      'Host: a b\r\n',
      'Host: user@127.0.0.1\r\n',
    ]) {
      const answer = await raw(target, `GET /health HTTP/1.1\r\n${hosts}\r\n`, { answers: 1 });
      assert.deepEqual(answer.statuses, [400], JSON.stringify(hosts));
    }
  }),
];
