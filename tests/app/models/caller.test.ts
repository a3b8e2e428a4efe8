import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallEvent } from '../../../src/app/models/caller.ts';
import type { ProviderErrorKind, Usage } from '../../../src/core/ports/provider.ts';
import { CallRows, callerOver, configured, courseOf } from '../../support/model-calls.ts';
import {
  answer,
  failing,
  finish,
  ScriptedProvider,
  start,
  text,
  usage,
  type Step,
} from '../../support/scripted-provider.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/** One provider that plays these scripts. */
async function single(...scripts: Step[][]) {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider('p', clock, ...scripts);
  return { clock, provider, ...(await callerOver({ providers: [provider], clock })) };
}

/** A provider with a fallback that answers. */
async function pair(...scripts: Step[][]) {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider('p', clock, ...scripts);
  const other = new ScriptedProvider('q', clock, answer);
  return { clock, provider, other, ...(await callerOver({ providers: [provider, other], clock })) };
}

const partial = (kind: ProviderErrorKind): Step[] => [
  start,
  text('Hel'),
  ...failing(kind, { phase: 'mid_output', accepted: 'yes' }),
];

test('a good call: one attempt, its text, its usage and price, a complete ledger row', async () => {
  const { caller, clock, rows, tally } = await single(answer);
  const { end, types } = await clock.until(courseOf(caller, clock));
  assert.equal(types, 'attempt text usage finished');
  assert.ok(end.type === 'finished');
  assert.equal(end.model, 'p/m1');
  assert.ok(Math.abs((end.cost ?? 0) - (10 * 1 + 5 * 0.1 + 2 * 10) / 1e6) < 1e-12);
  assert.deepEqual(
    end.attempts.map(({ n, outcome, model }) => [n, outcome, model]),
    [[1, 'ok', 'm1']],
  );
  assert.equal(rows.attempts.get('run_1/1')?.outcome, null, 'the row was written when the attempt began');
  assert.equal(tally.counts.get('provider_calls_total p m1 ok'), 1);
  assert.equal(tally.counts.get('provider_tokens_total p m1 cache_read'), 5);
  assert.equal(clock.sleeping, 0);
});

test('what a provider did not report is estimated and says so, for whole answers and for what broke off', async () => {
  const whole = await single([start, text('Hello, world'), finish]);
  const { end } = await whole.clock.until(courseOf(whole.caller, whole.clock));
  assert.ok(end.type === 'finished' && end.usage?.estimated === true);
  assert.ok(end.usage.input > 0 && end.usage.output === 3, JSON.stringify(end.usage));
  const thinking = { type: 'reasoning', text: 'a'.repeat(400) } as const;
  const cut = await single([start, thinking, text('Hel'), ...failing('network', { phase: 'mid_output' })]);
  const { end: failed } = await cut.clock.until(courseOf(cut.caller, cut.clock, { visible: () => true }));
  const [row] = failed.attempts;
  assert.ok(row?.usage?.estimated === true && row.usage.input > 0 && row.usage.output === 101);
});

test('tokens that are no whole numbers are counted whole, and what can be no count is estimated', async () => {
  const ledger = async (more: Partial<Usage>): Promise<Usage | null | undefined> => {
    const told = { ...usage, usage: { ...usage.usage, ...more } };
    const { caller, clock } = await single([start, text('Hello, world'), told, finish]);
    return (await clock.until(courseOf(caller, clock))).end.attempts[0]?.usage;
  };
  assert.deepEqual(await ledger({ input: 10.7, output: 2.2 }), { ...usage.usage, input: 11 });
  for (const input of [1e308, -1, Number.NaN]) assert.equal((await ledger({ input }))?.estimated, true, String(input));
});

test('an answer that broke off costs what was heard of it when the provider reported only its beginning', async () => {
  const beginning = { ...usage, usage: { ...usage.usage, output: 1 } };
  const heard = text('a'.repeat(400));
  const { caller, clock } = await single([start, beginning, heard, ...failing('network', { phase: 'mid_output' })]);
  const { end } = await clock.until(courseOf(caller, clock, { visible: () => true }));
  assert.deepEqual(end.attempts[0]?.usage, { ...usage.usage, output: 100, estimated: true });
});

