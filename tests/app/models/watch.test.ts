import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watched } from '../../../src/app/models/watch.ts';
import type { ModelEvent } from '../../../src/core/ports/provider.ts';
import { answer, failing, finish, ScriptedProvider, start, text, type Step } from '../../support/scripted-provider.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const clocks = { headersMs: 30_000, firstOutputMs: 120_000, idleMs: 60_000 };
const request = { model: 'm', system: '', messages: [], tools: [], cacheKey: '' };

async function watch(
  script: Step[],
  more: { deadlineMs?: number; deaf?: boolean; abort?: AbortSignal; think?: number } = {},
) {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider('p', clock, script);
  provider.deaf = more.deaf ?? false;
  const events: ModelEvent[] = [];
  const reading = (async () => {
    const signal = more.abort ?? new AbortController().signal;
    const options = { clock, clocks, deadlineMs: more.deadlineMs ?? 1e9, signal };
    for await (const event of watched((cut) => provider.stream(request, cut), options)) {
      events.push(event);
      if (more.think !== undefined) await clock.sleep(more.think);
    }
  })();
  await clock.until(reading);
  const last = events.at(-1);
  const ends = events.filter(({ type }) => type === 'finish' || type === 'error');
  assert.deepEqual(ends, [last], 'exactly one terminal event, the last');
  return { events, clock, provider, error: last?.type === 'error' ? last.error : null };
}

const ping: Step = { type: 'status', state: 'ping' };

test('a whole answer passes as it is', async () => {
  const { events, error, clock, provider } = await watch(answer);
  assert.equal(error, null);
  assert.deepEqual(events, answer);
  await clock.settle();
  assert.equal(clock.sleeping, 0, 'no timer stays behind');
  assert.equal(provider.signals[0]?.aborted, false, 'a finished stream is not cut: its connection is reused');
});

test('headers that never come end after the headers clock', async () => {
  const { error, clock, provider } = await watch(['hang']);
  assert.equal(error?.kind, 'timeout_headers');
  assert.equal(error?.phase, 'headers');
  assert.equal(clock.monotonic(), 30_000);
  assert.equal(provider.signals[0]?.aborted, true);
});

test('heartbeats are no output: the first-output clock runs on', async () => {
  const pings = Array.from({ length: 50 }, (): Step[] => [{ wait: 10_000 }, ping]).flat();
  const { error, clock } = await watch([start, ...pings, ...answer]);
  assert.equal(error?.kind, 'timeout_first');
  assert.equal(error?.phase, 'before_output');
  assert.equal(clock.monotonic(), 120_000);
});

test('a stall in the middle ends after the idle clock, counted from the last output', async () => {
  const { error, clock } = await watch([
    start,
    { wait: 100_000 },
    text('a'),
    { wait: 50_000 },
    text('b'),
    { wait: 5000 },
    ping,
    'hang',
  ]);
  assert.equal(error?.kind, 'timeout_idle');
  assert.equal(error?.phase, 'mid_output');
  assert.equal(clock.monotonic(), 210_000);
});

test('a shorter clock takes over from a longer one that runs already', async () => {
  const { error, clock } = await watch([start, { wait: 31_000 }, text('a'), 'hang']);
  assert.equal(error?.kind, 'timeout_idle');
  assert.equal(clock.monotonic(), 91_000);
});

test('thinking and tool calls count as output', async () => {
  const thinking: Step = { type: 'reasoning', text: 'hm' };
  const { error } = await watch([
    start,
    { wait: 119_000 },
    thinking,
    { wait: 59_000 },
    thinking,
    { wait: 59_000 },
    text('x'),
    finish,
  ]);
  assert.equal(error, null);
});

test('a consumer that is slow to ask does not make a provider look stalled', async () => {
  const { error, clock } = await watch([start, text('a'), text('b'), finish], { think: 300_000 });
  assert.equal(error, null);
  assert.equal(clock.monotonic(), 1_200_000);
});

test('the deadline of the run wins over every clock', async () => {
  const { error, clock } = await watch([start, text('a'), 'hang'], { deadlineMs: 7000 });
  assert.equal(error?.kind, 'deadline');
  assert.equal(clock.monotonic(), 7000);
});

test('a stream that just ends was cut off', async () => {
  assert.equal((await watch([])).error?.phase, 'headers');
  assert.equal((await watch([start])).error?.phase, 'before_output');
  const { error } = await watch([start, text('Hel')]);
  assert.deepEqual([error?.kind, error?.phase, error?.accepted], ['stream_incomplete', 'mid_output', 'yes']);
});

test('what comes after the terminal event is not heard', async () => {
  const { events } = await watch([start, text('a'), finish, text('b'), ...failing('server')]);
  assert.equal(events.length, 3);
});

test('an adapter that throws becomes an error, an adapter that ignores its signal is left behind', async () => {
  assert.equal((await watch([start, { throws: 'bug' }])).error?.kind, 'bad_response');
  assert.equal((await watch([start, 'hang'], { deaf: true })).error?.kind, 'timeout_first');
});

test('an abort ends it at once, before and while it runs', async () => {
  assert.equal((await watch(answer, { abort: AbortSignal.abort() })).error?.kind, 'aborted');
  const abort = new AbortController();
  const clock = new VirtualClock();
  const provider = new ScriptedProvider('p', clock, [start, text('a'), 'hang']);
  const kinds: string[] = [];
  for await (const event of watched((cut) => provider.stream(request, cut), {
    clock,
    clocks,
    deadlineMs: 1e9,
    signal: abort.signal,
  })) {
    kinds.push(event.type === 'error' ? event.error.kind : event.type);
    if (event.type === 'text') setImmediate(() => abort.abort());
  }
  assert.deepEqual(kinds, ['start', 'text', 'aborted']);
  assert.equal(clock.monotonic(), 0);
  assert.equal(provider.signals[0]?.aborted, true);
});

test('a consumer that leaves cuts the request', async () => {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider('p', clock, [start, text('a'), 'hang']);
  const signal = new AbortController().signal;
  for await (const event of watched((cut) => provider.stream(request, cut), {
    clock,
    clocks,
    deadlineMs: 1e9,
    signal,
  })) {
    if (event.type === 'text') break;
  }
  await clock.settle();
  assert.equal(provider.signals[0]?.aborted, true);
  assert.equal(provider.running, 0);
  assert.equal(clock.sleeping, 0);
});
