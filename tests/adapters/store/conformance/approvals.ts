import assert from 'node:assert/strict';
import test from 'node:test';
import type { ApprovalAnswer, NewApproval } from '../../../../src/core/ports/approval-store.ts';
import type { Store } from '../../../../src/core/ports/store.ts';
import type { OpenEmpty } from '../conformance.ts';
import { inboundRow, noon } from '../rows.ts';

const hour = 3_600_000;
const digest = 'ab'.repeat(32);

const question = (n: number, more: Partial<NewApproval> = {}): NewApproval => ({
  id: `appr-${n}`,
  owner: 'ada',
  runId: `run-${n}`,
  callId: 'call-1',
  sessionKey: 'api:ada:main',
  agent: null,
  role: 'member',
  channel: 'api',
  tool: 'message_send',
  args: { to: 'bob', list: [1, null, { a: 'ü' }] },
  digest,
  effects: ['read', 'send'],
  reason: 'Sending is asked about.',
  tainted: 'web page',
  createdAt: noon + n,
  expiresAt: noon + n + hour,
  ...more,
});

const answer = (more: Partial<ApprovalAnswer> = {}): ApprovalAnswer => ({
  id: 'appr-1',
  sessionKey: 'api:ada:main',
  digest: digest.slice(0, 8),
  approve: true,
  by: 'ada',
  forOthers: false,
  at: noon + 1000,
  where: 'telegram:main',
  runId: 'run-of-answer',
  ...more,
});

const ask = (store: Store, n: number, more: Partial<NewApproval> = {}) => store.askApproval(question(n, more), 10);

