import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ask, from } from '../support/raw.ts';
import { clientFrame, type Conversation, converse, handshake, textFrame } from '../support/raw-websocket.ts';
import { expectStatus, type HostileCase, hostileCase, type Target } from './case.ts';

const errorCodes = ({ frames }: Conversation): unknown[] =>
  frames.filter(({ type }) => type === 'error').map(({ payload }) => payload['code']);
const heard =
  (type: string) =>
  (conversation: Conversation): boolean =>
    conversation.frames.some((frame) => frame.type === type);
/** Enough for who asks only how the handshake was answered. */
const open = ({ status }: Conversation): boolean => status === 101;

/** Frames that a strict server must answer with a protocol error. */
const brokenFrames: [string, Buffer[]][] = [
  ['unmasked', [clientFrame(1, 'x', { mask: false })]],
  ['RSV2 set', [clientFrame(1, 'x', { rsv: 2 })]],
  ['opcode 3', [clientFrame(3, 'x')]],
  ['fragmented ping', [clientFrame(9, 'x', { fin: false })]],
  ['control frame over 125 bytes', [clientFrame(9, 'x'.repeat(126))]],
  ['continuation first', [clientFrame(0, 'x')]],
  ['text within a fragmented text', [clientFrame(1, 'x', { fin: false }), clientFrame(1, 'y')]],
  ['close with 1005', [clientFrame(8, Buffer.from([0x03, 0xed]))]],
  ['close of one byte', [clientFrame(8, 'x')]],
];

const tooLong: [string, Buffer[]][] = [
  ['2^63', [clientFrame(1, 'x', { length: 1n << 63n })]],
  ['2^40', [clientFrame(1, 'x', { length: 1n << 40n })]],
  ['1 MiB and 1', [clientFrame(1, 'x', { length: 1_048_577n })]],
  [
    '1,200 fragments',
    [
      clientFrame(1, 'x', { fin: false }),
      ...Array.from({ length: 1199 }, () => clientFrame(0, 'x'.repeat(300), { fin: false })),
    ],
  ],
];

const handshakes: HostileCase[] = [
  hostileCase('W-01', 'a page of another origin opens a socket', async (target) => {
    for (const origin of ['http://evil.test', 'null', 'https://127.0.0.1']) {
      const asking = { token: target.tokens.admin, headers: { Origin: origin }, until: open };
      const { status } = await converse(target, [], asking);
      assert.equal(status, 403, origin);
    }
  }),
  hostileCase('W-03', 'a socket that never shows a token is closed within 5 s', async (target) => {
    const { status, code } = await converse(target, [], { waitMs: 20_000, localAddress: from(11) });
    assert.ok(status === 401 || (status === 101 && code === 4401), `${status} ${code}`);
  }),
  hostileCase('W-03b', 'a first frame other than auth', async (target) => {
    for (const frame of [
      textFrame({ type: 'chat.send', payload: { text: 'hi' } }),
      textFrame('no json'),
      clientFrame(2, 'x'),
    ]) {
      const { code } = await converse(target, [frame], { localAddress: from(11) });
      assert.equal(code, 4401);
    }
  }),
  hostileCase('W-04', 'a rebound host name with a matching origin', async (target) => {
    const headers = { Host: 'rebind.test', Origin: 'http://rebind.test' };
    const { status } = await converse(target, [], { token: target.tokens.admin, headers, until: open });
    assert.ok([403, 421].includes(status), String(status));
  }),
  hostileCase('W-05', 'twenty guesses over sockets end in a lock-out, on loopback too', async (target) => {
    const codes: unknown[] = [];
    for (let i = 0; i < 20; i++) {
      const guess = textFrame({ type: 'auth', payload: { token: `guess-number-${i}-000000000000` } });
      const said = await converse(target, [guess], { localAddress: from(12) });
      assert.equal(said.code, 4401);
      codes.push(...errorCodes(said));
    }
    assert.ok(codes.includes('too_many_attempts'), codes.join());
  }),
  hostileCase('W-07', 'tokens that are no text', async (target) => {
    for (const token of ['', [], {}, true, null, 1]) {
      const { code } = await converse(target, [textFrame({ type: 'auth', payload: { token } })], {
        localAddress: from(13),
      });
      assert.equal(code, 4401, JSON.stringify(token));
    }
  }),
  hostileCase('W-08', 'scopes that a client declares itself', async (target) => {
    const auth = textFrame({ type: 'auth', payload: { token: target.tokens.read, scopes: ['admin'], scope: 'admin' } });
    const send = textFrame({ type: 'chat.send', id: '1', payload: { text: 'hi' } });
    const said = await converse(target, [auth, send], { until: heard('error') });
    assert.deepEqual(errorCodes(said), ['forbidden']);
  }),
  hostileCase('W-09', 'sockets that never authenticate are few at a time', async (target) => {
    const localAddress = from(14);
    const sockets = await Promise.all(Array.from({ length: 40 }, () => handshake(target, { localAddress })));
    const statuses = await Promise.all(
      sockets.map(async (socket) => {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        return Number(chunk.toString('latin1', 9, 12));
      }),
    );
    for (const socket of sockets) socket.destroy();
    assert.ok(statuses.filter((status) => status === 101).length <= 20);
    assert.ok(statuses.filter((status) => status === 503).length >= 20, statuses.join());
  }),
  hostileCase('W-12', 'a token in the URL of a socket', async (target) => {
    for (const name of ['token', 'access_token']) {
      const { status } = await converse(target, [], {
        path: `/ws?${name}=${target.tokens.admin}`,
        localAddress: from(15),
      });
      assert.equal(status, 401);
    }
  }),
  hostileCase('W-17', 'handshakes of the wrong version, without a key, with two', async (target) => {
    const { admin: token } = target.tokens;
    for (const headers of [
      { 'Sec-WebSocket-Version': '7' },
      { 'Sec-WebSocket-Key': '' },
      { 'Sec-WebSocket-Key': 'short' },
      { 'Sec-WebSocket-Key': `${'A'.repeat(22)}==\r\nSec-WebSocket-Key: ${'B'.repeat(22)}==` },
    ]) {
      const { status } = await converse(target, [], { token, headers });
      assert.ok([400, 426].includes(status), `${JSON.stringify(headers)} ${status}`);
    }
  }),
];

