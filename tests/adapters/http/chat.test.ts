import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { ask, codeOf, dial, raw } from '../../support/raw.ts';
import { tokens } from '../../support/scripted-tokens.ts';

let door: TestDoor;
before(async () => {
  door = await openDoor({ timings: { heartbeatMs: 20 } });
});
after(() => door.stop());

const endpoint = (): { host: string; port: number } => ({ host: '127.0.0.1', port: door.port });
const chat = (body: object, headers: Record<string, string> = {}) =>
  ask(endpoint(), { path: '/api/v1/chat', token: tokens.send, body: JSON.stringify(body), headers });

/** Resolves when a run was left by its client. */
async function leftRuns(count: number): Promise<void> {
  while (door.gateway.left.length < count) await new Promise((resolve) => setImmediate(resolve));
}

async function open(path: string, body: string | undefined, token: string): Promise<IncomingMessage> {
  const call = request({
    ...endpoint(),
    path,
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'text/event-stream' },
  });
  call.on('error', () => {});
  call.end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  response.setEncoding('utf8').on('error', () => {});
  return response;
}

/** Reads until the text holds `mark`; the rest stays for the next reader. */
function readUntil(response: IncomingMessage, mark: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const onData = (piece: string): void => {
      text += piece;
      if (!text.includes(mark)) return;
      response.off('data', onData).pause();
      resolve(text);
    };
    response.on('data', onData).resume();
  });
}

