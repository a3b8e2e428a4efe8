import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { AddressSet, normalAddress } from '../../../src/adapters/http/addresses.ts';
import { maxRememberedCallers, RateLimiter } from '../../../src/adapters/http/bounded.ts';
import type { HttpError } from '../../../src/adapters/http/errors.ts';
import { maxJsonDepth, parseJson } from '../../../src/adapters/http/json.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { ask, codeOf, dial, from, raw } from '../../support/raw.ts';
import { tokens } from '../../support/scripted-tokens.ts';

const at = ({ port }: TestDoor): { host: string; port: number } => ({ host: '127.0.0.1', port });

async function withDoor(
  settings: Parameters<typeof openDoor>[0],
  run: (door: TestDoor) => Promise<void>,
): Promise<void> {
  const door = await openDoor(settings);
  try {
    await run(door);
  } finally {
    await door.stop();
  }
}

describe('addresses', () => {
  test('one address has one spelling, however it is written', () => {
    const spellings: [string, string][] = [
      ['::ffff:127.0.0.1', '127.0.0.1'],
      ['::FFFF:7f00:1', '127.0.0.1'],
      ['0:0:0:0:0:ffff:7f00:0001', '127.0.0.1'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['fe80::1%eth0', 'fe80::1'],
      ['2001:DB8::0:1', '2001:db8::1'],
      ['10.0.0.1', '10.0.0.1'],
    ];
    for (const [written, normal] of spellings) assert.equal(normalAddress(written), normal, written);
  });

  test('ranges hold what is in them and nothing else', () => {
    const set = new AddressSet(['10.1.0.0/16', '::1', '2001:db8::/32']);
    for (const inside of ['10.1.255.1', '::1', '2001:db8:1::2']) assert.ok(set.has(inside), inside);
    for (const outside of ['10.2.0.1', '127.0.0.1', '2001:db9::1', 'nonsense', ''])
      assert.ok(!set.has(outside), outside);
  });
});

describe('limiters', () => {
  test('who guesses on while locked out does not wait for ever longer', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 5 }, systemClock);
    for (let n = 0; n < 100; n++) limiter.spend('guesser');
    const waitMs = limiter.waitMs('guesser');
    assert.ok(waitMs > 0 && waitMs <= 1000, String(waitMs));
  });

  test('a flood of callers does not grow the memory of a limiter', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, systemClock);
    for (let i = 0; i < maxRememberedCallers * 3; i++) limiter.allows(`caller ${i}`);
    assert.equal(limiter.size, maxRememberedCallers);
  });

  test('requests over the rate of a token get 429 with Retry-After; another token is not slowed', () =>
    withDoor(
      { options: { limits: { requestsPerSecond: 3, connections: 100, connectionsPerIp: 100, pendingAuth: 5 } } },
      async (door) => {
        const asked = { path: '/api/v1/channels', token: tokens.manage };
        const answers = await Promise.all(Array.from({ length: 30 }, () => ask(at(door), asked)));
        const refused = answers.filter(({ status }) => status === 429);
        assert.ok(refused.length >= 2);
        assert.ok(refused.every(({ headers }) => Number(headers['retry-after']) >= 1));
        assert.equal((await ask(at(door), { ...asked, token: tokens.read })).status, 200);
      },
    ));

  test('wrong tokens lock their address, but not a client that was known there before', () =>
    withDoor({}, async (door) => {
      const status = (token: string, localAddress: string) =>
        ask(at(door), { path: '/api/v1/channels', token, localAddress }).then((answer) => answer.status);
      assert.equal(await status(tokens.read, from(1)), 200);
      for (let i = 0; i < 10; i++) assert.equal(await status(`wrong-${i}`, from(1)), 401);
      // One more guess is allowed every six seconds, and the machine may be busy.
      while ((await status('wrong', from(1))) !== 429);
      assert.equal(await status(tokens.manage, from(1)), 429);
      assert.equal(await status(tokens.read, from(1)), 200);
      if (from(2) !== from(1)) assert.equal(await status(tokens.manage, from(2)), 200);
    }));

  test('a token that nobody can guess is let in at an address that is locked, also after a restart', () =>
    withDoor({}, async (door) => {
      const made = `oc_${'x'.repeat(43)}`;
      const authenticate = door.gateway.authenticate.bind(door.gateway);
      door.gateway.authenticate = (token) => authenticate(token === made ? tokens.read : token);
      const status = (token: string) =>
        ask(at(door), { path: '/api/v1/channels', token }).then((answer) => answer.status);
      while ((await status(`oc_${'y'.repeat(43)}`)) !== 429);
      assert.equal(await status(made), 200);
    }));

  test('a probe with an outdated token sees a live gateway and no more than a stranger; its guesses still count', () =>
    withDoor({}, async (door) => {
      for (let i = 0; i < 10; i++)
        assert.equal((await ask(at(door), { path: '/health', token: `old-${i}` })).status, 200);
      const stranger = await ask(at(door), { path: '/ready' });
      const outdated = await ask(at(door), { path: '/ready', token: 'old' });
      assert.deepEqual(Object.keys(outdated.json ?? {}), Object.keys(stranger.json ?? {}));
      while ((await ask(at(door), { path: '/api/v1/channels', token: 'guess' })).status !== 429);
    }));

  for (const [whose, most] of [
    ['of one address', { connections: 100, connectionsPerIp: 3 }],
    ['of all', { connections: 3, connectionsPerIp: 100 }],
  ] as const)
    test(`connections over the limit ${whose} are told so and ended`, () =>
      withDoor({ options: { limits: { requestsPerSecond: 500, pendingAuth: 5, ...most } } }, async (door) => {
        const held = await Promise.all([dial(at(door)), dial(at(door)), dial(at(door))]);
        const fourth = await raw(at(door), '');
        assert.ok(fourth.closed);
        assert.deepEqual(fourth.statuses, [503]);
        held[0]?.destroy();
        while (
          (await raw(at(door), 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).statuses[0] !==
          200
        );
        for (const socket of held) socket.destroy();
      }));
});