test('each attempt makes its request anew, and no attempt keeps the one before', async () => {
  const { caller, clock, provider } = await single(failing('overloaded'), answer);
  let made = 0;
  const { end } = await clock.until(courseOf(caller, clock, { made: () => void made++ }));
  assert.equal(end.type, 'finished');
  assert.deepEqual([made, provider.hits], [2, 2]);
});

test('a model without a known price has a null cost', async () => {
  const { caller, clock, tally } = await single(answer);
  const { end } = await clock.until(courseOf(caller, clock, { candidates: caller.resolve('p/free') }));
  assert.equal(end.type === 'finished' && end.cost, null);
  assert.equal(tally.counts.get('provider_price_unknown_total p free'), 1);
});

/** Kind, requests to the failing provider when it stands alone, whether a fallback answers, the code of the failure. */
const faults: [ProviderErrorKind, number, boolean, string][] = [
  ['rate_limited', 3, true, 'provider'],
  ['overloaded', 3, true, 'provider'],
  ['network', 3, true, 'provider'],
  ['server', 2, true, 'provider'],
  ['timeout_headers', 2, true, 'timeout'],
  ['timeout_first', 2, true, 'timeout'],
  ['stream_incomplete', 2, true, 'provider'],
  ['bad_response', 2, true, 'provider'],
  ['auth', 1, true, 'provider'],
  ['permission', 1, true, 'provider'],
  ['billing', 1, true, 'provider'],
  ['quota_exhausted', 1, true, 'provider'],
  ['model_not_found', 1, true, 'provider'],
  ['request_too_large', 1, true, 'provider'],
  ['invalid_request', 1, false, 'provider'],
  ['context_overflow', 1, false, 'provider'],
  ['content_refused', 1, false, 'provider'],
  ['tools_unsupported', 1, false, 'provider'],
];

for (const [kind, hits, failover, code] of faults) {
  test(`${kind}: ${hits} requests, then ${failover ? 'the fallback answers' : 'it fails'}; the next call works`, async () => {
    const alone = await single(...Array.from({ length: hits }, () => failing(kind)), answer);
    const { end } = await alone.clock.until(courseOf(alone.caller, alone.clock));
    assert.equal(alone.provider.hits, hits);
    assert.ok(end.type === 'failed');
    assert.equal(end.error.code, code);
    assert.equal(end.cause?.kind, kind);
    assert.deepEqual(
      end.attempts.map(({ outcome, usage }) => [outcome, usage]),
      Array.from({ length: hits }, () => [kind, null]),
    );
    const next = await alone.clock.until(courseOf(alone.caller, alone.clock));
    assert.equal(next.end.type, 'finished');

    const both = await pair(failing(kind));
    const course = await both.clock.until(courseOf(both.caller, both.clock));
    assert.equal(both.provider.hits, hits);
    assert.equal(both.other.hits, failover ? 1 : 0);
    assert.equal(course.end.type, failover ? 'finished' : 'failed');
    if (course.end.type === 'finished') assert.equal(course.end.model, 'q/m1');
  });
}

test('a failure that passes is retried and says that what was said is void', async () => {
  const { caller, clock, rows } = await single(partial('network'), answer);
  const { types, end } = await clock.until(courseOf(caller, clock));
  assert.equal(types, 'attempt text retrying attempt text usage finished');
  assert.deepEqual(
    end.attempts.map(({ outcome, usage }) => [outcome, usage?.estimated]),
    [
      ['network', true],
      ['ok', false],
    ],
  );
  await clock.settle();
  assert.equal(rows.attempts.get('run_1/1')?.outcome, 'network', 'the failed row was completed when the next began');
});

test('a request that was perhaps accepted is repeated once, not twice', async () => {
  const { caller, clock, provider } = await single(failing('network', { accepted: 'maybe' }));
  await clock.until(courseOf(caller, clock));
  assert.equal(provider.hits, 2);
});

for (const kind of ['network', 'timeout_idle', 'stream_incomplete', 'overloaded', 'rate_limited'] as const) {
  test(`${kind} after text that was seen: no second generation, neither here nor elsewhere`, async () => {
    const { caller, clock, provider, other } = await pair(partial(kind));
    const { end, types } = await clock.until(courseOf(caller, clock, { visible: () => true }));
    assert.equal(types, 'attempt text failed');
    assert.equal(end.type, 'failed');
    assert.deepEqual([provider.hits, other.hits], [1, 0]);
  });
}