describe('chat', () => {
  test('the stream ends with exactly the answer that JSON would give, and ids are the sequence', async () => {
    const response = await open('/api/v1/chat', '{"text":"one two three","session":"s"}', tokens.send);
    // Without the charset, Python's requests would read it as Latin-1.
    assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8');
    const events = (await readUntil(response, 'event: run.finished'))
      .split('\n\n')
      .filter((text) => text.startsWith('event'));
    const types = events.map((text) => /^event: (.*)$/m.exec(text)?.[1]);
    assert.deepEqual(types, ['run.started', 'run.delta', 'run.delta', 'run.delta', 'run.finished']);
    const ids = events.map((text) => Number(/^id: (\d+)$/m.exec(text)?.[1]));
    assert.ok(
      ids.every((id, i) => i === 0 || id > (ids[i - 1] ?? 0)),
      ids.join(),
    );
    const data = (i: number): Record<string, unknown> =>
      JSON.parse(/^data: (.*)$/m.exec(events[i] ?? '')?.[1] ?? '') as Record<string, unknown>;
    assert.deepEqual(Object.keys(data(1)), ['run_id', 'text']);
    assert.deepEqual(Object.keys(data(4)), [
      'message_id',
      'run_id',
      'session',
      'reply',
      'model',
      'finish_reason',
      'usage',
      'cost',
    ]);
  });

  test('failures of the model have the status of their kind, and a stream ends with run.failed', async () => {
    const statuses = { fail: 502, slow: 504, none: 503 };
    for (const [text, status] of Object.entries(statuses)) {
      const answer = await chat({ text });
      assert.equal(answer.status, status, text);
      if (status === 503) assert.equal(answer.headers['retry-after'], '7');
    }
    const response = await open('/api/v1/chat', '{"text":"fail","stream":true}', tokens.send);
    const text = await readUntil(response, 'run.failed');
    const { error } = JSON.parse(/event: run\.failed\n(?:id: \d+\n)?data: (.*)/.exec(text)?.[1] ?? '{}') as {
      error: object;
    };
    assert.deepEqual(Object.keys(error), ['code', 'message', 'request_id']);
  });

  test('a client that leaves before the answer, or in the middle of the stream, leaves its run', async () => {
    const before = door.gateway.left.length;
    const socket = await dial(endpoint());
    const body = '{"text":"hang"}';
    socket.write(
      `POST /api/v1/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${tokens.send}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    while (door.gateway.activeRuns === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    await leftRuns(before + 1);
    const response = await open('/api/v1/chat', '{"text":"hang","stream":true}', tokens.send);
    await readUntil(response, 'run.started');
    response.destroy();
    await leftRuns(before + 2);
    assert.equal(door.gateway.activeRuns, 0);
  });

  test('a run with an idempotency key goes on without its client, and a repeat joins it', async () => {
    const body = '{"text":"hang","stream":true,"idempotency_key":"stays"}';
    const response = await open('/api/v1/chat', body, tokens.send);
    const started = await readUntil(response, 'run.started');
    const runId = /"run_id":"(\w+)"/.exec(started)?.[1] ?? '';
    const left = door.gateway.left.length;
    response.destroy();
    await leftRuns(left + 1);
    assert.equal(door.gateway.activeRuns, 1);
    const joined = chat({ text: 'hang' }, { 'idempotency-key': 'stays' });
    const aborted = await ask(endpoint(), { path: `/api/v1/runs/${runId}/abort`, method: 'POST', token: tokens.send });
    assert.equal(aborted.status, 200);
    assert.equal(codeOf(await joined), 'aborted');
  });

  test('a repeat that comes late, or after the end, hears first of the start of its run', async () => {
    const typesOf = (text: string): (string | undefined)[] =>
      [...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
    const body = '{"text":"once","stream":true,"idempotency_key":"heard"}';
    const first = await readUntil(await open('/api/v1/chat', body, tokens.send), 'event: run.finished');
    const again = await readUntil(await open('/api/v1/chat', body, tokens.send), 'event: run.finished');
    assert.deepEqual(typesOf(first), ['run.started', 'run.delta', 'run.finished']);
    assert.deepEqual(typesOf(again), ['run.started', 'run.finished']);
    const runOf = (text: string): string | undefined =>
      /run\.started\n(?:id: \d+\n)?data: .*"run_id":"(\w+)"/.exec(text)?.[1];
    assert.equal(runOf(again), runOf(first));
  });

  test('"stream": false is an answer in JSON, whatever else would be accepted', async () => {
    const answer = await chat({ text: 'x', stream: false }, { accept: 'application/json, text/event-stream' });
    assert.equal(answer.headers['content-type'], 'application/json');
  });

  test('the chat of a token that is revoked is cut off, and its run is left', async () => {
    const created = await ask(endpoint(), {
      path: '/api/v1/tokens',
      token: tokens.admin,
      body: '{"name":"short","scopes":["send"]}',
    });
    const { id, token } = created.json as { id: string; token: string };
    const left = door.gateway.left.length;
    const response = await open('/api/v1/chat', '{"text":"hang","stream":true}', token);
    await readUntil(response, 'run.started');
    const cut = new Promise((resolve) => response.resume().once('close', resolve));
    assert.equal(
      (await ask(endpoint(), { path: `/api/v1/tokens/${id}`, method: 'DELETE', token: tokens.admin })).status,
      200,
    );
    await cut;
    await leftRuns(left + 1);
  });

  test('a key in the header and another in the body is a mistake', async () => {
    assert.equal((await chat({ text: 'x', idempotency_key: 'a' }, { 'idempotency-key': 'b' })).status, 400);
    assert.equal((await chat({ text: 'x', idempotency_key: 'same' }, { 'idempotency-key': 'same' })).status, 200);
  });

  test('a quiet stream is kept alive by comments', async () => {
    const response = await open('/api/v1/chat', '{"text":"hang","stream":true}', tokens.send);
    assert.match(await readUntil(response, ': alive'), /: alive/);
    const left = door.gateway.left.length;
    response.destroy();
    await leftRuns(left + 1);
  });

  test('a reader of a stream that does not read is cut off and counted, and its run is left', async () => {
    const left = door.gateway.left.length;
    const socket = await dial(endpoint());
    const body = '{"text":"flood 20000","stream":true}';
    socket.pause();
    socket.write(
      `POST /api/v1/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${tokens.send}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await leftRuns(left + 1);
    assert.equal(door.metrics.values.get('http_refused_total{reason=slow_consumer}'), 1);
    socket.destroy();
  });
});

describe('events', () => {
  test('a returning reader gets what it missed, then what comes, once each', async () => {
    const first = door.gateway.publish({ type: 'config.reloaded', changed: ['a'], person: 'owner' });
    door.gateway.publish({ type: 'config.reloaded', changed: ['b'], person: 'owner' });
    const call = request({
      ...endpoint(),
      path: '/api/v1/events?type=config.reloaded',
      headers: { authorization: `Bearer ${tokens.read}`, 'last-event-id': String(first.seq) },
    }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.setEncoding('utf8');
    call.on('error', () => {});
    response.on('error', () => {});
    const missed = await readUntil(response, '"b"');
    assert.doesNotMatch(missed, /"a"/);
    door.gateway.publish({ type: 'config.reloaded', changed: ['c'], person: 'owner' });
    assert.match(await readUntil(response, '"c"'), /"c"/);
    response.destroy();
  });

  test('what is not kept any more is told as a gap', async () => {
    const call = request({
      ...endpoint(),
      path: '/api/v1/events',
      headers: { authorization: `Bearer ${tokens.read}`, 'last-event-id': '9007199254740991' },
    }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    call.on('error', () => {});
    response.setEncoding('utf8').on('error', () => {});
    assert.match(await readUntil(response, 'event: gap'), /event: gap/);
    response.destroy();
  });

  test('another person hears nothing of it', async () => {
    const response = await open('/api/v1/events', undefined, tokens.stranger);
    await chat({ text: 'private' });
    door.gateway.publish({ type: 'config.reloaded', changed: ['theirs'], person: 'per_stranger' });
    const heard = await readUntil(response, 'theirs');
    assert.doesNotMatch(heard, /private|run\./);
    response.destroy();
  });
});

describe('files', () => {
  const upload = (length: number | string, body: string): string =>
    `POST /api/v1/files HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${tokens.send}\r\nContent-Type: image/png\r\nContent-Length: ${length}\r\n\r\n${body}`;

  test('a file over 20 MB is refused before it is read', async () => {
    const answer = await raw(endpoint(), upload(20_000_001, 'x'), { answers: 1 });
    assert.deepEqual(answer.statuses, [413]);
  });

  test('an upload that grows past the limit without saying so is cut off', async () => {
    const chunk = Buffer.concat([Buffer.from('400000\r\n'), Buffer.alloc(0x400000), Buffer.from('\r\n')]);
    const head = upload(0, '').replace('Content-Length: 0', 'Transfer-Encoding: chunked');
    const answer = await raw(endpoint(), [head, ...Array<Buffer>(6).fill(chunk)], { answers: 1, waitMs: 5000 });
    assert.deepEqual(answer.statuses, [413]);
    assert.equal(door.gateway.files.size, 0);
  });

  test('an upload that is cut off is not stored', async () => {
    const socket = await dial(endpoint());
    socket.write(upload(1000, 'half'));
    socket.end();
    await once(socket.resume(), 'close');
    assert.equal(door.gateway.files.size, 0);
  });

  test('a form is refused instead of being kept with its boundaries; what curl calls a form is a file without a type', async () => {
    const send = (type: string) =>
      ask(endpoint(), {
        path: '/api/v1/files',
        token: tokens.send,
        body: 'plain words',
        headers: { 'content-type': type },
      });
    assert.equal((await send('multipart/form-data; boundary=x')).status, 415);
    const { json } = await send('application/x-www-form-urlencoded');
    assert.equal(json?.['mime_type'], 'application/octet-stream');
    door.gateway.files.clear();
  });

  test('a client that asks first (Expect: 100-continue) is invited only when it may send', async () => {
    const asking = (path: string, length: number): string =>
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${tokens.send}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
    const refused = await raw(endpoint(), asking('/api/v1/chat', 1_000_000), { answers: 1 });
    assert.deepEqual(refused.statuses, [413]);
    const socket = await dial(endpoint());
    socket.write(asking('/api/v1/chat', 13));
    const [invited] = (await once(socket, 'data')) as [Buffer];
    assert.match(invited.toString(), /^HTTP\/1\.1 100 /);
    socket.write('{"text":"hi"}');
    const [answered] = (await once(socket, 'data')) as [Buffer];
    assert.match(answered.toString(), /^HTTP\/1\.1 200 /);
    socket.destroy();
  });
});
