import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ask, dial, raw } from '../support/raw.ts';
import { chatHead, expectClean, expectStatus, head, hostileCase, type HostileCase } from './case.ts';

/** Far from 10 s, as a busy machine is late, and far from the minute after which Node does so by itself. */
const slowEndsWithinMs = 20_000;

export const limitCases: readonly HostileCase[] = [
  hostileCase('H-37', 'slow headers and slow bodies are cut off within 10 s', async (target) => {
    const slow = async (start: string): Promise<void> => {
      const socket = await dial(target);
      const drip = setInterval(() => socket.write('a'), 500);
      socket.resume().write(start);
      const patience = AbortSignal.timeout(slowEndsWithinMs);
      const ended = await once(socket, 'close', { signal: patience }).then(
        () => true,
        () => false,
      );
      clearInterval(drip);
      socket.destroy();
      assert.ok(ended, 'still open');
    };
    await Promise.all([
      slow('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: '),
      slow(`${chatHead(target)}Content-Length: 1000\r\n\r\n{"text":"`),
      ask(target, { path: '/health' }).then((answer) => expectStatus(answer, [200])),
    ]);
  }),
  hostileCase('H-38', 'fifty pipelined requests are all answered, a thousand are not', async (target) => {
    const one = `${head(target, 'GET', '/api/v1/status')}\r\n`;
    const fifty = await raw(target, one.repeat(50), { answers: 50 });
    assert.ok(fifty.statuses.length === 50 && fifty.statuses.every((status) => status === 200 || status === 429));
    const thousand = await raw(target, one.repeat(1000), { answers: 1000 });
    const served = thousand.statuses.filter((status) => status === 200).length;
    assert.ok(served < 1000, `${served} of 1000 pipelined requests were served at once`);
  }),
  hostileCase('H-39', 'what is said without a token', async (target) => {
    const health = await ask(target, { path: '/health' });
    assert.deepEqual(health.json, { ok: true, status: 'live' });
    const ready = await ask(target, { path: '/ready' });
    assert.deepEqual(Object.keys(ready.json ?? {}).sort(), ['failing', 'ready', 'uptimeMs', 'warnings']);
    assert.equal((await ask(target, { path: '/v1/models' })).status, 401);
    for (const path of ['/metrics', '/api/v1/status', '/api/v1/config'])
      expectStatus(await ask(target, { path }), [401], path);
  }),
  hostileCase('H-41', 'huge Accept, Range and If-None-Match headers', async (target) => {
    for (const headers of [
      { accept: '*/*;q=0.1,'.repeat(800) },
      { range: `bytes=${'0-,1-,'.repeat(1000)}2-` },
      { 'if-none-match': 'a'.repeat(15_000) },
    ]) {
      const answer = await ask(target, { path: '/api/v1/status', token: target.tokens.read, headers });
      expectStatus(answer, [200, 400]);
      assert.ok(answer.text.length < 100_000);
    }
  }),
  hostileCase(
    'H-43',
    'a page of ours cannot be framed, sniffed, cached or made to run foreign script',
    async (target) => {
      const page = await ask(target, { path: '/' });
      expectStatus(page, [200]);
      const policy = String(page.headers['content-security-policy']);
      for (const rule of [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        'require-trusted-types-for',
      ]) {
        assert.ok(policy.includes(rule), rule);
      }
      assert.doesNotMatch(policy, /unsafe|\*/);
      assert.equal(page.headers['x-content-type-options'], 'nosniff');
      assert.equal(page.headers['cache-control'], 'no-store');
      assert.doesNotMatch(page.text, /<script(?![^>]*src=)|<style|\son\w+=|style=/i);
    },
  ),
  hostileCase('H-44', 'request ids from outside are taken only when they are harmless', async (target) => {
    const good = await ask(target, { path: '/health', headers: { 'x-request-id': 'my-id.1' } });
    assert.equal(good.headers['x-request-id'], 'my-id.1');
    for (const id of ['<script>', 'a b', 'x'.repeat(65), '"']) {
      const answer = await ask(target, { path: '/api/v1/none', headers: { 'x-request-id': id } });
      assert.notEqual(answer.headers['x-request-id'], id);
      expectClean(answer);
    }
  }),
];