test('a client that watches but has seen nothing yet does not forbid a retry', async () => {
  const { caller, clock, provider } = await single(failing('overloaded'), answer);
  const { end } = await clock.until(courseOf(caller, clock, { visible: () => true }));
  assert.equal(end.type, 'finished');
  assert.equal(provider.hits, 2);
});

test('Retry-After: 1 is waited for, and nothing shorter', async () => {
  const { caller, clock, provider } = await single(failing('rate_limited', { retryAfterMs: 1000 }), answer);
  const { end, events } = await clock.until(courseOf(caller, clock));
  assert.equal(end.type, 'finished');
  assert.equal(provider.hits, 2);
  assert.ok(clock.monotonic() >= 1000 && clock.monotonic() <= 1100);
  assert.ok(events.some((event) => event.type === 'retrying' && event.delayMs >= 1000));
});

test('Retry-After: 65 is never shortened: the model rests, the reset time is told, nobody asks before', async () => {
  const { caller, clock, provider } = await single(failing('rate_limited', { retryAfterMs: 65_000 }), answer);
  const { end } = await clock.until(courseOf(caller, clock));
  assert.ok(end.type === 'failed');
  assert.deepEqual([end.error.code, end.error.retryAfterMs], ['provider_unavailable', 65_000]);
  await clock.advance(64_000);
  const early = await clock.until(courseOf(caller, clock));
  assert.ok(early.end.type === 'failed');
  assert.equal(early.types, 'failed');
  assert.deepEqual([early.end.error.code, early.end.error.retryAfterMs], ['provider_unavailable', 1000]);
  assert.equal(provider.hits, 1);
  await clock.advance(1000);
  assert.equal((await clock.until(courseOf(caller, clock))).end.type, 'finished');
});

test('a hint past the deadline is not waited for', async () => {
  const { caller, clock, provider } = await single(failing('overloaded', { retryAfterMs: 10_000 }), answer);
  const { end } = await clock.until(courseOf(caller, clock, { deadlineMs: 5000 }));
  assert.ok(end.type === 'failed');
  assert.equal(end.error.retryAfterMs, 10_000);
  assert.equal(provider.hits, 1);
  assert.equal(clock.monotonic(), 0);
});

test('a call does not spend more than its budget on waiting', async () => {
  const { caller, clock, provider } = await single(failing('rate_limited', { retryAfterMs: 50_000 }));
  const { end } = await clock.until(courseOf(caller, clock));
  assert.ok(end.type === 'failed' && end.error.retryAfterMs === 50_000);
  assert.equal(provider.hits, 2);
});

test('a call whose time is over asks nobody', async () => {
  const { caller, clock, provider } = await single(answer);
  const { end, types } = await clock.until(courseOf(caller, clock, { deadlineMs: 0 }));
  assert.ok(end.type === 'failed' && end.error.code === 'timeout');
  assert.equal(types, 'failed');
  assert.equal(provider.hits, 0);
});

test('a restart forgets a refused key, so that a mended one counts at once', async () => {
  const { caller, clock, rows } = await pair(failing('auth'));
  await clock.until(courseOf(caller, clock));
  assert.deepEqual([...rows.rests.keys()], ['p/*']);
  const mended = new ScriptedProvider('p', clock, answer);
  const other = new ScriptedProvider('q', clock, answer);
  const restarted = await callerOver({ providers: [mended, other], clock, rows });
  await clock.until(courseOf(restarted.caller, clock));
  assert.deepEqual([mended.hits, other.hits], [1, 0]);
  assert.equal(rows.rests.size, 0);
});

test('rests of made-up model names do not grow without bound, neither in memory nor in the store', async () => {
  const { caller, clock, rows } = await single(failing('rate_limited', { retryAfterMs: 65_000 }));
  for (let i = 0; i < 510; i++)
    await clock.until(courseOf(caller, clock, { candidates: caller.resolve(`p/made-up-${i}`) }));
  assert.equal(rows.rests.size, 500);
  assert.ok(!rows.rests.has('p/made-up-0') && rows.rests.has('p/made-up-509'));
});

