import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MetricsRegistry } from '../../../src/adapters/metrics/index.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { Status, type StatusDeps } from '../../../src/app/gateway/status.ts';
import type { StoreCounts } from '../../../src/core/ports/store.ts';
import { quietLog } from '../../adapters/store/open.ts';

const counts: StoreCounts = {
  inboxQueued: 7,
  inboxRunning: 0,
  outboxPending: 0,
  dead: 0,
  uncertain: 0,
  sessions: 0,
  people: 0,
  messagesToday: 0,
  activePeopleToday: 0,
};

/** A status that knows only how to count. */
function counting(count: () => Promise<StoreCounts>): { status: Status; queued: () => string | undefined } {
  const metrics = new MetricsRegistry();
  const deps = {
    version: '1',
    clock: systemClock,
    log: quietLog,
    metrics,
    store: { counts: count },
    models: { status: () => [] },
  };
  const status = new Status(deps as unknown as StatusDeps);
  return { status, queued: () => /^openclanker_inbox_queued (\d+)$/m.exec(metrics.render())?.[1] };
}

it('a figure that is looked at is fresh, and many looks at once count once', async () => {
  let counted = 0;
  const { status, queued } = counting(async () => ({ ...counts, inboxQueued: ++counted }));
  await Promise.all(Array.from({ length: 50 }, () => status.refreshFigures()));
  await status.refreshFigures();
  assert.equal(queued(), '1');
});

it('a store that hangs does not take the other figures away, and is asked once however many look', async () => {
  let asked = 0;
  const { status, queued } = counting(() => {
    asked++;
    return new Promise(() => {});
  });
  await Promise.all(Array.from({ length: 50 }, () => status.refreshFigures()));
  await status.refreshFigures();
  assert.equal(queued(), '0');
  assert.equal(asked, 1);
});

it('a store that fails leaves the figures as they were', async () => {
  const { status, queued } = counting(() => Promise.reject(new Error('the disk is gone')));
  await status.refreshFigures();
  assert.equal(queued(), '0');
});
