/** K: webhooks. Every hook of every platform, without what proves the sender, nearly with it, and with it twice. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnDaemon, startDaemon } from '../support/daemon.ts';
import { newMarker } from '../support/mock-openai.ts';
import { ask, dial, from, raw, type Answered } from '../support/raw.ts';
import { SlackServer, tokens } from '../support/slack-server.ts';
import { expectStatus, hostileCase, type HostileCase } from './case.ts';
import { hooks, type Hook } from './hooks.ts';
import { hookSecrets, type Platforms } from './platforms.ts';

let address = 10;
/** Each look is from an address of its own, as one that is often wrong has to wait. */
const elsewhere = (): string => from(address++ % 250);

const post = (
  platforms: Platforms,
  hook: Hook,
  body: string,
  headers: Record<string, string>,
  more: { path?: string; localAddress?: string } = {},
): Promise<Answered> =>
  ask(platforms, {
    method: 'POST',
    path: hook.path,
    body,
    headers: { 'content-type': 'application/json', ...headers },
    localAddress: elsewhere(),
    ...more,
  });

/** As platforms do, which come again when the gateway had no time to store it. */
async function deliver(...given: Parameters<typeof post>): Promise<Answered> {
  for (;;) {
    const answer = await post(...given);
    if (answer.status !== 503) return answer;
  }
}

/** Each of these is answered 401, and nothing of it ever reaches the model. */
async function allRefused(
  platforms: Platforms,
  hook: Hook,
  tries: (proof: Record<string, string>, body: string) => Record<string, Record<string, string>>,
): Promise<void> {
  const marker = newMarker();
  const body = hook.message(marker);
  for (const [what, headers] of Object.entries(tries(hook.proof(body), body))) {
    expectStatus(await post(platforms, hook, body, headers), [401], `${hook.name}, ${what}:`);
  }
  await proved(platforms, hook);
  assert.ok(!platforms.wasAsked(marker), `${hook.name}: what was refused reached the model`);
}

/** A good message of the same hook is answered: the others had their time. */
async function proved(platforms: Platforms, hook: Hook): Promise<void> {
  const marker = newMarker();
  const body = hook.message(marker);
  const answer = await deliver(platforms, hook, body, hook.proof(body));
  expectStatus(answer, [hook.taken], `${hook.name}, a good one:`);
  await platforms.until(`${hook.name}: an answer`, () => platforms.wasAsked(marker));
}

const without = (headers: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([each]) => each !== name));

const toBase64 = (signature: string): string => Buffer.from(signature.replace(/^\w+=/, ''), 'hex').toString('base64');

/** The same signature in a form that decodes to the same bytes. */
const reencoded = ({ name }: Hook, given: string): Record<string, string> =>
  name === 'webhook'
    ? {
        base64url: given.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
        'no padding': given.replace(/=+$/, ''),
        hex: `v1,${Buffer.from(given.slice(3), 'base64').toString('hex')}`,
      }
    : name === 'telegram'
      ? { 'upper case': given.toUpperCase(), base64: Buffer.from(given).toString('base64') }
      : {
          'upper-case hex': given.replace(/=.*/, (hex) => hex.toUpperCase()),
          base64: given.replace(/=.*/, `=${toBase64(given)}`),
          'no prefix': given.replace(/^\w+=/, ''),
        };