test('a rest survives a restart, to the millisecond', async () => {
  const rows = new CallRows();
  const clock = new VirtualClock();
  const before = new ScriptedProvider('p', clock, failing('rate_limited', { retryAfterMs: 65_000 }));
  const first = await callerOver({ providers: [before], clock, rows });
  await clock.until(courseOf(first.caller, clock));
  await clock.advance(5000);
  const after = new ScriptedProvider('p', clock, answer);
  const second = await callerOver({ providers: [after], clock, rows });
  const { end } = await clock.until(courseOf(second.caller, clock));
  assert.ok(end.type === 'failed');
  assert.equal(end.error.retryAfterMs, 60_000);
  assert.equal(after.hits, 0);
  assert.equal(second.caller.status()[0]?.cooldownUntil, clock.now() + 60_000);
  await clock.advance(60_000);
  assert.equal((await clock.until(courseOf(second.caller, clock))).end.type, 'finished');
  await clock.settle();
  assert.equal(rows.rests.size, 0, 'a success is stored, too');
});

test('fallback is for one turn: the next begins with the first choice again', async () => {
  const { caller, clock, provider, other } = await pair(failing('model_not_found'), answer);
  const { events } = await clock.until(courseOf(caller, clock));
  assert.ok(events.some((event) => event.type === 'fallback' && event.from === 'p/m1' && event.to === 'q/m1'));
  const next = await clock.until(courseOf(caller, clock));
  assert.ok(next.end.type === 'finished' && next.end.model === 'p/m1');
  assert.deepEqual([provider.hits, other.hits], [2, 1]);
});

test('a model that somebody chose is strict: no fallback', async () => {
  const { caller, clock, other } = await pair(failing('auth'));
  const { end } = await clock.until(courseOf(caller, clock, { candidates: caller.resolve('p') }));
  assert.equal(end.type, 'failed');
  assert.equal(other.hits, 0);
});

test('a refused key gives way to the fallback, and where there is none is tried again at once', async () => {
  const { caller, clock, provider, other } = await pair(failing('auth'), answer);
  await clock.until(courseOf(caller, clock));
  await clock.until(courseOf(caller, clock));
  assert.deepEqual([provider.hits, other.hits], [1, 2]);
  const { end } = await clock.until(courseOf(caller, clock, { candidates: caller.resolve('p/other') }));
  assert.equal(end.type, 'finished', 'the mended key works without waiting');
  await clock.until(courseOf(caller, clock));
  assert.equal(provider.hits, 3, 'and counts for all models of the provider');
});

test('a refused key is named with the setting that mends it', async () => {
  const { caller, clock } = await single(failing('auth', { status: 401 }));
  const { end } = await clock.until(courseOf(caller, clock));
  assert.ok(end.type === 'failed');
  assert.match(end.error.message, /key of provider "p" was refused; check providers\.p\.api_key/);
  assert.equal(caller.status()[0]?.state, 'down');
});

test('a mended configuration lifts the rests of that provider and of no other', async () => {
  const { caller, clock, provider, other, rows } = await pair(failing('rate_limited', { retryAfterMs: 500_000 }));
  await clock.until(courseOf(caller, clock));
  caller.configure(new Map([configured(provider), configured(other)]), { default: 'p', fallback: ['q'] });
  assert.equal(caller.status()[0]?.state, 'degraded', 'the same provider still rests');
  const mended = new ScriptedProvider('p', clock, answer);
  caller.configure(new Map([configured(mended), configured(other)]), { default: 'p', fallback: ['q'] });
  const { end } = await clock.until(courseOf(caller, clock));
  assert.ok(end.type === 'finished' && end.model === 'p/m1');
  assert.equal(rows.rests.size, 0);
});

test('a reload leaves running calls what they have', async () => {
  const { caller, clock, provider } = await single([start, text('a'), { wait: 1000 }, text('b'), usage, finish]);
  const other = new ScriptedProvider('q', clock, answer);
  let said = '';
  const course = courseOf(caller, clock, {
    on: (event) => {
      if (event.type !== 'text') return;
      said += event.text;
      caller.configure(new Map([configured(other)]), { default: 'q', fallback: [] });
    },
  });
  const { end } = await clock.until(course);
  assert.ok(end.type === 'finished' && end.model === 'p/m1' && said === 'ab');
  const next = await clock.until(courseOf(caller, clock));
  assert.ok(next.end.type === 'finished' && next.end.model === 'q/m1');
  assert.equal(provider.hits, 1);
});

