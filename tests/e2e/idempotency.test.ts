/** Keys, owners and histories of the built daemon: what a client may count on when it repeats itself or goes away. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, chatEvents, connect, type Answer } from '../support/gateway-client.ts';
import { answerTo, newMarker } from '../support/mock-openai.ts';
import { Rig } from './proofs/rig.ts';

interface History {
  messages: { id: string; seq: number; role: string; text: string; run_id: string }[];
  next_cursor: string | null;
}

describe('the built daemon', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.open();
    await rig.start();
  });
  after(() => rig.close());

  const chat = (body: Record<string, unknown>, headers = {}): Promise<Answer> =>
    ask(rig.target, 'POST', '/api/v1/chat', body, headers);
  const history = async (session: string, query = ''): Promise<History> =>
    (await ask<History>(rig.target, 'GET', `/api/v1/sessions/${session}/messages${query}`)).body;
  const calls = async (marker: string): Promise<{ calls: number; finished: number; cut: number }> =>
    (await rig.model.report()).markers[marker] ?? { calls: 0, finished: 0, cut: 0 };

  it('makes one run of ten equal requests at once, and tells all ten the same', async () => {
    const marker = newMarker();
    const body = { text: `ten [ttft=200] ${marker}`, session: 'ten', idempotency_key: marker };
    const answers = await Promise.all(Array.from({ length: 10 }, () => chat(body)));
    for (const { status, body } of answers) {
      assert.equal(status, 200);
      assert.deepEqual(body, answers[0]?.body);
    }
    assert.equal((await calls(marker)).calls, 1);
    assert.equal((await history('ten')).messages.length, 2);
  });

  it('refuses another body under a key that was used, and takes the header for the field', async () => {
    const marker = newMarker();
    const headers = { 'idempotency-key': marker };
    assert.equal((await chat({ text: marker, session: 'conflict' }, headers)).status, 200);
    const other = await chat({ text: `other ${marker}`, session: 'conflict', idempotency_key: marker });
    assert.equal(other.status, 409);
    assert.equal(other.body.error?.code, 'idempotency_conflict');
    const both = await chat({ text: marker, session: 'conflict', idempotency_key: 'another' }, headers);
    assert.equal(both.status, 400);
  });

  it('gives the stored answer again, by JSON and as a stream, also after a restart', async () => {
    const marker = newMarker();
    const body = { text: `again ${marker}`, session: 'again', idempotency_key: marker };
    const first = await chat(body);
    assert.equal(first.body.reply?.text, answerTo(body.text));
    await rig.stop();
    await rig.start();
    assert.deepEqual((await chat(body)).body, first.body);
    let replayed: unknown = null;
    for await (const { event, data } of chatEvents(rig.target, body)) if (event === 'run.finished') replayed = data;
    assert.deepEqual(replayed, first.body);
    assert.equal((await calls(marker)).calls, 1);
    assert.equal((await history('again')).messages.length, 2);
  });

  it('aborts a run whose only client left, and keeps the message', async () => {
    const marker = newMarker();
    const leaving = new AbortController();
    const stream = chatEvents(rig.target, { text: `[ttft=30000] ${marker}`, session: 'left' }, {}, leaving.signal);
    await assert.rejects(async () => {
      for await (const { event } of stream) if (event === 'run.started') leaving.abort();
    });
    // The model sees its caller leave: that is the end of the run.
    while ((await calls(marker)).cut === 0) await sleep(10);
    const { messages } = await history('left');
    assert.deepEqual(
      messages.map(({ role }) => role),
      ['user'],
    );
    // The model gets both questions as one turn, and the later pace holds.
    assert.equal((await chat({ text: `[ttft=0] ${newMarker()}`, session: 'left' })).status, 200);
  });

  it('goes on with a run that has a key when its client leaves, and a repeat joins it', async () => {
    const marker = newMarker();
    const body = { text: `[ttft=300] ${marker}`, session: 'stays', idempotency_key: marker };
    const leaving = new AbortController();
    await assert.rejects(async () => {
      for await (const { event } of chatEvents(rig.target, body, {}, leaving.signal)) {
        if (event === 'run.started') leaving.abort();
      }
    });
    const answer = await chat(body);
    assert.equal(answer.body.reply?.text, answerTo(body.text));
    assert.deepEqual(await calls(marker), { calls: 1, finished: 1, cut: 0 });
  });

  it('aborts on chat.abort with the code "aborted", and the socket stays', async () => {
    const socket = await connect(rig.target);
    socket.send('chat.send', { text: `[ttft=30000] ${newMarker()}`, session: 'abort' }, 'slow');
    const ack = await socket.next(({ type }) => type === 'ack');
    await socket.next(({ type }) => type === 'run.started');
    socket.send('chat.abort', { run_id: ack.payload.run_id });
    const failed = await socket.next(({ type }) => type === 'run.failed');
    assert.equal(failed.payload.error?.code, 'aborted');
    socket.send('ping', {}, 'still');
    await socket.next(({ type, id }) => type === 'pong' && id === 'still');
    await socket.close();
  });

  it('pages through a history oldest first, and knows a session by both forms of its key', async () => {
    for (let n = 0; n < 4; n++) await chat({ text: `${n} ${newMarker()}`, session: 'paging' });
    const seqs: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = `?limit=3${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page: History = await history('api:owner:paging', query);
      seqs.push(...page.messages.map(({ seq }) => seq));
      cursor = page.next_cursor;
    }
    assert.deepEqual(seqs, [1, 2, 3, 4, 5, 6, 7, 8]);
    for (const limit of ['0', '201', 'x']) {
      const answer = await ask(rig.target, 'GET', `/api/v1/sessions/paging/messages?limit=${limit}`);
      assert.equal(answer.status, 400, limit);
    }
    assert.equal((await ask(rig.target, 'GET', '/api/v1/sessions/api:someone:paging/messages')).status, 404);
  });

  it('answers a crowd of one session in the order in which it came', async () => {
    const socket = await connect(rig.target);
    const markers = Array.from({ length: 8 }, newMarker);
    for (const marker of markers) socket.send('chat.send', { text: marker, session: 'order' }, marker);
    for (let n = 0; n < markers.length; n++) await socket.next(({ type }) => type === 'run.finished');
    await socket.close();
    const { messages } = await history('order');
    assert.deepEqual(
      messages.filter(({ role }) => role === 'user').map(({ text }) => text),
      markers,
    );
  });
});