async function refusedWith(target: Target, cases: [string, Buffer[]][], code: number): Promise<void> {
  for (const [name, frames] of cases) {
    const said = await converse(target, frames, { token: target.tokens.admin });
    assert.ok(said.closed, `${name}: still open`);
    assert.equal(said.code, code, name);
  }
}

const frames: HostileCase[] = [
  hostileCase('W-13', 'frames that break the protocol', (target) => refusedWith(target, brokenFrames, 1002)),
  hostileCase('W-14', 'text that is no UTF-8', (target) =>
    refusedWith(target, [['invalid UTF-8', [clientFrame(1, Buffer.from([0xff, 0xfe]))]]], 1007),
  ),
  hostileCase('W-15', 'lengths and fragments beyond the limit', async (target) => {
    for (const [name, bytes] of tooLong) {
      const said = await converse(target, bytes, { token: target.tokens.admin });
      assert.ok(said.closed && [1008, 1009].includes(said.code ?? 0), `${name}: ${said.code}`);
    }
  }),
  hostileCase('W-16', 'compression is not negotiated, so it cannot bomb', async (target) => {
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
    const said = await converse(target, [clientFrame(1, Buffer.alloc(100), { rsv: 4 })], {
      token: target.tokens.admin,
      headers,
    });
    assert.equal(said.code, 1002);
  }),
  hostileCase('W-18', 'malformed frames are told so; ten in ten seconds end the socket', async (target) => {
    const bad = [
      'no json',
      '[]',
      '{"type":1}',
      '{"type":"nothing"}',
      '{"type":"ping","extra":1}',
      '{"type":"chat.send","payload":{"text":""}}',
      '{"type":"subscribe","payload":{}}',
      '['.repeat(5000),
    ];
    const few = await converse(target, [...bad.map(textFrame), textFrame({ type: 'ping', id: 'p' })], {
      token: target.tokens.admin,
      until: heard('pong'),
    });
    assert.equal(errorCodes(few).length, bad.length);
    assert.ok(heard('pong')(few));
    const many = await converse(
      target,
      Array.from({ length: 30 }, () => textFrame('x')),
      { token: target.tokens.admin },
    );
    assert.equal(many.code, 1008);
  }),
  hostileCase('W-19', 'a thousand frames in a second are slowed, and others do not feel it', async (target) => {
    const flood = converse(
      target,
      Array.from({ length: 1000 }, () => textFrame({ type: 'ping' })),
      {
        token: target.tokens.send,
        until: ({ frames }) => frames.length >= 1001,
      },
    );
    expectStatus(await ask(target, { path: '/health' }), [200]);
    const said = await flood;
    const slowed = errorCodes(said).filter((code) => code === 'rate_limited').length;
    assert.ok(slowed > 500, `${slowed} of 1000 were slowed`);
  }),
  hostileCase('W-21', 'cursors that are negative, huge or of another person', async (target) => {
    for (const cursor of ['-1', '9007199254740993', '1e3', 'abc']) {
      const headers = { 'last-event-id': cursor };
      expectStatus(await ask(target, { path: '/api/v1/events', token: target.tokens.read, headers }), [400], cursor);
    }
    const subscribe = textFrame({ type: 'subscribe', payload: { sessions: ['api:somebody:main'] } });
    const said = await converse(target, [subscribe], { token: target.tokens.read, until: heard('error') });
    assert.deepEqual(errorCodes(said), ['not_found']);
  }),
  hostileCase('W-23', 'sockets that are reset in the middle of a frame leave nothing behind', async (target) => {
    const before = await openSockets(target);
    for (let round = 0; round < 5; round++) {
      const sockets = await Promise.all(
        Array.from({ length: 20 }, () => handshake(target, { token: target.tokens.send })),
      );
      await Promise.all(
        sockets.map(async (socket) => {
          await once(socket, 'data');
          socket.write(clientFrame(1, 'half', { length: 1000n }));
          socket.resetAndDestroy();
        }),
      );
    }
    // What leaks never goes: the case runs out of time.
    while ((await openSockets(target)) > before) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok((await openSockets(target)) <= before);
  }),
];

/** What the target itself counts. */
async function openSockets(target: Target): Promise<number> {
  const { text } = await ask(target, { path: '/metrics', token: target.tokens.read });
  return Number(/^\w*http_websockets\S* (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
}

export const websocketCases: readonly HostileCase[] = [...handshakes, ...frames];