test('a raised limit lets those in who wait', async () => {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider('p', clock, [start, { wait: 100 }, text('a'), finish]);
  const { caller } = await callerOver({ providers: [provider], clock, maxConcurrency: 1 });
  const courses = Promise.all([1, 2, 3].map(() => courseOf(caller, clock)));
  await clock.settle();
  assert.equal(caller.status()[0]?.active, 1);
  caller.configure(new Map([configured(provider, { maxConcurrency: 3 })]), { default: 'p', fallback: [] });
  assert.equal(caller.status()[0]?.active, 3);
  await clock.until(courses);
});

test('a chain that names what is not there changes nothing', async () => {
  const { caller, clock, provider } = await single(answer);
  assert.throws(() => caller.configure(new Map([configured(provider)]), { default: 'nope', fallback: [] }), {
    code: 'unknown_model',
  });
  assert.equal((await clock.until(courseOf(caller, clock))).end.type, 'finished');
});

test('models are found by provider, by provider and model, by default model, and otherwise listed', async () => {
  const { caller } = await pair(answer);
  const names = (wanted: string | null) => caller.resolve(wanted).map(({ name }) => name);
  assert.deepEqual(names(null), ['p/m1', 'q/m1']);
  assert.deepEqual(names('q'), ['q/m1']);
  assert.deepEqual(names('q/vendor/model:7b'), ['q/vendor/model:7b']);
  assert.deepEqual(names('m1'), ['p/m1']);
  for (const bad of ['x', 'x/y', 'q/', 'q/a b', 'q/\u0000', `q/${'x'.repeat(201)}`]) {
    assert.throws(() => names(bad), {
      kind: 'invalid_input',
      code: 'unknown_model',
      message: /Configured are: p\/m1, q\/m1\./,
    });
  }
});

test('a provider without a default model is only asked for a model that is named', async () => {
  const { caller, provider } = await single(answer);
  caller.configure(new Map([configured(provider, { model: '' })]), { default: 'p/m', fallback: [] });
  assert.deepEqual(
    caller.resolve('p/x').map(({ name }) => name),
    ['p/x'],
  );
  for (const bad of ['p', ''])
    assert.throws(() => caller.resolve(bad), { code: 'unknown_model', message: /p\/<model>/ });
});

test('five calls that gave up open the breaker; it is told, and nobody asks while it is open', async () => {
  const { caller, clock, provider, published } = await single(failing('server'));
  for (let i = 0; i < 5; i++) await clock.until(courseOf(caller, clock));
  assert.equal(provider.hits, 10);
  const { end } = await clock.until(courseOf(caller, clock));
  assert.ok(end.type === 'failed' && end.error.code === 'provider_unavailable' && (end.error.retryAfterMs ?? 0) > 0);
  assert.equal(provider.hits, 10);
  const states = published.flatMap((event) => (event.type === 'provider.state' ? [event.state] : []));
  assert.equal(states.at(-1), 'down');
});

test('after the rest one call tries while fifty wait; when it answers they all go on', async () => {
  const { caller, clock, provider } = await single(
    failing('rate_limited', { retryAfterMs: 65_000 }),
    [start, { wait: 3000 }, text('hi'), finish],
    answer,
  );
  await clock.until(courseOf(caller, clock));
  await clock.advance(65_000);
  const calls = Promise.all(Array.from({ length: 50 }, () => courseOf(caller, clock)));
  await clock.advance(2999);
  assert.equal(provider.hits, 2, 'a single probe');
  const courses = await clock.until(calls);
  assert.ok(courses.every(({ end }) => end.type === 'finished'));
  assert.equal(provider.hits, 51);
  assert.ok(provider.peak <= 4, 'and never more at once than configured');
});

test('after the rest one call tries while fifty wait; when it fails nobody else asks', async () => {
  const { caller, clock, provider } = await single(failing('rate_limited', { retryAfterMs: 65_000 }), [
    start,
    { wait: 3000 },
    ...failing('server'),
  ]);
  await clock.until(courseOf(caller, clock));
  await clock.advance(65_000);
  const courses = await clock.until(Promise.all(Array.from({ length: 50 }, () => courseOf(caller, clock))));
  assert.equal(provider.hits, 2);
  assert.ok(courses.every(({ end }) => end.type === 'failed'));
});

