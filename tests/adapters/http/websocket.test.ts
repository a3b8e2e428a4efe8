import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { clientFrame, converse, handshake } from '../../support/raw-websocket.ts';
import { tokens } from '../../support/scripted-tokens.ts';

let door: TestDoor;
before(async () => {
  door = await openDoor();
});
after(() => door.stop());

interface Frame {
  type: string;
  id?: string | number;
  payload: Record<string, unknown>;
  timestamp: string;
}

/** A well-behaved client that keeps what it heard. */
class Client {
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<number>;
  #wake = (): void => {};

  constructor(token?: string, port = door.port) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.ws = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers });
    this.ws.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Frame);
      this.#wake();
    });
    this.ws.on('error', () => {});
    this.closed = once(this.ws, 'close').then(([code]) => code as number);
  }

  send(type: string, payload: object = {}, id?: string): void {
    this.ws.send(JSON.stringify({ type, payload, ...(id === undefined ? {} : { id }) }));
  }

  /** The first frame of a type, now or when it comes. */
  async heard(type: string, id?: string): Promise<Frame> {
    for (;;) {
      const found = this.frames.find((frame) => frame.type === type && (id === undefined || frame.id === id));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async close(): Promise<void> {
    this.ws.close();
    await this.closed;
  }
}

describe('WebSocket', () => {
  test('by header: hello, ack, the run and its answer, each with the id of the frame', async () => {
    const client = new Client(tokens.send);
    await client.heard('hello');
    client.send('chat.send', { text: 'one two', session: 'ws' }, 'q1');
    const { payload } = await client.heard('run.finished');
    assert.deepEqual(
      client.frames.map(({ type }) => type),
      ['hello', 'ack', 'run.started', 'run.delta', 'run.delta', 'run.finished'],
    );
    assert.ok(client.frames.slice(1).every(({ id }) => id === 'q1'));
    assert.ok(client.frames.every(({ timestamp }) => timestamp === new Date(timestamp).toISOString()));
    assert.deepEqual(client.frames[3]?.payload, { run_id: payload['run_id'], text: 'one' });
    assert.equal(payload['session'], 'api:owner:ws');
    await client.close();
  });

  test('by first frame: what follows at once waits for the token', async () => {
    const client = new Client();
    await once(client.ws, 'open');
    client.send('auth', { token: tokens.send });
    client.send('ping', {}, 'p');
    await client.heard('pong', 'p');
    assert.deepEqual(
      client.frames.map(({ type }) => type),
      ['hello', 'pong'],
    );
    await client.close();
  });

  test('what is wrong with a frame is told under its id, be that a text or a number', async () => {
    const client = new Client(tokens.send);
    await client.heard('hello');
    const wrong: [object, string | number][] = [
      [{ type: 'ping', id: 'more', wrong: 1 }, 'more'],
      [{ type: 'ping', id: 'null', payload: null }, 'null'],
      [{ id: 'no type' }, 'no type'],
      [{ type: 'chat.send', id: 4, payload: { text: 5 } }, 4],
    ];
    for (const [frame] of wrong) client.ws.send(JSON.stringify(frame));
    client.ws.send('{"type":"ping","id":5}');
    const pong = await client.heard('pong');
    assert.equal(pong.id, 5);
    assert.deepEqual(
      client.frames.filter(({ type }) => type === 'error').map(({ id }) => id),
      wrong.map(([, id]) => id),
    );
    await client.close();
  });

  test('an abort ends the run with the code "aborted", and a run of another person is not found', async () => {
    const [client, stranger] = [new Client(tokens.send), new Client(tokens.stranger)];
    await Promise.all([client.heard('hello'), stranger.heard('hello')]);
    client.send('chat.send', { text: 'hang' }, 'a');
    const { payload } = await client.heard('ack', 'a');
    stranger.send('chat.abort', { run_id: payload['run_id'] }, 'x');
    assert.equal((await stranger.heard('error', 'x')).payload['code'], 'not_found');
    client.send('chat.abort', { run_id: payload['run_id'] }, 'b');
    const failed = await client.heard('run.failed');
    assert.equal((failed.payload['error'] as { code: string }).code, 'aborted');
    await Promise.all([client.close(), stranger.close()]);
  });

  test('a socket that closes leaves its runs', async () => {
    const client = new Client(tokens.send);
    await client.heard('hello');
    client.send('chat.send', { text: 'hang' }, 'a');
    const runId = String((await client.heard('ack')).payload['run_id']);
    client.ws.terminate();
    while (!door.gateway.left.includes(runId)) await new Promise((resolve) => setImmediate(resolve));
  });

  test('a subscriber hears sessions of its person, and its own run only once', async () => {
    const [talker, listener, stranger] = [
      new Client(tokens.send),
      new Client(tokens.read),
      new Client(tokens.stranger),
    ];
    await Promise.all([talker.heard('hello'), listener.heard('hello'), stranger.heard('hello')]);
    for (const client of [talker, listener, stranger]) client.send('subscribe', { all: true }, 's');
    await Promise.all([talker.heard('subscribed'), listener.heard('subscribed'), stranger.heard('subscribed')]);
    talker.send('chat.send', { text: 'only once', session: 'shared' }, 'q');
    await Promise.all([talker.heard('run.finished'), listener.heard('run.finished')]);
    talker.send('ping', {}, 'end');
    stranger.send('ping', {}, 'end');
    await Promise.all([talker.heard('pong'), stranger.heard('pong')]);
    assert.equal(talker.frames.filter(({ type }) => type === 'run.finished').length, 1);
    assert.equal(talker.frames.filter(({ type }) => type === 'run.delta').length, 2);
    assert.equal(listener.frames.filter(({ type }) => type === 'message').length, 2);
    assert.deepEqual(
      stranger.frames.map(({ type }) => type),
      ['hello', 'subscribed', 'pong'],
    );
    await Promise.all([talker.close(), listener.close(), stranger.close()]);
    assert.equal(door.gateway.subscriptions, 0);
  });

  test('a subscriber hears of the jobs and tasks of its person, and of nobody else’s', async () => {
    const [listener, stranger] = [new Client(tokens.read), new Client(tokens.stranger)];
    for (const client of [listener, stranger]) {
      await client.heard('hello');
      client.send('subscribe', { all: true }, 's');
      await client.heard('subscribed');
    }
    const task = { taskId: 'task_1', jobId: 'job_1', kind: 'text', state: 'completed' } as const;
    door.gateway.publish({ type: 'task.changed', ...task, person: 'owner' });
    const { payload } = await listener.heard('task.changed');
    assert.deepEqual([payload['task_id'], payload['job_id'], payload['state']], ['task_1', 'job_1', 'completed']);
    stranger.send('ping', {}, 'end');
    await stranger.heard('pong');
    assert.ok(!stranger.frames.some(({ type }) => type === 'task.changed'));
    await Promise.all([listener.close(), stranger.close()]);
  });

  test('a revoked token closes its sockets with 4401', async () => {
    const admin = await door.gateway.authenticate(tokens.admin);
    assert.ok(admin !== null);
    const made = await door.gateway.createToken(admin, { name: 'revoked', scopes: ['send'] });
    const client = new Client(made.token);
    await client.heard('hello');
    await door.gateway.revokeToken(admin, made.id);
    assert.equal(await client.closed, 4401);
  });

  test('a reader that does not read is closed, and others go on', async () => {
    const socket = await handshake({ host: '127.0.0.1', port: door.port }, { token: tokens.read });
    await once(socket, 'data');
    socket.pause();
    socket.write(clientFrame(1, JSON.stringify({ type: 'subscribe', payload: { all: true } })));
    while (door.gateway.subscriptions === 0) await new Promise((resolve) => setImmediate(resolve));
    const talker = new Client(tokens.send);
    await talker.heard('hello');
    // In portions that a client which reads has no trouble with.
    for (let i = 0; i < 20; i++) {
      talker.send('chat.send', { text: 'flood 500' }, `q${i}`);
      await talker.heard('run.finished', `q${i}`);
    }
    assert.ok((door.metrics.values.get('http_refused_total{reason=slow_consumer}') ?? 0) > 0);
    await talker.close();
    while (door.gateway.subscriptions > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    socket.destroy();
  });

  test('upgrades elsewhere than /ws are not found', async () => {
    for (const path of ['/', '/api/v1/events', '/ws/', '/wss']) {
      const { status } = await converse({ host: '127.0.0.1', port: door.port }, [], { path, token: tokens.admin });
      assert.equal(status, 404, path);
    }
  });

  test('a peer that answers no ping is dropped', async () => {
    const impatient = await openDoor({ timings: { pingMs: 20 } });
    const socket = await handshake({ host: '127.0.0.1', port: impatient.port }, { token: tokens.read });
    socket.resume();
    await once(socket, 'close');
    await impatient.stop();
  });

  test('a stopping server closes sockets with 1012 and does not abort their runs', async () => {
    const stopped = await openDoor();
    const client = new Client(tokens.send, stopped.port);
    await client.heard('hello');
    client.send('chat.send', { text: 'hang' }, 'q');
    await client.heard('ack');
    await stopped.stop();
    assert.equal(await client.closed, 1012);
    // The server's side of the closing is over too.
    while (stopped.metrics.render().includes('http_websockets 1'))
      await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(stopped.gateway.left, []);
  });

  test('a token that may only read neither says something nor stops what others began', async () => {
    const client = new Client(tokens.read);
    await client.heard('hello');
    client.send('chat.send', { text: 'hi' }, 's');
    client.send('chat.abort', { run_id: 'run_1' }, 'a');
    for (const id of ['s', 'a']) assert.equal((await client.heard('error', id)).payload['code'], 'forbidden');
    await client.close();
  });

  test('so many may wait for their token and no more, and who has shown it makes room', async () => {
    const limits = { requestsPerSecond: 500, connections: 100, connectionsPerIp: 100, pendingAuth: 2 };
    const small = await openDoor({ options: { limits } });
    const statusOfNext = (): Promise<number> =>
      new Promise((resolve) => {
        const ws = new WebSocket(`ws://127.0.0.1:${small.port}/ws`);
        ws.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
        ws.once('open', () => resolve(101));
        ws.on('error', () => {});
      });
    const first = new Client(undefined, small.port);
    const second = new Client(undefined, small.port);
    await Promise.all([once(first.ws, 'open'), once(second.ws, 'open')]);
    assert.equal(await statusOfNext(), 503);
    first.send('auth', { token: tokens.read });
    await first.heard('hello');
    assert.equal(await statusOfNext(), 101);
    await small.stop();
  });
});