export const hookCases: readonly HostileCase<Platforms>[] = [
  ...(
    [
      ['telegram', 'bot_token = "42:abcdefghij"\nmode = "webhook"\n', 'webhook_url'],
      ['whatsapp', 'access_token = "EAAGx"\nphone_number_id = "106540352242922"\nverify_token = "x"\n', 'app_secret'],
      ['webhook.orders', 'url = "http://127.0.0.1:1/"\n', 'secret'],
      ['webhook.orders', 'secret = ""\n', 'secret'],
      ['webhook.orders', 'secret = "whsec_c2hvcnQ="\n', 'secret'],
    ] as const
  ).map(([name, lines, key]) =>
    hostileCase<Platforms>('K-01', `${name} that is called without ${key} does not start`, async () => {
      const dir = mkdtempSync(path.join(tmpdir(), 'clanker-hostile-'));
      try {
        const config = `[channels.${name}]\nenabled = true\n${lines}`;
        const daemon = await spawnDaemon({ dir, config });
        const timer = setTimeout(() => daemon.signal('SIGKILL'), 20_000);
        const { code } = await daemon.exit;
        clearTimeout(timer);
        assert.equal(code, 78, daemon.output());
        assert.ok(daemon.output().includes(key), daemon.output());
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    }),
  ),
  hostileCase('K-01', 'slack without any way to receive takes nothing, and says what is missing', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-hostile-'));
    const server = await new SlackServer().listen();
    const config = `[channels.slack]\nbot_token = "${tokens.bot}"\napi_root = "${server.apiRoot}"\n`;
    const daemon = await startDaemon({ dir, config });
    try {
      // It does not run before that is known.
      await daemon.printed('signing_secret');
      const at = { host: '127.0.0.1', port: daemon.port };
      const slack = hooks.find(({ name }) => name === 'slack') as Hook;
      const body = slack.message('x');
      const time = slack.proof(body)['x-slack-request-timestamp'] ?? '';
      for (const key of ['', 'undefined', hookSecrets.slack]) {
        const signature = `v0=${createHmac('sha256', key).update(`v0:${time}:${body}`).digest('hex')}`;
        const headers = { 'x-slack-request-timestamp': time, 'x-slack-signature': signature };
        expectStatus(await ask(at, { path: '/hooks/slack/main', body, headers }), [401]);
      }
    } finally {
      await daemon.kill();
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    }
  }),
  ...hooks.flatMap((hook) => [
    hostileCase<Platforms>('K-02', `${hook.name}: no signature, an empty one, one of another kind`, (platforms) =>
      allRefused(platforms, hook, (proof) => {
        const given = proof[hook.signature] ?? '';
        const other = { webhook: 'v2', slack: 'v1', telegram: '', whatsapp: 'sha1' }[hook.name];
        return {
          'no headers at all': {},
          'no signature': without(proof, hook.signature),
          'an empty signature': { ...proof, [hook.signature]: '' },
          'the prefix alone': { ...proof, [hook.signature]: given.replace(/[,=].*/, '$&').slice(0, 3) },
          'another algorithm': { ...proof, [hook.signature]: other + given.slice(2) },
          ...(hook.name === 'webhook' ? {} : { doubled: { ...proof, [hook.signature]: `${given}, ${given}` } }),
          'off by one': { ...proof, [hook.signature]: given.slice(0, -2) + (given.endsWith('A=') ? 'B=' : 'Aa') },
          ...Object.fromEntries(
            Object.entries(reencoded(hook, given)).map(([what, value]) => [
              what,
              { ...proof, [hook.signature]: value },
            ]),
          ),
        };
      }),
    ),
    hostileCase<Platforms>(
      'K-04',
      `${hook.name}: a recorded request, again and again in every spelling`,
      async (platforms) => {
        const marker = newMarker();
        const body = hook.message(marker);
        const headers = hook.proof(body);
        expectStatus(await deliver(platforms, hook, body, headers), [hook.taken], 'the first');
        await platforms.until('the answer', () => platforms.wasAsked(marker));
        for (const query of ['', '?x=1', '?b=2&a=1', '?a=1&b=2'])
          expectStatus(await deliver(platforms, hook, body, headers, { path: hook.path + query }), [hook.taken], query);
        const slash = await deliver(platforms, hook, body, headers, { path: `${hook.path}/` });
        expectStatus(slash, [hook.taken, 400, 401, 404], 'with a slash');
        const changed = {
          ...headers,
          [hook.signature]: Object.values(reencoded(hook, headers[hook.signature] ?? ''))[0] ?? '',
        };
        expectStatus(await post(platforms, hook, body, changed), [401], 're-encoded');
        await proved(platforms, hook);
        const asked = platforms.model.ledger.filter(({ body: call }) => {
          const messages = call['messages'] as { role: string; content: unknown }[];
          return JSON.stringify(messages.findLast(({ role }) => role === 'user')).includes(marker);
        });
        assert.equal(asked.length, 1, 'it was run once');
      },
    ),
    hostileCase<Platforms>('K-08', `${hook.name}: ten unsigned megabytes`, async (platforms) => {
      const socket = await dial(platforms, elsewhere());
      const head = `POST ${hook.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;
      const told = await new Promise<{ text: string; sent: number }>((resolve) => {
        const piece = Buffer.alloc(64 * 1024, 'x');
        let text = '';
        let sent = 0;
        const write = (): void => {
          while (sent < 10_000_000 && !socket.destroyed) {
            sent += piece.length;
            if (!socket.write(piece)) return void socket.once('drain', write);
          }
        };
        socket.on('data', (data: Buffer) => void (text += data.toString('latin1')));
        socket.once('close', () => resolve({ text, sent: socket.bytesWritten }));
        socket.setTimeout(20_000, () => socket.destroy());
        socket.write(`${head}Content-Length: 10000000\r\n\r\n`);
        write();
      });
      // A refusal that is sent while the body still comes may be lost with the connection.
      assert.match(told.text, /^$|^HTTP\/1\.1 (401|413) /);
      assert.ok(told.sent < 10_000_000, 'all of it was read');
      const chunked = await raw(
        platforms,
        [
          `${head}Transfer-Encoding: chunked\r\n\r\n`,
          ...Array.from({ length: 40 }, () => `10000\r\n${'x'.repeat(65_536)}\r\n`),
        ],
        { localAddress: elsewhere() },
      );
      assert.ok(chunked.statuses.every((status) => status === 401 || status === 413) && chunked.closed);
    }),
    ...(hook.name === 'telegram'
      ? []
      : [
          hostileCase<Platforms>(
            'K-05',
            `${hook.name}: a body that means the same and is not the signed one`,
            async (platforms) => {
              const marker = newMarker();
              const body = hook.message(marker);
              const headers = hook.proof(body);
              for (const changed of [
                ` ${body}`,
                `${body}\n`,
                JSON.stringify(JSON.parse(body), null, 1),
                `\ufeff${body}`,
                body.replace('"', '"\\u0000').replace('\\u0000', ''),
              ])
                if (changed !== body) expectStatus(await post(platforms, hook, changed, headers), [401], hook.name);
              await proved(platforms, hook);
              assert.ok(!platforms.wasAsked(marker));
            },
          ),
        ]),
    ...(hook.time === null
      ? []
      : [
          hostileCase<Platforms>(
            'K-14',
            `${hook.name}: times that are none, or far away, rightly signed`,
            async (platforms) => {
              const marker = newMarker();
              const body = hook.message(marker);
              const now = Math.floor(Date.now() / 1000);
              const times = [
                now + 600,
                now - 600,
                -now,
                'NaN',
                '1e20',
                '',
                '0',
                ` ${now}x`,
                `${now}.0`,
                `0${now}`,
                `+${now}`,
                now * 1000,
                '9'.repeat(400),
                'Infinity',
              ];
              for (const time of times)
                expectStatus(
                  await post(platforms, hook, body, hook.proof(body, time)),
                  [401],
                  `${hook.name} at ${time}`,
                );
              await proved(platforms, hook);
              assert.ok(!platforms.wasAsked(marker));
            },
          ),
        ]),
  ]),
  hostileCase(
    'K-09',
    'unsigned bodies of a byte a second are ended within five seconds, on every hook',
    async (platforms) => {
      const slow = async (hook: Hook): Promise<number> => {
        const socket = await dial(platforms, elsewhere());
        const begun = performance.now();
        const drip = setInterval(() => socket.write('a'), 1000);
        socket.resume().write(`POST ${hook.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{`);
        await once(socket, 'close');
        clearInterval(drip);
        return performance.now() - begun;
      };
      const times = await Promise.all(hooks.map(slow));
      // A busy machine is late, but these five seconds are not the ten that who has a token is given.
      assert.ok(
        times.every((ms) => ms < 9000),
        `open for ${times.map(Math.round).join(', ')} ms`,
      );
    },
  ),
  hostileCase('K-10', 'what is no JSON is refused by its type, signed or not', async (platforms) => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      '',
    ]) {
      for (const hook of hooks) {
        const body = hook.message(newMarker());
        expectStatus(await post(platforms, hook, body, { 'content-type': type }), [401, 415], `${hook.name} ${type}`);
      }
      const [webhook] = hooks as [Hook];
      const marker = newMarker();
      const body = webhook.message(marker);
      const signedOne = await post(platforms, webhook, body, { ...webhook.proof(body), 'content-type': type });
      expectStatus(signedOne, [415], `signed ${type}`);
      assert.ok(!platforms.wasAsked(marker));
    }
  }),
  hostileCase('K-12', 'a secret token that is nearly right; a signature of nothing', async (platforms) => {
    const telegram = hooks.find(({ name }) => name === 'telegram') as Hook;
    const right = hookSecrets.telegram;
    for (const wrong of [right.slice(1), right.slice(0, -1), `${right}x`, right.replace('w', 'W'), `Bearer ${right}`])
      expectStatus(
        await post(platforms, telegram, telegram.message('x'), { [telegram.signature]: wrong }),
        [401],
        'a token off by one',
      );
    const whatsapp = hooks.find(({ name }) => name === 'whatsapp') as Hook;
    const ofNothing = createHmac('sha256', hookSecrets.whatsapp).update('').digest('hex');
    for (const given of [
      `sha256=${ofNothing}`,
      'sha256=',
      `sha256=${createHmac('sha256', '').update(whatsapp.message('x')).digest('hex')}`,
    ])
      expectStatus(
        await post(platforms, whatsapp, whatsapp.message('x'), { [whatsapp.signature]: given }),
        [401],
        given,
      );
    const question = '/hooks/whatsapp/main?hub.mode=subscribe&hub.challenge=1234567&hub.verify_token=';
    for (const token of ['', 'a-verify-token-of-our', 'a-verify-token-of-ours%20', 'undefined'])
      expectStatus(await ask(platforms, { path: question + token, localAddress: elsewhere() }), [401], token);
    const answered = await ask(platforms, { path: question + hookSecrets.verify, localAddress: elsewhere() });
    assert.deepEqual([answered.status, answered.text], [200, '1234567']);
  }),
  hostileCase(
    'K-13',
    'the question of Slack whose address this is, unsigned and signed by another',
    async (platforms) => {
      const slack = hooks.find(({ name }) => name === 'slack') as Hook;
      const body = JSON.stringify({ type: 'url_verification', challenge: 'a-challenge-nobody-else-knows' });
      for (const headers of [
        {},
        { ...slack.proof(`${body} `) },
        { ...slack.proof(body), 'x-slack-signature': 'v0=' },
      ]) {
        const answer = await post(platforms, slack, body, headers);
        expectStatus(answer, [401]);
        assert.ok(!answer.text.includes('a-challenge'));
      }
      const answer = await post(platforms, slack, body, slack.proof(body));
      assert.match(answer.text, /a-challenge-nobody-else-knows/);
    },
  ),
  hostileCase('K-06', 'a thousand wrong secrets from one address, while the platform goes on', async (platforms) => {
    for (const [n, hook] of hooks.entries()) {
      const attacker = from(251 + n);
      const counts: Record<number, number> = {};
      const attempt = async (): Promise<void> => {
        const body = hook.message('x');
        const wrong = { ...hook.proof(body), [hook.signature]: `v1,${Math.random()}` };
        const { status } = await post(platforms, hook, body, wrong, { localAddress: attacker });
        counts[status] = (counts[status] ?? 0) + 1;
      };
      for (let i = 0; i < 250; i += 10) await Promise.all(Array.from({ length: 10 }, attempt));
      const { 401: looked = 0, 429: refused = 0 } = counts;
      assert.equal(looked + refused, 250, JSON.stringify(counts));
      assert.ok(looked <= 40, `${hook.name}: ${looked} secrets were tried`);
      await proved(platforms, hook);
    }
  }),
];
