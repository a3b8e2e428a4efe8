import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { watched } from '../../../src/app/models/watch.ts';
import type { ModelEvent } from '../../../src/core/ports/provider.ts';
import { answer, failing, finish, ScriptedProvider, start, text, type Step } from '../../support/scripted-provider.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const clocks = { headersMs: 30_000, firstOutputMs: 120_000, idleMs: 60_000 };
const request = { model: 'm', system: '', messages: [], tools: [], cacheKey: '' };

function watch(script: Step[], more: { deadlineMs?: number; deaf?: boolean; abort?: AbortSignal } = {}) {
  const seen = watchOn(new VirtualClock(), script, more);
  return seen.clock.until(seen.reading).then((events) => {
    const last = events.at(-1);
    const ends = events.filter(({ type }) => type === 'finish' || type === 'error');
    assert.deepEqual(ends, [last], 'exactly one terminal event, the last');
    return { ...seen, events, error: last?.type === 'error' ? last.error : null };
  });
}

/** The same, while it runs; `on` is told of each event. */
function watchOn(
  clock: VirtualClock,
  script: Step[],
  more: { deadlineMs?: number; deaf?: boolean; abort?: AbortSignal; on?: (event: ModelEvent) => void },
) {
  const provider = new ScriptedProvider('p', clock, script);
  provider.deaf = more.deaf ?? false;
  const events: ModelEvent[] = [];
  const signal = more.abort ?? new AbortController().signal;
  const options = { clock, clocks, deadlineMs: more.deadlineMs ?? 1e9, signal };
  const reading = watched(
    (cut, emit) => provider.stream(request, cut, emit),
    options,
    (event) => {
      events.push(event);
      more.on?.(event);
    },
  ).then((end) => [...events, end]);
  return { clock, provider, reading };
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
  const { clock, provider, reading } = watchOn(new VirtualClock(), [start, text('a'), 'hang'], {
    abort: abort.signal,
    on: (event) => {
      if (event.type === 'text') setImmediate(() => abort.abort());
    },
  });
  const kinds = (await reading).map((event) => (event.type === 'error' ? event.error.kind : event.type));
  assert.deepEqual(kinds, ['start', 'text', 'aborted']);
  assert.equal(clock.monotonic(), 0);
  assert.equal(provider.signals[0]?.aborted, true);
});

test('a listener that throws cuts the request and hears nothing more', async () => {
  let heard = 0;
  const { clock, provider, reading } = watchOn(new VirtualClock(), [start, text('a'), text('b'), 'hang'], {
    on: (event) => {
      if (event.type !== 'text') return;
      heard += 1;
      throw new Error('a bug');
    },
  });
  await assert.rejects(reading, { message: 'a bug' });
  await clock.settle();
  assert.equal(heard, 1);
  assert.equal(provider.signals[0]?.aborted, true);
  assert.equal(provider.running, 0);
  assert.equal(clock.sleeping, 0);
});

test('a call that is over listens to no signal and waits for no time any more', async () => {
  for (const script of [answer, failing('server'), [start, text('Hel'), { wait: 100_000 }, finish]] as Step[][]) {
    const { signal } = new AbortController();
    const clock = new VirtualClock();
    await clock.until(watchOn(clock, script, { abort: signal }).reading);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    await clock.settle();
    assert.equal(clock.sleeping, 0);
  }
});