test('a probe that is aborted hands its turn on, to one', async () => {
  const limited = failing('rate_limited', { retryAfterMs: 65_000 });
  const { caller, clock, provider } = await single(
    limited,
    [start, 'hang'],
    [start, { wait: 1000 }, text('a'), finish],
  );
  await clock.until(courseOf(caller, clock));
  await clock.advance(65_000);
  const abort = new AbortController();
  const probing = courseOf(caller, clock, { signal: abort.signal });
  const waiting = Promise.all([courseOf(caller, clock), courseOf(caller, clock)]);
  await clock.settle();
  abort.abort();
  const { end } = await probing;
  assert.ok(end.type === 'failed' && end.error.code === 'aborted');
  await clock.settle();
  assert.equal(provider.hits, 3);
  for (const course of await clock.until(waiting)) assert.equal(course.end.type, 'finished');
  assert.equal(provider.hits, 4);
});

const throwsAtText = (event: CallEvent): void => {
  if (event.type === 'text') throw new Error('a bug');
};

test('a call that a bug ends while it probes hands its turn on', async () => {
  const limited = failing('rate_limited', { retryAfterMs: 65_000 });
  const { caller, clock } = await single(limited, [start, text('a'), 'hang'], answer);
  await clock.until(courseOf(caller, clock));
  await clock.advance(65_000);
  await clock.until(courseOf(caller, clock, { on: throwsAtText }));
  assert.equal((await clock.until(courseOf(caller, clock))).end.type, 'finished');
});

test('a chain is gone down in order, each model once, whoever of it rests', async () => {
  const clock = new VirtualClock();
  const resting = new ScriptedProvider('p', clock, failing('rate_limited', { retryAfterMs: 65_000 }));
  const broken = new ScriptedProvider('q', clock, failing('model_not_found'));
  const good = new ScriptedProvider('r', clock, answer);
  const { caller } = await callerOver({ providers: [resting, broken, good], clock });
  for (let i = 0; i < 2; i++) {
    const { end } = await clock.until(courseOf(caller, clock));
    assert.ok(end.type === 'finished' && end.model === 'r/m1');
  }
  assert.deepEqual([resting.hits, broken.hits, good.hits], [1, 2, 2]);
});

test('calls that stand in the queue of a provider that broke down do not all find out for themselves', async () => {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider('p', clock, [start, { wait: 1000 }, ...failing('server')]);
  const { caller } = await callerOver({ providers: [provider], clock, maxConcurrency: 4 });
  const courses = await clock.until(Promise.all(Array.from({ length: 100 }, () => courseOf(caller, clock))));
  assert.ok(courses.every(({ end }) => end.type === 'failed'));
  assert.ok(provider.hits < 115, `${provider.hits} requests, not 200`);
  assert.equal(caller.status()[0]?.active, 0);
});

test('empty answers do not count as an outage', async () => {
  const { caller, clock, provider } = await single([start, finish]);
  for (let i = 0; i < 6; i++) assert.equal((await clock.until(courseOf(caller, clock))).end.type, 'finished');
  assert.equal(provider.hits, 12);
});

test('when the whole chain fails, the failure tells about each of it', async () => {
  const clock = new VirtualClock();
  const refused = new ScriptedProvider('p', clock, failing('auth'));
  const missing = new ScriptedProvider('q', clock, failing('model_not_found'));
  const { caller } = await callerOver({ providers: [refused, missing], clock });
  const { end } = await clock.until(courseOf(caller, clock));
  assert.ok(end.type === 'failed');
  assert.match(end.error.message, /^No model could answer\. .*providers\.p\.api_key.*providers\.q\.model/);
  assert.equal(end.error.code, 'provider');
});

test('a success that began before a rest does not end it', async () => {
  const { caller, clock, provider } = await single(
    [start, text('slow'), { wait: 5000 }, finish],
    failing('rate_limited', { retryAfterMs: 65_000 }),
    answer,
  );
  const slow = courseOf(caller, clock);
  await clock.settle();
  await clock.until(courseOf(caller, clock));
  await clock.until(slow);
  const { end } = await clock.until(courseOf(caller, clock));
  assert.equal(end.type, 'failed');
  assert.equal(provider.hits, 2);
});

