import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { maxStrangersAtOnce } from '../../../src/adapters/http/hook-limits.ts';
import { ClankerError } from '../../../src/core/errors.ts';
import type { HookRequest, HookResponse } from '../../../src/core/ports/channel.ts';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { ask, codeOf, dial, from, raw } from '../../support/raw.ts';
import { tokens } from '../../support/scripted-tokens.ts';

const at = ({ port }: TestDoor): { host: string; port: number } => ({ host: '127.0.0.1', port });

/** A door behind which `orders` believes what carries `x-good: 1`. */
async function open(t: TestContext, settings: Parameters<typeof openDoor>[0] = {}): Promise<TestDoor> {
  const door = await openDoor(settings);
  t.after(() => door.stop());
  door.gateway.onHook = (name, { headers }): HookResponse | null => {
    if (name !== 'orders' && name !== 'slack/main') return null;
    return headers['x-good'] === '1' ? { status: 202, body: '{"ok":true}' } : { status: 401, body: 'bad signature' };
  };
  return door;
}
const good = { 'x-good': '1' };

describe('hooks', () => {
  test('a hook gets the bytes as they came, whatever type they claim to have, with lower-case headers and the query', async (t) => {
    const door = await open(t);
    const body = Buffer.from([0xff, 0x00, 0x7b, 0x0a]);
    const answer = await ask(at(door), {
      path: '/hooks/slack/main?a=1&b=%20x',
      body,
      headers: { ...good, 'content-type': 'text/x-nonsense', 'X-Upper': 'Kept' },
    });
    assert.equal(answer.status, 202);
    assert.equal(answer.text, '{"ok":true}');
    const [{ name, request }] = door.gateway.hooks as [{ name: string; request: HookRequest }];
    assert.equal(name, 'slack/main');
    assert.deepEqual(Buffer.from(request.body), body);
    assert.equal(request.headers['x-upper'], 'Kept');
    assert.deepEqual(
      [...request.query],
      [
        ['a', '1'],
        ['b', ' x'],
      ],
    );
    assert.equal(request.method, 'POST');
  });

  test('nobody learns which names exist: unknown, deaf and badly signed answer with the same words', async (t) => {
    const door = await open(t);
    const answers = await Promise.all(
      ['/hooks/orders', '/hooks/nothing', '/hooks/slack/main', '/hooks/discord/main', '/hooks/webhook/orders'].map(
        async (path) => {
          const { status, json, headers } = await ask(at(door), { path, body: '{}', token: tokens.admin });
          const { request_id: _, ...error } = (json?.['error'] ?? {}) as Record<string, string>;
          return { status, ...error, length: headers['content-length'] };
        },
      ),
    );
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal(answers[0]?.status, 401);
  });

  test('the names that later parts of the product need are no hooks', async (t) => {
    const door = await open(t);
    for (const path of ['/hooks/wake', '/hooks/agent']) {
      assert.equal((await ask(at(door), { path, body: '{}', headers: good })).status, 404);
    }
    assert.equal(door.gateway.hooks.length, 0);
  });

  test('a body past the bound, a compressed one and a foreign Host never reach the hook', async (t) => {
    const door = await open(t, { options: { maxBodyBytes: 1000 } });
    const tooMuch = await ask(at(door), { path: '/hooks/orders', body: 'x'.repeat(1001), headers: good });
    assert.equal(tooMuch.status, 413);
    const packed = await ask(at(door), {
      path: '/hooks/orders',
      body: 'x',
      headers: { ...good, 'content-encoding': 'gzip' },
    });
    assert.equal(packed.status, 415);
    const chunked = `POST /hooks/orders HTTP/1.1\r\nHost: localhost\r\nX-Good: 1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2000)}\r\n0\r\n\r\n`;
    assert.deepEqual((await raw(at(door), chunked)).statuses, [413]);
    const elsewhere = await ask(at(door), {
      path: '/hooks/orders',
      body: '{}',
      headers: { ...good, host: 'evil.test' },
    });
    assert.equal(elsewhere.status, 421);
    assert.equal(door.gateway.hooks.length, 0);
  });

  test('a channel that does not run, and a store that cannot commit, are told to be tried again', async (t) => {
    const door = await open(t);
    door.gateway.onHook = async () => {
      throw new ClankerError('channel', 'unavailable', 'It does not run.', { retryable: true, retryAfterMs: 9500 });
    };
    const stopped = await ask(at(door), { path: '/hooks/orders', body: '{}' });
    assert.deepEqual([stopped.status, stopped.headers['retry-after'], codeOf(stopped)], [503, '10', 'unavailable']);
    door.gateway.onHook = () => ({ status: 503, headers: { 'Retry-After': '3' } });
    const full = await ask(at(door), { path: '/hooks/orders', body: '{}' });
    assert.deepEqual([full.status, full.headers['retry-after']], [503, '3']);
  });

  test('a flood of strangers does not keep out a caller who proved itself, nor touch another hook', async (t) => {
    const door = await open(t);
    const proved = { path: '/hooks/orders', body: '{}', headers: good, localAddress: from(2) };
    assert.equal((await ask(at(door), proved)).status, 202);
    const statuses = new Set<number>();
    let refusal: Awaited<ReturnType<typeof ask>> | undefined;
    // Each address is only wrong a few times, as a flood from many is.
    for (let i = 3; i < 150 && refusal === undefined; i += 3) {
      const stranger = (n: number) => ({ path: '/hooks/orders', body: '{}', localAddress: from(i + (n % 3)) });
      const batch = await Promise.all(Array.from({ length: 30 }, (_, n) => ask(at(door), stranger(n))));
      for (const answer of batch) {
        statuses.add(answer.status);
        if (answer.status === 429) refusal = answer;
      }
    }
    assert.deepEqual(statuses, new Set([401, 429]));
    assert.match(String(refusal?.headers['retry-after']), /^[1-9]\d*$/);
    assert.equal((await ask(at(door), proved)).status, 202);
    const other = await ask(at(door), { path: '/hooks/slack/main', body: '{}', headers: good, localAddress: from(4) });
    assert.equal(other.status, 202);
  });

  test('a hundred requests at once from a new address are all taken: the first that passes makes way', async (t) => {
    const door = await open(t);
    const answers = await Promise.all(
      Array.from({ length: 150 }, () => ask(at(door), { path: '/hooks/orders', body: '{}', headers: good })),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  });

  test('strangers who hold their bodies back fill only their own places', async (t) => {
    const door = await open(t, { timings: { hookPlaceMs: 50 } });
    const proved = { path: '/hooks/orders', body: '{}', headers: good, localAddress: from(2) };
    assert.equal((await ask(at(door), proved)).status, 202);
    const head = 'POST /hooks/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{';
    const slow = await Promise.all(Array.from({ length: maxStrangersAtOnce }, () => dial(at(door), from(3))));
    t.after(() => slow.forEach((socket) => socket.destroy()));
    for (const socket of slow) socket.write(head);
    // Answered only once the places are taken: until then a stranger is told that it is not signed.
    let busy = await ask(at(door), { path: '/hooks/orders', body: '{}', localAddress: from(4) });
    for (let i = 0; i < 50 && busy.status !== 503; i++) {
      busy = await ask(at(door), { path: '/hooks/orders', body: '{}', localAddress: from(4) });
    }
    assert.deepEqual([busy.status, codeOf(busy), busy.headers['retry-after']], [503, 'busy', '1']);
    assert.equal((await ask(at(door), proved)).status, 202);
    for (const socket of slow) socket.destroy();
    let free = busy;
    for (let i = 0; i < 50 && free.status === 503; i++) {
      free = await ask(at(door), { path: '/hooks/orders', body: '{}', localAddress: from(4) });
    }
    assert.equal(free.status, 401);
  });
});