describe('who may ask', () => {
  const origin = 'https://chat.example.com';

  test('the host is judged before the origin, and https is our own only behind a proxy that we trust', () =>
    withDoor({}, async (door) => {
      const asked = { path: '/api/v1/channels', token: tokens.read };
      const stranger = { host: 'evil.example', origin: 'https://evil.example' };
      assert.equal((await ask(at(door), { ...asked, headers: stranger })).status, 421);
      const disguised = { origin: `https://127.0.0.1:${door.port}` };
      assert.equal((await ask(at(door), { ...asked, headers: disguised })).status, 403);
    }));

  test('an allowed origin gets its preflight and its headers; the page itself needs no list', () =>
    withDoor({ options: { allowedOrigins: [origin] } }, async (door) => {
      const headers = { origin, 'sec-fetch-site': 'cross-site' };
      const preflight = await ask(at(door), {
        method: 'OPTIONS',
        path: '/api/v1/chat',
        headers: { ...headers, 'access-control-request-method': 'POST' },
      });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers['access-control-allow-origin'], origin);
      assert.match(String(preflight.headers['access-control-allow-headers']), /Authorization/);
      const answer = await ask(at(door), { path: '/api/v1/channels', token: tokens.read, headers });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['access-control-allow-origin'], origin);
      const own = { origin: `http://127.0.0.1:${door.port}`, 'sec-fetch-site': 'same-origin' };
      assert.equal((await ask(at(door), { path: '/ready', headers: own })).status, 200);
      const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
      assert.equal((await ask(at(door), { path: '/', headers: link })).status, 200);
      assert.equal((await ask(at(door), { path: '/health', headers: link })).status, 403);
    }));

  test('X-Forwarded-For counts only behind a trusted proxy, and only its last foreign hop', () =>
    withDoor({ options: { trustedProxies: ['127.0.0.0/8'], allowedIps: ['203.0.113.7'] } }, async (door) => {
      const code = async (hops?: string): Promise<unknown> =>
        codeOf(
          await ask(at(door), {
            path: '/api/v1/channels',
            token: tokens.read,
            headers: hops === undefined ? {} : { 'x-forwarded-for': hops },
          }),
        );
      assert.equal(await code('203.0.113.7'), undefined);
      assert.equal(await code('::ffff:203.0.113.7, 127.0.0.9'), undefined);
      assert.equal(await code('203.0.113.7, 198.51.100.1'), 'ip_not_allowed');
      assert.equal(await code(), 'ip_not_allowed');
    }));

  test('X-Forwarded-For of anybody else is ignored', () =>
    withDoor({ options: { trustedProxies: ['10.0.0.0/8'], allowedIps: ['203.0.113.7'] } }, async (door) => {
      const headers = { 'x-forwarded-for': '203.0.113.7' };
      assert.equal(codeOf(await ask(at(door), { path: '/health', headers })), 'ip_not_allowed');
    }));

  test('a reload takes effect for the next request and keeps open sockets', () =>
    withDoor({}, async (door) => {
      const socket = await dial(at(door));
      const asked = 'GET /api/v1/channels HTTP/1.1\r\nHost: bot.example.com\r\n\r\n';
      socket.write('GET /health HTTP/1.1\r\nHost: bot.example.com\r\n\r\n');
      await once(socket, 'data');
      door.server.reconfigure({ ...door.options, allowedHosts: ['bot.example.com'] });
      socket.write(asked);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 401 /);
      socket.destroy();
    }));
});