test('an abort ends a call at once: in its stream, in its wait between attempts, in the queue', async () => {
  const streaming = await single([start, text('a'), 'hang']);
  const sleeping = await single(failing('rate_limited', { retryAfterMs: 50_000 }));
  const queued = await callerOver({ providers: [streaming.provider], clock: streaming.clock, maxConcurrency: 1 });
  const busy = new AbortController();
  const holder = courseOf(queued.caller, streaming.clock, { signal: busy.signal });
  for (const [caller, clock] of [
    [streaming.caller, streaming.clock],
    [sleeping.caller, sleeping.clock],
    [queued.caller, streaming.clock],
  ] as const) {
    const abort = new AbortController();
    const course = courseOf(caller, clock, { signal: abort.signal });
    await clock.settle();
    await clock.settle();
    abort.abort();
    const { end } = await course;
    assert.ok(end.type === 'failed');
    assert.equal(end.error.code, 'aborted');
    assert.equal(clock.monotonic(), 0, 'no time passed');
  }
  busy.abort();
  await holder;
  assert.equal(queued.caller.status()[0]?.active, 0);
});

test('a call that waits for its turn does not wait past its deadline', async () => {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider('p', clock, [start, text('a'), { wait: 30_000 }, finish]);
  const { caller } = await callerOver({ providers: [provider], clock, maxConcurrency: 1 });
  const first = courseOf(caller, clock);
  await clock.settle();
  const { end } = await clock.until(courseOf(caller, clock, { deadlineMs: 10_000 }));
  assert.ok(end.type === 'failed');
  assert.equal(end.error.code, 'timeout');
  assert.equal(clock.monotonic(), 10_000);
  assert.equal((await clock.until(first)).end.type, 'finished');
});

test('a hundred calls share the slots of a provider and all come through', async () => {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider('p', clock, [start, { wait: 100 }, text('a'), finish]);
  const { caller, tally } = await callerOver({ providers: [provider], clock, maxConcurrency: 3 });
  const courses = Promise.all(Array.from({ length: 100 }, () => courseOf(caller, clock)));
  await clock.settle();
  assert.deepEqual(tally.read('provider_waiting'), [[{ provider: 'p' }, 97]]);
  assert.ok((await clock.until(courses)).every(({ end }) => end.type === 'finished'));
  assert.equal(provider.peak, 3);
  assert.equal(clock.sleeping, 0);
});

test('timeouts of the three clocks reach the caller as timeouts, with the setting to change', async () => {
  for (const [script, setting] of [
    [['hang'], /headers_timeout/],
    [[start, 'hang'], /first_output_timeout/],
    [[start, text('a'), 'hang'], /idle_timeout/],
  ] as [Step[], RegExp][]) {
    const { caller, clock, provider } = await single(script);
    const { end } = await clock.until(courseOf(caller, clock));
    assert.ok(end.type === 'failed');
    assert.equal(end.error.code, 'timeout');
    assert.match(end.error.message, setting);
    assert.equal(provider.hits, 2);
  }
});

test('an empty answer is asked for once more, then by the fallback, and otherwise stays what it is', async () => {
  const empty: Step[] = [start, usage, finish];
  const mended = await single(empty, answer);
  assert.equal(
    (await mended.clock.until(courseOf(mended.caller, mended.clock))).types,
    'attempt usage retrying attempt text usage finished',
  );
  const alone = await single(empty);
  const { end } = await alone.clock.until(courseOf(alone.caller, alone.clock));
  assert.ok(end.type === 'finished' && end.reason === 'stop');
  assert.equal(alone.provider.hits, 2);
  const both = await pair(empty);
  const course = await both.clock.until(courseOf(both.caller, both.clock));
  assert.ok(course.end.type === 'finished' && course.end.model === 'q/m1');
});

test('an answer that is only a tool call, or was cut by its length, is not empty', async () => {
  const call: Step = { type: 'tool_call', id: 'a', name: 'look', args: {} };
  const { caller, clock } = await single([start, call, { type: 'finish', reason: 'tool_calls', raw: 'tool_calls' }]);
  assert.equal((await clock.until(courseOf(caller, clock))).types, 'attempt tool_call finished');
  const cut = await single([start, { type: 'finish', reason: 'length', raw: 'length' }]);
  assert.equal((await cut.clock.until(courseOf(cut.caller, cut.clock))).types, 'attempt finished');
});

