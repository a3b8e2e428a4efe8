import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FinishReason, ModelEvent, ProviderError } from '../../../src/core/ports/provider.ts';
import { faultModes, startProviderServer, wireDialects } from '../../support/provider-fault-server.ts';
import type { FaultMode, ProviderServer, WireDialect } from '../../support/provider-fault-server.ts';
import { collect, depsWith, httpClient, isTerminal, providerOf, requestFor, textOf } from './support.ts';

type Outcome = Partial<ProviderError> | { finish: FinishReason };

const headers = (kind: ProviderError['kind'], status: number, more: Partial<ProviderError> = {}): Outcome => ({
  kind,
  status,
  phase: 'headers',
  accepted: kind === 'server' || kind === 'bad_response' ? 'maybe' : 'no',
  ...more,
});
const early = (kind: ProviderError['kind'], accepted: ProviderError['accepted'] = 'maybe'): Outcome => ({
  kind,
  phase: 'before_output',
  accepted,
});
const late = (kind: ProviderError['kind']): Outcome => ({ kind, phase: 'mid_output', accepted: 'yes' });

/** What each mode must end as. Stalls end when the caller's clock aborts. */
const outcomes: Record<FaultMode, Outcome> = {
  good: { finish: 'stop' },
  'good-json': { finish: 'stop' },
  trickle: { finish: 'stop' },
  'clean-eof': late('stream_incomplete'),
  'reset-before-headers': { kind: 'network', phase: 'headers', accepted: 'maybe', code: 'ECONNRESET' },
  'reset-first': early('stream_incomplete'),
  'reset-mid': late('stream_incomplete'),
  'error-first': early('overloaded', 'no'),
  'error-mid': late('server'),
  malformed: late('bad_response'),
  'tool-truncated': { finish: 'tool_calls' },
  'tool-cut': { finish: 'length' },
  empty: early('bad_response'),
  html: early('bad_response'),
  'stall-before-headers': { kind: 'aborted', phase: 'headers', accepted: 'maybe' },
  'stall-first': early('aborted'),
  'stall-mid': late('aborted'),
  'half-open': late('aborted'),
  'huge-frame': early('bad_response'),
  redirect: headers('bad_response', 307),
  compressed: { kind: 'bad_response', phase: 'headers', accepted: 'maybe' },
  'rate-1': headers('rate_limited', 429, { retryAfterMs: 1000 }),
  'rate-65': headers('rate_limited', 429, { retryAfterMs: 65_000 }),
  'rate-none': headers('rate_limited', 429),
  quota: headers('quota_exhausted', 429),
  unauthorized: headers('auth', 401),
  forbidden: headers('permission', 403),
  unpaid: headers('billing', 402),
  overflow: headers('context_overflow', 400),
  invalid: headers('invalid_request', 400),
  'no-tools': headers('tools_unsupported', 400),
  'not-found': headers('model_not_found', 404),
  'too-large': headers('request_too_large', 413),
  'server-500': headers('server', 500),
  'server-502': headers('server', 502),
  unavailable: headers('overloaded', 503),
  overloaded: headers('overloaded', 529),
};
/** How much is read before the caller loses patience. */
const abortAfter: Partial<Record<FaultMode, 'request' | 'start' | 'text'>> = {
  'stall-before-headers': 'request',
  'stall-first': 'start',
  'stall-mid': 'text',
  'half-open': 'text',
};

