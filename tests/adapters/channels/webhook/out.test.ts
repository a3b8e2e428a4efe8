import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { verifyWebhook } from '../../../../src/adapters/channels/verify.ts';
import { webhookPoster } from '../../../../src/adapters/channels/webhook/out.ts';
import { systemClock } from '../../../../src/adapters/system/index.ts';
import { ClankerError } from '../../../../src/core/errors.ts';
import type { WebhookPoster } from '../../../../src/core/ports/webhook-poster.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { httpClient } from '../../providers/support.ts';

const secret = new Secret(`whsec_${Buffer.alloc(32, 7).toString('base64')}`);
const forever = new AbortController().signal;

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

async function receiver(
  t: TestContext,
  answer: (response: ServerResponse, n: number) => void,
): Promise<{ poster: WebhookPoster; received: Received[] }> {
  const received: Received[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      answer(response, received.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ops`;
  const client = httpClient();
  t.after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  const webhooks = (): { ops: { url: string; secret: Secret; timeoutMs: number } } => ({
    ops: { url, secret, timeoutMs: 20_000 },
  });
  return { poster: webhookPoster({ webhooks, http: client, clock: systemClock }), received };
}

const failure = async (posting: Promise<void>): Promise<Pick<ClankerError, 'code' | 'retryable' | 'retryAfterMs'>> => {
  const error = await posting.then(
    () => assert.fail('it was taken'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ClankerError, String(error));
  const { code, retryable, retryAfterMs } = error;
  return { code, retryable, retryAfterMs };
};

test('a receiver that checks by the book takes it, and a repeat keeps its id', async (t) => {
  const { poster, received } = await receiver(t, (response) => response.writeHead(204).end());
  const message = { id: 'task_1', body: '{"text":"Grüße"}' };
  await poster.post('ops', message, forever);
  await poster.post('ops', message, forever);
  const verified = received.map(({ headers, body }) => {
    const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    return verifyWebhook({ headers: flat, body: Buffer.from(body) } as never, [secret], Date.now());
  });
  const ids = verified.map((each) => (each.ok ? each.id : assert.fail(each.reason)));
  assert.equal(ids[0], ids[1]);
  assert.match(ids[0] ?? '', /^msg_[0-9a-f]{32}$/);
  assert.deepEqual(
    received.map(({ body }) => body),
    [message.body, message.body],
  );
});

const statuses = [
  [500, true],
  [503, true],
  [408, true],
  [429, true],
  [410, false],
  [401, false],
  [400, false],
  [302, false],
] as const;

for (const [status, retryable] of statuses) {
  test(`HTTP ${status} is ${retryable ? 'tried again' : 'final: it is not posted once more'}`, async (t) => {
    const { poster, received } = await receiver(t, (response) =>
      response.writeHead(status, { location: '/elsewhere', 'retry-after': '7' }).end(),
    );
    const { retryable: again, retryAfterMs } = await failure(poster.post('ops', { id: 'a', body: '{}' }, forever));
    assert.equal(again, retryable);
    assert.equal(retryAfterMs, retryable ? 7000 : undefined);
    assert.equal(received.length, 1);
  });
}

test('a receiver that hangs up may be there later', async (t) => {
  const { poster } = await receiver(t, (response) => response.destroy());
  const { code, retryable } = await failure(poster.post('ops', { id: 'a', body: '{}' }, forever));
  assert.deepEqual({ code, retryable }, { code: 'webhook_unreachable', retryable: true });
});

test('a name that the configuration does not have any more is no name of the object either', async (t) => {
  const { poster } = await receiver(t, (response) => response.end());
  for (const name of ['gone', 'constructor', '__proto__'])
    assert.equal((await failure(poster.post(name, { id: 'a', body: '{}' }, forever))).code, 'not_found');
});