test('a model that cannot call tools is asked without them, and that is remembered', async () => {
  const { caller, clock, provider } = await single(failing('tools_unsupported'), answer);
  const { end } = await clock.until(courseOf(caller, clock, { tools: true }));
  assert.equal(end.type, 'finished');
  await clock.until(courseOf(caller, clock, { tools: true }));
  assert.deepEqual(
    provider.requests.map(({ tools }) => tools.length),
    [1, 0, 0],
  );
});

test('a disk that cannot take ledger rows or rests does not stop an answer', async () => {
  const { caller, clock, rows } = await single(failing('overloaded', { retryAfterMs: 90_000 }), answer);
  rows.broken = true;
  assert.equal((await clock.until(courseOf(caller, clock))).end.type, 'failed');
  await clock.advance(90_000);
  assert.equal((await clock.until(courseOf(caller, clock))).end.type, 'finished');
});

test('ledger rows of a later start of a run do not overwrite those of the first', async () => {
  const { caller, clock, rows } = await single(answer);
  await clock.until(courseOf(caller, clock));
  await clock.until(courseOf(caller, clock, { attemptsBefore: 100 }));
  assert.deepEqual([...rows.attempts.keys()], ['run_1/1', 'run_1/101']);
});

test('a listener that throws fails the call, frees the slot and cuts the request', async () => {
  const { caller, clock, provider } = await single([start, text('a'), 'hang']);
  const { end } = await clock.until(courseOf(caller, clock, { on: throwsAtText }));
  assert.ok(end.type === 'failed' && end.error.code === 'internal');
  assert.equal(end.attempts[0]?.outcome, 'aborted');
  await clock.settle();
  assert.equal(caller.status()[0]?.active, 0);
  assert.equal(provider.running, 0);
  assert.equal(clock.sleeping, 0);
});

test('health follows the traffic: unknown, up, degraded, down, and up again', async () => {
  const { caller, clock, provider } = await single(answer);
  const state = () => caller.status()[0]?.state;
  assert.equal(state(), 'unknown');
  await clock.until(courseOf(caller, clock));
  assert.equal(state(), 'up');
  provider.scripts = [failing('model_not_found')];
  await clock.until(courseOf(caller, clock));
  assert.equal(state(), 'degraded');
  await clock.until(courseOf(caller, clock));
  await clock.until(courseOf(caller, clock));
  assert.equal(state(), 'down');
  provider.scripts = [answer];
  for (let i = 0; i < 20; i++) await clock.until(courseOf(caller, clock));
  assert.equal(state(), 'up');
});

test('calls that people stopped say nothing about the provider', async () => {
  const { caller, clock } = await single([start, 'hang']);
  for (let i = 0; i < 5; i++) {
    const abort = new AbortController();
    const course = courseOf(caller, clock, { signal: abort.signal });
    await clock.settle();
    abort.abort();
    await course;
  }
  assert.equal(caller.status()[0]?.state, 'unknown');
});

test("a request that is the caller's own fault says nothing about the provider", async () => {
  const { caller, clock } = await single(failing('invalid_request'));
  for (let i = 0; i < 5; i++) await clock.until(courseOf(caller, clock));
  assert.equal(caller.status()[0]?.state, 'up');
});

test('a probe counts only while there is no traffic, gives up after 5 s, and is not sent during a rest', async () => {
  const { caller, clock, provider } = await single(failing('rate_limited', { retryAfterMs: 65_000 }));
  const { signal } = new AbortController();
  assert.deepEqual(await caller.probe('p', signal), { ok: true, detail: 'it answers' });
  assert.equal(caller.status()[0]?.state, 'up');
  provider.healthy = 'hang';
  const slow = await clock.until(caller.probe('p', signal));
  assert.equal(slow.ok, false);
  assert.equal(clock.monotonic(), 5000);
  await clock.until(courseOf(caller, clock));
  provider.healthy = { ok: true, detail: '' };
  assert.equal((await caller.probe('p', signal)).ok, false);
  await assert.rejects(caller.probe('nope', signal), { code: 'not_found' });
});