export function approvalsConformance(engine: string, openEmpty: OpenEmpty): void {
  const it = (title: string, run: (store: Store) => Promise<void>): void =>
    void test(`${engine}: ${title}`, async (t) => run(await openEmpty(t)));

  it('a question comes back as it was asked, and once for a call of a run', async (store) => {
    const { inserted, row } = await ask(store, 1);
    assert.equal(inserted, true);
    const { id: _, ...asked } = question(1);
    assert.deepEqual(row, {
      ...asked,
      id: 'appr-1',
      state: 'open',
      decidedBy: null,
      decidedAt: null,
      decidedWhere: null,
      usedBy: null,
    });
    const again = await store.askApproval({ ...question(1), id: 'appr-2', args: { other: 1 } }, 10);
    assert.deepEqual(again, { inserted: false, row });
    assert.equal(await store.approval('appr-2', null, noon), null);
  });

  it('a question is nobody else’s to see', async (store) => {
    await ask(store, 1);
    assert.equal((await store.approval('appr-1', 'ada', noon))?.id, 'appr-1');
    assert.equal(await store.approval('appr-1', 'bob', noon), null);
    const { items } = await store.listApprovals({ owner: 'bob', open: false, at: noon }, { limit: 10 });
    assert.deepEqual(items, []);
  });

  it('the first valid answer wins, whoever else answers at the same time', async (store) => {
    await ask(store, 1);
    const outcomes = await Promise.all(
      [0, 1, 2, 3].map((n) => store.decideApproval(answer({ runId: `r${n}`, approve: n % 2 === 0 }))),
    );
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ['approved', 'answered', 'answered', 'answered'],
    );
    const row = await store.approval('appr-1', 'ada', noon);
    assert.equal(row?.state, 'approved');
    assert.equal(row.usedBy, 'r0');
    assert.equal(row.decidedBy, 'ada');
    assert.equal(row.decidedAt, noon + 1000);
    assert.equal(row.decidedWhere, 'telegram:main');
  });

  it('the answer of the same run is the same after a crash, even when its time is over by then', async (store) => {
    await ask(store, 1);
    await ask(store, 2);
    await store.decideApproval(answer());
    await store.decideApproval(answer({ id: 'appr-2', approve: false, runId: 'r2' }));
    const late = await store.decideApproval(answer({ at: noon + 2 * hour }));
    assert.ok(late.outcome === 'approved' && late.repeated);
    const no = await store.decideApproval(answer({ id: 'appr-2', approve: false, runId: 'r2' }));
    assert.ok(no.outcome === 'denied' && no.repeated);
    const turned = await store.decideApproval(answer({ id: 'appr-2', approve: true, runId: 'r2' }));
    assert.equal(turned.outcome, 'answered');
  });

  const refusals: readonly [string, Partial<ApprovalAnswer>, string][] = [
    ['an unknown question', { id: 'appr-9' }, 'unknown'],
    ['an answer from another session', { sessionKey: 'api:bob:main' }, 'unknown'],
    ['an answer by another person', { by: 'bob' }, 'not_yours'],
    ['another digest', { digest: 'abababac' }, 'altered'],
    ['a late answer', { at: noon + 1 + hour }, 'expired'],
    ['a late no', { at: noon + 1 + hour, approve: false }, 'expired'],
  ];
  for (const [title, more, expected] of refusals) {
    it(`${title} changes nothing`, async (store) => {
      await ask(store, 1);
      assert.equal((await store.decideApproval(answer(more))).outcome, expected);
      assert.equal((await store.approval('appr-1', 'ada', noon))?.state, 'open');
    });
  }

  it('an owner answers for others', async (store) => {
    await ask(store, 1);
    const made = await store.decideApproval(answer({ by: 'owner', forOthers: true }));
    assert.ok(made.outcome === 'approved' && made.row.decidedBy === 'owner' && made.row.owner === 'ada');
  });

  it('open questions of a person are bounded: the oldest expire', async (store) => {
    for (let n = 1; n <= 4; n++) await store.askApproval(question(n), 2);
    await store.askApproval(question(5, { owner: 'bob' }), 2);
    const { items } = await store.listApprovals({ owner: null, open: true, at: noon }, { limit: 10 });
    assert.deepEqual(
      items.map(({ id }) => id),
      ['appr-5', 'appr-4', 'appr-3'],
    );
    assert.equal((await store.decideApproval(answer())).outcome, 'expired');
  });

  it('lists come in pages, of a person, of a session, and of what is open', async (store) => {
    for (let n = 1; n <= 5; n++) await ask(store, n, n === 3 ? { sessionKey: 'api:ada:other' } : {});
    await store.decideApproval(answer({ id: 'appr-2' }));
    const filter = { owner: 'ada', sessionKey: 'api:ada:main', open: true, at: noon + 10 };
    const first = await store.listApprovals(filter, { limit: 2 });
    assert.deepEqual(
      first.items.map(({ id }) => id),
      ['appr-5', 'appr-4'],
    );
    const second = await store.listApprovals(filter, { limit: 2, cursor: first.nextCursor ?? '' });
    assert.deepEqual(
      second.items.map(({ id }) => id),
      ['appr-1'],
    );
    assert.equal(second.nextCursor, null);
    const over = await store.listApprovals({ ...filter, at: noon + 2 * hour }, { limit: 10 });
    assert.deepEqual(over.items, []);
    const all = await store.listApprovals({ owner: 'ada', open: false, at: noon + 2 * hour }, { limit: 10 });
    assert.deepEqual(
      all.items.map(({ state }) => state),
      ['expired', 'expired', 'expired', 'approved', 'expired'],
    );
  });

  it('a new history expires what was asked in the old one, and a deleted session takes it along', async (store) => {
    await store.commitInbound([inboundRow('m1', { owner: 'ada', sessionKey: 'api:ada:main' })]);
    await ask(store, 1);
    await ask(store, 2, { sessionKey: 'api:ada:other' });
    await store.resetSession('api:ada:main', noon + 500);
    assert.equal((await store.decideApproval(answer())).outcome, 'expired');
    assert.equal((await store.approval('appr-2', null, noon))?.state, 'open');
    await store.deleteSession('api:ada:main');
    assert.equal(await store.approval('appr-1', null, noon), null);
  });

  it('housekeeping writes down what has expired and removes it a while later', async (store) => {
    await ask(store, 1);
    await ask(store, 2, { expiresAt: noon + 5 * hour });
    const limits = { keysBefore: 0, refusedBefore: 0, sessionsBefore: null, maxMessages: null, batch: 10 };
    await store.maintain({ ...limits, at: noon + 2 * hour });
    // Asked as of a moment at which it was open: what is stored says that it is not.
    assert.equal((await store.approval('appr-1', null, noon))?.state, 'expired');
    assert.equal((await store.approval('appr-2', null, noon))?.state, 'open');
    await store.maintain({ ...limits, at: noon + 2 * hour, refusedBefore: noon + 2 * hour });
    assert.equal(await store.approval('appr-1', null, noon), null);
    assert.notEqual(await store.approval('appr-2', null, noon), null);
  });
}
