/** What a server sends, and for how long, is bounded: each of these would else go on for ever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpClient } from '../../../src/core/ports/http-client.ts';
import type { ModelEvent } from '../../../src/core/ports/provider.ts';
import type { WireDialect } from '../../support/provider-fault-server.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { collect, isTerminal, providerOf, requestFor, silentLog, textOf } from './support.ts';

const kilobyte = 'x'.repeat(1024);
const frame = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
const chunk = (delta: object, finish: string | null = null): string =>
  frame({ choices: [{ delta, finish_reason: finish }] });
const whole = `${chunk({ content: 'Hello' }, 'stop')}data: [DONE]\n\n`;

interface Sent {
  /** How many pieces were taken. */
  taken: number;
  closed: boolean;
}

/** A server that sends these pieces, one for each reading, and then nothing more until the connection is closed. */
function sending(pieces: Iterable<string>, { status = 200, type = 'text/event-stream' } = {}) {
  const sent: Sent = { taken: 0, closed: false };
  const { promise: hungUp, resolve: hangUp } = Promise.withResolvers<void>();
  const http: HttpClient = {
    request: async () => {
      const left = pieces[Symbol.iterator]();
      const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
        const { done, value } = sent.closed ? { done: true, value: '' } : left.next();
        if (done !== true) {
          sent.taken += 1;
          return { done: false, value: Buffer.from(value) };
        }
        await hungUp;
        return { done: true, value: undefined };
      };
      const body = {
        [Symbol.asyncIterator]: () => ({ next }),
        read: async (take: (bytes: Uint8Array) => boolean): Promise<void> => {
          for (let step = await next(); step.done !== true; step = await next()) if (!take(step.value)) return;
        },
        close: (): void => {
          sent.closed = true;
          hangUp();
        },
      };
      return { status, headers: { 'content-type': type }, body };
    },
  };
  return { http, sent };
}

function* endless(piece: string, count = 100_000): Generator<string> {
  for (let n = 0; n < count; n++) yield piece;
}

async function ask(
  dialect: WireDialect,
  http: HttpClient,
  more: { clock?: VirtualClock; signal?: AbortSignal; on?: (event: ModelEvent) => void } = {},
): Promise<ModelEvent[]> {
  const { clock = new VirtualClock(), signal, on } = more;
  const provider = providerOf(dialect, { id: 'p', baseUrl: 'http://127.0.0.1' }, { http, clock, log: silentLog });
  return clock.until(collect(provider, requestFor('m'), signal, on));
}

function assertError(events: readonly ModelEvent[], kind: string, detail: RegExp): void {
  const last = events.at(-1);
  assert.ok(last?.type === 'error', JSON.stringify(last));
  assert.equal(last.error.kind, kind);
  assert.match(last.error.detail, detail);
}

test('an answer in one piece of more than 8 MiB is refused', async () => {
  const { http, sent } = sending(['{"choices":"', ...endless(kilobyte.repeat(64), 200)], { type: 'application/json' });
  assertError(await ask('openai-chat', http), 'bad_response', /larger than 8388608 bytes/);
  assert.equal(sent.closed, true);
});

test('more than 128 calls of tools in one answer are refused', async () => {
  const call = (index: number): string =>
    chunk({ tool_calls: [{ index, id: `call_${index}`, function: { name: 'lookup', arguments: '{}' } }] });
  const many = (count: number): string[] => [...Array.from({ length: count }, (_, n) => call(n)), whole];
  assert.equal((await ask('openai-chat', sending(many(128)).http)).at(-1)?.type, 'finish');
  assertError(await ask('openai-chat', sending(many(129)).http), 'bad_response', /more than 128 tool calls/);
});

test('arguments and thoughts without end are refused', async () => {
  const args = chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'lookup', arguments: kilobyte } }] });
  assertError(await ask('openai-chat', sending(endless(args, 2000)).http), 'bad_response', /too long/);
  const begun = frame({ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } });
  const thought = frame({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'thinking_delta', thinking: kilobyte },
  });
  const { http, sent } = sending([begun, ...endless(thought, 2000)]);
  assertError(await ask('anthropic-messages', http), 'bad_response', /too long/);
  assert.equal(sent.closed, true, 'nobody reads on');
});

test('of a refusal only the beginning is read, and not for long', async () => {
  const talking = sending(endless(kilobyte), { status: 500 });
  assertError(await ask('openai-chat', talking.http), 'server', /^HTTP 500/);
  assert.deepEqual(talking.sent, { taken: 16, closed: true });
  const silent = sending(['{"error":'], { status: 503 });
  const clock = new VirtualClock();
  assertError(await ask('openai-chat', silent.http, { clock }), 'overloaded', /^HTTP 503/);
  assert.ok(clock.monotonic() <= 2000);
  assert.equal(silent.sent.closed, true);
});

test('a server that goes on behind the end of its answer, or does not hang up, loses the connection', async () => {
  const talking = sending([whole, ...endless(kilobyte, 100)]);
  assert.equal((await ask('openai-chat', talking.http)).at(-1)?.type, 'finish');
  await new VirtualClock().settle();
  assert.deepEqual(talking.sent, { taken: 18, closed: true });
  const silent = sending([whole]);
  const clock = new VirtualClock();
  assert.equal((await ask('openai-chat', silent.http, { clock })).at(-1)?.type, 'finish');
  assert.equal(silent.sent.closed, false);
  await clock.advance(250);
  assert.equal(silent.sent.closed, true);
});

test('an answer ends once, whatever comes with its end', async () => {
  const events = await ask('openai-chat', sending([`${whole}${whole}`]).http);
  assert.deepEqual([events.filter(isTerminal).length, textOf(events)], [1, 'Hello']);
});

test('nothing of an answer is told once its caller has left', async () => {
  const leaving = new AbortController();
  const { http, sent } = sending([chunk({ content: 'one' }) + chunk({ content: 'two' }) + whole]);
  const on = (event: ModelEvent): void => void (event.type === 'text' && leaving.abort());
  const events = await ask('openai-chat', http, { signal: leaving.signal, on });
  assert.equal(textOf(events), 'one');
  assertError(events, 'aborted', /aborted/);
  assert.equal(sent.closed, true);
});
