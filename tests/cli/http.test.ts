import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, failureCode, isCertificateFailure } from '../../src/cli/http.ts';
import { ScriptedGateway } from './scripted-gateway.ts';

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
  } catch (error) {
    return failureCode(error);
  }
  return 'none';
};

test('an answer larger than the bound is refused, not collected', async () => {
  await using server = await ScriptedGateway.listen();
  server.on('GET /', (response) => void response.end('x'.repeat(2000)));
  const call = { method: 'GET', url: `${server.url}/`, silenceMs: 5000 } as const;
  assert.equal(await codeOf(exchange(call, 1999)), 'TOO_LARGE');
  assert.equal((await exchange(call, 2000)).text.length, 2000);
});

test('a server that says nothing ends with a timeout, before the headers and inside the body', async () => {
  await using server = await ScriptedGateway.listen();
  server.on('GET /', () => undefined);
  const call = { method: 'GET', url: `${server.url}/`, silenceMs: 20 } as const;
  assert.equal(await codeOf(exchange(call, 100)), 'TIMEOUT');
  server.on('GET /', (response) => void response.write('half'));
  assert.notEqual(await codeOf(exchange(call, 100)), 'none');
});

test('a redirect is an answer and is not followed', async () => {
  await using server = await ScriptedGateway.listen();
  server.on('GET /', (response) => void response.writeHead(302, { location: '/elsewhere' }).end());
  const answer = await exchange({ method: 'GET', url: `${server.url}/`, silenceMs: 5000 }, 100);
  assert.equal(answer.status, 302);
  assert.equal(server.asked.length, 1);
});

test('codes of certificates are told from codes of connections', () => {
  for (const code of ['DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID']) {
    assert(isCertificateFailure(code), code);
  }
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'TIMEOUT']) assert(!isCertificateFailure(code), code);
});