describe('JSON from outside', () => {
  test('the deepest allowed document is taken, one level more is not', () => {
    const nested = (depth: number): Buffer => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
    parseJson(nested(maxJsonDepth));
    assert.throws(
      () => parseJson(nested(maxJsonDepth + 1)),
      (error: HttpError) => error.code === 'too_deep',
    );
  });

  test('a quote inside a string neither ends it nor hides what comes after it', () => {
    const quoted = `["\\"${'['.repeat(100)}"]`;
    assert.deepEqual(parseJson(Buffer.from(quoted)), [`"${'['.repeat(100)}`]);
    const hidden = `["\\"",${'['.repeat(100)}${']'.repeat(100)},"\\""]`;
    assert.throws(
      () => parseJson(Buffer.from(hidden)),
      (error: HttpError) => error.code === 'too_deep',
    );
  });

  test('no document brings a prototype', () => {
    for (const text of ['{"__proto__":{}}', '[{"a":{"__proto__":1}}]'])
      assert.throws(
        () => parseJson(Buffer.from(text)),
        (error: HttpError) => error.code === 'unknown_field',
      );
  });

  test('a body that does not come is not waited for, nor an upload that stalls', () =>
    withDoor({ timings: { bodyMs: 50, uploadIdleMs: 50 } }, async (door) => {
      const head = (path: string, type: string): string =>
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokens.send}\r\n` +
        `Content-Type: ${type}\r\nContent-Length: 1000\r\n\r\n`;
      for (const begun of ['', '{"text":']) {
        const body = await raw(at(door), head('/api/v1/chat', 'application/json') + begun, { answers: 1 });
        assert.deepEqual(body.statuses, [408]);
        const upload = await raw(at(door), head('/api/v1/files', 'text/plain') + begun, { answers: 1 });
        assert.deepEqual(upload.statuses, [408]);
      }
    }));

  test('brackets, colons and commas inside strings are text', () => {
    const text = '[{:,'.repeat(50_000);
    assert.deepEqual(parseJson(Buffer.from(JSON.stringify({ a: text, b: '\\"[' }))), { a: text, b: '\\"[' });
  });
});

describe('requests that are odd but legal', () => {
  test('a content type is JSON by its name and charset, whatever else it says', () =>
    withDoor({}, async (door) => {
      const statusOf = async (type: string): Promise<number> =>
        (
          await ask(at(door), {
            path: '/api/v1/chat',
            token: tokens.send,
            body: '{"text":"x"}',
            headers: { 'content-type': type },
          })
        ).status;
      for (const type of [
        'application/json; charset=UTF-8',
        'Application/JSON;charset="utf-8"',
        'application/json;',
        'application/json; odata=verbose; charset=utf8',
      ])
        assert.equal(await statusOf(type), 200, type);
      for (const type of ['application/json; charset=utf-16', 'application/json5', 'text/json', 'application/ld+json'])
        assert.equal(await statusOf(type), 415, type);
    }));

  test('a value of the wrong type is called that, not missing', () =>
    withDoor({}, async (door) => {
      const complaintOf = async (body: object): Promise<unknown> => {
        const { text } = await ask(at(door), { path: '/api/v1/chat', token: tokens.send, body: JSON.stringify(body) });
        return (JSON.parse(text) as { error: { message: string } }).error.message;
      };
      assert.equal(await complaintOf({ text: 5 }), '"text" must be of type string.');
      assert.equal(await complaintOf({ text: 'x', session: null }), '"session" must be of type string.');
      assert.equal(await complaintOf({}), '"text" is required (string).');
    }));

  test('a request without Host is refused as every other is, and an unknown expectation is passed over', () =>
    withDoor({}, async (door) => {
      const hostless = await raw(at(door), 'GET /health HTTP/1.1\r\n\r\n', { answers: 1 });
      assert.deepEqual(hostless.statuses, [400]);
      assert.match(hostless.text, /"code":"bad_host"/);
      const expecting = 'GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: the-best\r\n\r\n';
      assert.deepEqual((await raw(at(door), expecting, { answers: 1 })).statuses, [200]);
    }));

  test('a session that is called as an action is found like any other', () =>
    withDoor({}, async (door) => {
      const named = { path: '/api/v1/sessions/cleanup', token: tokens.manage };
      const body = '{"text":"x","session":"cleanup"}';
      await ask(at(door), { path: '/api/v1/chat', token: tokens.manage, body });
      assert.equal((await ask(at(door), named)).json?.['key'], 'api:owner:cleanup');
      assert.equal((await ask(at(door), { ...named, body: '{"max_age_seconds":3600}' })).status, 200);
      assert.equal((await ask(at(door), { ...named, method: 'DELETE' })).status, 200);
      assert.equal((await ask(at(door), { ...named, method: 'PATCH' })).status, 405);
    }));

  test('a monitor that adds a field to a probe, or a link to the page, is answered all the same', () =>
    withDoor({}, async (door) => {
      for (const path of ['/health?t=1', '/ready?t=1', '/?utm_source=mail', '/admin?x'])
        assert.ok((await ask(at(door), { path })).status < 400, path);
    }));
});

describe('what is seen from outside', () => {
  test('figures name routes by pattern, and no log line holds what a query or header said', () =>
    withDoor({}, async (door) => {
      const secret = 'CANARY-in-a-query';
      await ask(at(door), { path: `/api/v1/sessions/nothing?token=${secret}`, token: tokens.read });
      await ask(at(door), { path: `/api/v1/${secret}` });
      await ask(at(door), { method: 'BREW', path: '/health' }).catch(() => {});
      assert.ok(door.metrics.values.has('http_requests_total{route=/api/v1/sessions/{key},method=GET,status=400}'));
      assert.doesNotMatch([...door.metrics.values.keys()].join(), /CANARY|BREW/);
      assert.doesNotMatch(JSON.stringify(door.log.lines), /CANARY|oc_/);
    }));

  test('what breaks inside is "internal" outside and an error in the log', () =>
    withDoor({}, async (door) => {
      door.gateway.status = () => Promise.reject(new TypeError('secret detail at /home/x'));
      const answer = await ask(at(door), { path: '/api/v1/status', token: tokens.read });
      assert.equal(answer.status, 500);
      assert.equal(codeOf(answer), 'internal');
      assert.doesNotMatch(answer.text, /secret|home/);
      assert.equal(door.log.lines.filter(({ level }) => level === 'error').length, 1);
    }));
});

describe('stopping', () => {
  test('an answer under way is finished, and the port is free', async () => {
    const door = await openDoor();
    const answer = ask(at(door), { path: '/api/v1/chat', token: tokens.send, body: '{"text":"hang"}' });
    while (door.gateway.activeRuns === 0) await new Promise((resolve) => setImmediate(resolve));
    const stopped = door.server.stop(5000);
    door.gateway.abortAll();
    assert.equal(codeOf(await answer), 'aborted');
    await stopped;
    await assert.rejects(dial(at(door)));
  });

  test('a connection that would be kept alive does not hold up the stop once it has its answer', async () => {
    for (const stream of [false, true]) {
      const door = await openDoor();
      const body = JSON.stringify({ text: 'hang', stream });
      const heard = raw(
        at(door),
        `POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokens.send}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        { waitMs: 60_000 },
      );
      while (door.gateway.activeRuns === 0) await new Promise((resolve) => setImmediate(resolve));
      const stopped = door.server.stop(120_000);
      door.gateway.abortAll();
      await stopped;
      const { text, closed } = await heard;
      assert.ok(closed);
      assert.match(text, /"code":"aborted"/);
      if (!stream) assert.match(text, /^Connection: close/im);
    }
  });

  test('what is not finished by the deadline is cut, and its run is not left', async () => {
    const door = await openDoor();
    const answer = ask(at(door), { path: '/api/v1/chat', token: tokens.send, body: '{"text":"hang","stream":true}' });
    const cut = assert.rejects(answer);
    while (door.gateway.activeRuns === 0) await new Promise((resolve) => setImmediate(resolve));
    await door.server.stop(50);
    await cut;
    assert.deepEqual(door.gateway.left, []);
  });

  test('an event stream does not hold up the stop: it is told to come back, and ends', async () => {
    const door = await openDoor();
    const heard = raw(
      at(door),
      `GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokens.read}\r\n\r\n`,
      { waitMs: 20_000 },
    );
    while (door.gateway.subscriptions === 0) await new Promise((resolve) => setImmediate(resolve));
    await door.server.stop(60_000);
    assert.match((await heard).text, /: the gateway stops/);
  });

  test('a port in use is refused with the fix in words', async () => {
    await withDoor({}, async ({ port }) => {
      await assert.rejects(openDoor({ options: { port } }), /Port \d+ is in use.*--port/);
    });
  });
});