describe('every fault ends a stream with exactly one terminal event of the right kind', () => {
  const http = httpClient();
  let server: ProviderServer;
  before(async () => {
    server = await startProviderServer({ answer: { text: 'Hello, world, again and again.' } });
  });
  after(async () => {
    http.close();
    await server.close();
  });

  async function run(dialect: WireDialect, mode: FaultMode): Promise<ModelEvent[]> {
    const provider = providerOf(dialect, { id: 'p', baseUrl: server.baseUrl(dialect) }, depsWith(http));
    const patience = new AbortController();
    const arrived = server.nextRequest();
    const until = abortAfter[mode];
    if (until === 'request') void arrived.then(() => patience.abort());
    const events = await collect(provider, requestFor(`fault-${mode}`), patience.signal, (event) => {
      // Half of the text is written: what was sent so far arrives before the abort is noticed.
      if (event.type === until) setImmediate(() => patience.abort());
    });
    await arrived;
    return events;
  }

  for (const dialect of wireDialects) {
    for (const mode of faultModes) {
      test(`${dialect}: ${mode}`, { timeout: 60_000 }, async () => {
        const hitsBefore = server.hits(mode);
        const events = await run(dialect, mode);
        const last = events.at(-1);
        assert.equal(events.filter(isTerminal).length, 1, 'one terminal event');
        assert.ok(last !== undefined && isTerminal(last), 'which is the last');
        assert.equal(server.hits(mode) - hitsBefore, 1, 'one request');
        assert.deepEqual(server.ledger.at(-1)?.problems, [], 'a valid request');

        const expected = outcomes[mode];
        if ('finish' in expected) {
          assert.equal(last.type === 'finish' && last.reason, expected.finish, JSON.stringify(last));
          assert.equal(textOf(events), 'Hello, world, again and again.');
          assert.equal(events.at(-2)?.type, 'usage');
        } else {
          assert.ok(last.type === 'error', JSON.stringify(last));
          for (const [key, value] of Object.entries(expected))
            assert.equal(last.error[key as keyof ProviderError], value, `${key}: ${JSON.stringify(last.error)}`);
          if (!('retryAfterMs' in expected)) assert.equal(last.error.retryAfterMs, undefined);
          assert.ok(last.error.detail.length > 0 && last.error.detail.length <= 500);
          assert.equal(
            events.some((event) => event.type === 'start'),
            !['connect', 'headers'].includes(last.error.phase),
          );
        }
        assert.equal(
          events.some((event) => event.type === 'tool_call'),
          false,
          'no broken call is passed on as a whole one',
        );
        assert.equal(
          events.filter((event) => event.type === 'tool_invalid').length,
          mode === 'tool-truncated' || mode === 'tool-cut' ? 1 : 0,
        );
      });
    }
  }

  test('a refused connection was not accepted by anybody', async () => {
    const gone = await startProviderServer();
    await gone.close();
    for (const dialect of wireDialects) {
      const provider = providerOf(dialect, { id: 'p', baseUrl: gone.baseUrl(dialect) }, depsWith(http));
      const [event, ...rest] = await collect(provider, requestFor('m'), AbortSignal.timeout(60_000));
      assert.ok(event?.type === 'error' && rest.length === 0);
      const { kind, phase, accepted, code } = event.error;
      assert.deepEqual(
        { kind, phase, accepted, code },
        { kind: 'network', phase: 'connect', accepted: 'no', code: 'ECONNREFUSED' },
      );
    }
  });

  test('a signal that is aborted already sends nothing', async () => {
    const hits = server.hits();
    for (const dialect of wireDialects) {
      const provider = providerOf(dialect, { id: 'p', baseUrl: server.baseUrl(dialect) }, depsWith(http));
      const events = await collect(provider, requestFor('m'), AbortSignal.abort());
      assert.ok(events.length === 1 && events[0]?.type === 'error');
      assert.equal(events[0].error.kind, 'aborted');
      assert.equal(events[0].error.accepted, 'no');
    }
    assert.equal(server.hits(), hits);
  });

  test('an abort frees the upstream connection', async () => {
    for (const dialect of wireDialects) {
      const patience = new AbortController();
      const provider = providerOf(dialect, { id: 'p', baseUrl: server.baseUrl(dialect) }, depsWith(http));
      await collect(provider, requestFor('fault-stall-mid'), patience.signal, (event) => {
        if (event.type === 'text') patience.abort();
      });
      assert.equal(await server.ledger.at(-1)?.over, 'gone');
    }
  });

  test('a finished answer gives its connection back', async (t) => {
    const fresh = await startProviderServer();
    t.after(() => fresh.close());
    const provider = providerOf('openai-chat', { id: 'p', baseUrl: fresh.baseUrl('openai-chat') }, depsWith(http));
    for (let turn = 0; turn < 5; turn++) {
      await collect(provider, requestFor('m'));
      // The end of the message and the pool's bookkeeping take a few turns of the loop.
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(fresh.connections().total, 1);
  });
});
