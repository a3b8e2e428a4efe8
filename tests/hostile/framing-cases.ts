import assert from 'node:assert/strict';
import { ask, raw } from '../support/raw.ts';
import { chat, chatHead, expectStatus, head, hostileCase, type HostileCase } from './case.ts';

export const framingCases: readonly HostileCase[] = [
  hostileCase('H-17', 'ambiguous message framing (request smuggling)', async (target) => {
    const start = chatHead(target);
    const chunked = 'Transfer-Encoding: chunked\r\n';
    const bad: Record<string, string> = {
      'CL and TE': `${start}Content-Length: 4\r\n${chunked}\r\n0\r\n\r\n`,
      xchunked: `${start}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
      'TE with a space': `${start}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
      'two lengths': `${start}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x`,
      'negative length': `${start}Content-Length: -1\r\n\r\n`,
      'signed length': `${start}Content-Length: +2\r\n\r\n{}`,
      'chunk overflow': `${start}${chunked}\r\nffffffffffffffffff\r\n`,
      'line feeds only': 'GET /health HTTP/1.1\nHost: 127.0.0.1\n\n',
      'folded header': `${start}X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}`,
      'NUL in a header': `${start}X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}`,
    };
    for (const [name, bytes] of Object.entries(bad)) {
      const answer = await raw(target, bytes);
      assert.ok(
        answer.closed && answer.statuses.length <= 1 && (answer.statuses[0] ?? 400) === 400,
        `${name}: ${answer.statuses.join()} closed ${answer.closed}`,
      );
    }
  }),
  hostileCase('H-17b', 'a chunk extension of 40 KB', async (target) => {
    const answer = await raw(
      target,
      `${chatHead(target)}Transfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(40_000)}\r\n{}\r\n0\r\n\r\n`,
    );
    assert.ok(answer.closed && [400, 413].includes(answer.statuses[0] ?? 0), answer.statuses.join());
  }),
  hostileCase('H-18', 'too large and too many headers', async (target) => {
    const many = Array.from({ length: 3000 }, (_, i) => `X-${i}: 1\r\n`).join('');
    for (const headers of [
      `X-Long: ${'a'.repeat(17_000)}\r\n`,
      many,
      Array.from({ length: 150 }, (_, i) => `X-${i}: 1\r\n`).join(''),
    ]) {
      const answer = await raw(target, `${head(target, 'GET', '/api/v1/status')}${headers}\r\n`);
      assert.equal(answer.statuses[0], 431);
    }
    const url = await raw(target, `${head(target, 'GET', `/${'a'.repeat(70_000)}`)}\r\n`);
    assert.equal(url.statuses[0], 431);
  }),
  hostileCase('H-19', 'methods nobody asked for', async (target) => {
    for (const method of ['TRACE', 'FOO', 'PUT', 'PATCH']) {
      const answer = await raw(target, `${head(target, method, '/api/v1/status')}Connection: close\r\n\r\n`);
      assert.ok(
        answer.closed && answer.statuses.every((status) => [400, 404, 405].includes(status)),
        `${method}: ${answer.statuses.join()}`,
      );
    }
    for (const bytes of [
      'CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]) {
      const answer = await raw(target, bytes);
      assert.ok(answer.closed && answer.statuses.every((status) => status >= 400));
    }
  }),
  hostileCase('H-21', 'ids and keys that climb, hide or are not text', async (target) => {
    for (const id of [
      '%00',
      '.',
      '..',
      '%2e%2e',
      '..%2f..%2fetc',
      'a%2Fb',
      'a%5cb',
      '%c0%ae',
      '%zz',
      '%',
      'x'.repeat(129),
      '%ff',
      '-',
      '%0a',
      '%ef%bd%a1%ef%bd%a1',
    ]) {
      const answer = await raw(target, `${head(target, 'GET', `/api/v1/sessions/${id}`)}Connection: close\r\n\r\n`);
      assert.deepEqual(answer.statuses, [400], id);
    }
  }),
  hostileCase('H-22', "another person's session is not found, whether it exists or not", async (target) => {
    for (const path of ['/api/v1/sessions/api:somebody:main', '/api/v1/sessions/api:somebody:main/messages']) {
      expectStatus(await ask(target, { path, token: target.tokens.read }), [404]);
    }
    const body = JSON.stringify({ text: 'hi', session: 'api:somebody:main' });
    expectStatus(await ask(target, { path: chat, token: target.tokens.send, body }), [404]);
  }),
];
