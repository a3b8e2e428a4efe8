import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createHttpClient } from '../../../src/adapters/http-client/index.ts';
import type { CallEnd, ModelCaller } from '../../../src/app/models/caller.ts';
import type { ProviderClocks, ProviderErrorKind } from '../../../src/core/ports/provider.ts';
import type { Clock } from '../../../src/core/ports/system.ts';
import { depsWith, noMetrics, providerOf, silentLog } from '../../adapters/providers/support.ts';
import { afterSleep } from '../../support/after-sleep.ts';
import { callerOver, configured, courseOf } from '../../support/model-calls.ts';
import { faultModes, startProviderServer, wireDialects } from '../../support/provider-fault-server.ts';
import type { FaultMode, ProviderServer } from '../../support/provider-fault-server.ts';

/** Three seconds pass in one, so that a `retry-after` of a second is waited for without holding up the tests. */
const hurry = 3;
const fastClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now() * hurry),
  monotonic: () => performance.now() * hurry,
  sleep: (ms, signal) =>
    wait(Math.ceil(ms / hurry) + 1, undefined, { ref: true, ...(signal === undefined ? {} : { signal }) }),
  after: (ms, wake) => afterSleep(fastClock, ms, wake),
};

/** The first wait of a call goes on until the provider was asked, however long a busy machine takes for that. */
const clockFor = (server: ProviderServer): Clock => ({
  ...fastClock,
  after(ms, wake) {
    const before = server.hits();
    const look = (): void => {
      if (ms < soonMs || server.hits() > before) wake();
      else callOff = fastClock.after(10, look);
    };
    let callOff = fastClock.after(ms, look);
    return () => callOff();
  },
});

/** What each mode comes to: how often the provider is asked, and the kind of the failure, or a finish. */
type Expected = [hits: number, outcome: ProviderErrorKind | 'finished'];
const expected: Record<FaultMode, Expected> = {
  good: [1, 'finished'],
  'good-json': [1, 'finished'],
  trickle: [1, 'finished'],
  'tool-truncated': [1, 'finished'],
  'tool-cut': [1, 'finished'],
  'no-tools': [2, 'finished'],
  'clean-eof': [2, 'stream_incomplete'],
  'reset-before-headers': [2, 'network'],
  'reset-first': [2, 'stream_incomplete'],
  'reset-mid': [2, 'stream_incomplete'],
  'error-first': [3, 'overloaded'],
  'error-mid': [2, 'server'],
  malformed: [2, 'bad_response'],
  empty: [2, 'bad_response'],
  html: [2, 'bad_response'],
  'huge-frame': [2, 'bad_response'],
  redirect: [2, 'bad_response'],
  compressed: [2, 'bad_response'],
  'stall-before-headers': [2, 'timeout_headers'],
  'stall-first': [2, 'timeout_first'],
  'stall-mid': [2, 'timeout_idle'],
  'half-open': [2, 'timeout_idle'],
  'rate-1': [3, 'rate_limited'],
  'rate-65': [1, 'rate_limited'],
  'rate-none': [3, 'rate_limited'],
  quota: [1, 'quota_exhausted'],
  unauthorized: [1, 'auth'],
  forbidden: [1, 'permission'],
  unpaid: [1, 'billing'],
  overflow: [1, 'context_overflow'],
  invalid: [1, 'invalid_request'],
  'not-found': [1, 'model_not_found'],
  'too-large': [1, 'request_too_large'],
  'server-500': [2, 'server'],
  'server-502': [2, 'server'],
  unavailable: [3, 'overloaded'],
  overloaded: [3, 'overloaded'],
};

/** Failures that another model must not be asked about. */
const final: readonly (ProviderErrorKind | 'finished')[] = ['finished', 'context_overflow', 'invalid_request'];
const patient: ProviderClocks = { headersMs: 1e9, firstOutputMs: 1e9, idleMs: 1e9 };
/** A stall is waited for no longer than it must be. */
const soonMs = 500;
const shortened: Partial<Record<FaultMode, Partial<ProviderClocks>>> = {
  'stall-before-headers': { headersMs: soonMs },
  'stall-first': { firstOutputMs: soonMs },
  'stall-mid': { idleMs: soonMs },
  'half-open': { idleMs: soonMs },
};
/** Modes that fail after text came. */
const late: readonly FaultMode[] = ['clean-eof', 'reset-mid', 'error-mid', 'malformed', 'stall-mid', 'half-open'];

describe('every fault of every dialect, over sockets', { concurrency: true }, () => {
  const http = createHttpClient({ log: silentLog, metrics: noMetrics });
  after(() => http.close());

  for (const dialect of wireDialects) {
    describe(dialect, { concurrency: false }, () => {
      let server: ProviderServer;
      before(async () => {
        server = await startProviderServer({ answer: { text: 'Hello, world, again and again.' } });
      });
      after(() => server.close());

      /** `calm` takes the short clocks away again: the call after a fault has time, however busy the machine is. */
      async function callers(mode: FaultMode): Promise<{ caller: ModelCaller; calm: () => void }> {
        const deps = depsWith(http);
        const [p, q] = ['p', 'q'].map((id) => providerOf(dialect, { id, baseUrl: server.baseUrl(dialect) }, deps));
        assert.ok(p !== undefined && q !== undefined);
        const clock = mode === 'stall-before-headers' ? clockFor(server) : fastClock;
        const { caller } = await callerOver({ providers: [p, q], clock, unit: 0 });
        const configure = (hasty: ProviderClocks): void => {
          const providers = [configured(p, { clocks: hasty }), configured(q, { clocks: patient })];
          caller.configure(new Map(providers), { default: 'p', fallback: ['q'] });
        };
        configure({ ...patient, ...shortened[mode] });
        return { caller, calm: () => configure(patient) };
      }

      const ask = (
        caller: ModelCaller,
        wanted: string | null,
        visible = false,
      ): Promise<{ end: CallEnd; types: string }> =>
        courseOf(caller, fastClock, {
          candidates: caller.resolve(wanted),
          tools: true,
          visible: () => visible,
          deadlineMs: fastClock.monotonic() + 1e9,
        });

      for (const mode of faultModes) {
        const [hits, outcome] = expected[mode];
        test(`${mode}: ${hits} requests, ${outcome}, and the next call works`, { timeout: 120_000 }, async () => {
          const { caller, calm } = await callers(mode);
          const before = server.hits();
          server.next(mode, mode === 'no-tools' ? 1 : hits);
          const { end } = await ask(caller, 'p/m');
          assert.equal(server.hits() - before, hits);
          assert.deepEqual(server.ledger.at(-1)?.problems, []);
          if (end.type === 'failed') {
            assert.equal(end.cause?.kind, outcome, end.error.message);
            const code = outcome.startsWith('timeout')
              ? 'timeout'
              : mode.startsWith('rate-') && mode !== 'rate-none'
                ? 'provider_unavailable'
                : 'provider';
            assert.equal(end.error.code, code);
          } else assert.equal('finished', outcome);
          assert.deepEqual(
            end.attempts.map(({ finishedAt }) => finishedAt !== null),
            Array(hits).fill(true),
          );
          assert.equal(caller.status()[0]?.active, 0);

          calm();
          if (mode === 'rate-65') {
            const early = await ask(caller, 'p/m');
            assert.ok(early.end.type === 'failed' && early.end.error.code === 'provider_unavailable');
            assert.equal(server.hits() - before, hits, 'a resting model is not asked');
            return;
          }
          if (mode === 'rate-1') await fastClock.sleep(1000);
          const next = await ask(caller, 'p/m');
          assert.ok(next.end.type === 'finished', JSON.stringify(next.end));
        });
      }

      for (const mode of faultModes.filter((mode) => !final.includes(expected[mode][1]))) {
        test(`${mode}: the fallback answers, once`, { timeout: 120_000 }, async () => {
          const { caller } = await callers(mode);
          const [hits] = expected[mode];
          const before = server.hits();
          server.next(mode, hits);
          const { end } = await ask(caller, null);
          assert.ok(end.type === 'finished', JSON.stringify(end));
          assert.equal(end.model, 'q/m1');
          assert.equal(server.hits() - before, hits + 1);
        });
      }

      for (const mode of late) {
        test(`${mode} after text that was seen: one request and no more`, { timeout: 120_000 }, async () => {
          const { caller } = await callers(mode);
          const before = server.hits();
          server.next(mode);
          const { end, types } = await ask(caller, 'p/m', true);
          assert.equal(server.hits() - before, 1);
          assert.ok(end.type === 'failed' && end.cause?.kind === expected[mode][1]);
          assert.match(types, /^attempt (text )+(usage )*failed$/);
        });
      }
    });
  }
});
