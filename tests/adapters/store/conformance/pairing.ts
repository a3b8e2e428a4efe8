import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OutboundBody } from '../../../../src/core/message.ts';
import type { Decision, Identity, NewCode, Redemption, PersonRow } from '../../../../src/core/ports/people-store.ts';
import type { Store } from '../../../../src/core/ports/store.ts';
import type { PersonRole } from '../../../../src/core/principal.ts';
import { conversationSessionKey } from '../../../../src/core/session-key.ts';
import type { OpenEmpty } from '../conformance.ts';
import { chat, inboundRow, noon, outboundRow } from '../rows.ts';
import { addJob, begun, fire, fired, jobOf } from '../schedule-rows.ts';

const hour = 3_600_000;
const who = (native: string, channel = 'telegram'): Identity => ({ channel, account: 'main', native });
const person = (id: string, role: PersonRole = 'member'): PersonRow => ({
  id,
  name: id,
  role,
  language: null,
  createdAt: noon,
});

const request = (id: string, native: string, more: Partial<NewCode> = {}): NewCode => ({
  id,
  kind: 'request',
  hash: `hash-${id}`,
  identity: who(native),
  display: `name of ${native}`,
  conversation: chat(native),
  language: 'de',
  person: null,
  createdAt: noon,
  expiresAt: noon + hour,
  ...more,
});
const link = (id: string, owner: string, maker: Identity | null, more: Partial<NewCode> = {}): NewCode =>
  request(id, '', { kind: 'link', identity: maker, person: owner, conversation: null, ...more });

const limits = { againAfter: noon - hour, maxOpen: 3 };
const decision = (hash: string, approve: boolean, more: Partial<Decision> = {}): Decision => ({
  code: { hash },
  approve,
  by: 'owner',
  at: noon + 1000,
  newPerson: person(`new-${hash}`),
  tell: [],
  ...more,
});
const redemption = (hash: string, identity: Identity, more: Partial<Redemption> = {}): Redemption => ({
  hash,
  identity,
  display: 'Grace',
  conversation: { ...identity },
  admit: false,
  at: noon + 1000,
  maxWrongUses: 2,
  tell: [],
  ...more,
});

async function known(store: Store, identity: Identity, row: PersonRow): Promise<void> {
  await store.ensureIdentity({ ...identity, display: row.name, conversation: { ...identity } }, row);
}

export function pairingConformance(engine: string, openEmpty: OpenEmpty): void {
  describe(`${engine}: asking to be let in`, () => {
    test('a stranger is told one code an hour, and so many of an account are open at once and no more', async (t) => {
      const store = await openEmpty(t);
      const ask = (id: string, native: string, more: Partial<NewCode> = {}, at = limits) =>
        store.openRequest(request(id, native, more), at, [outboundRow(`out-${id}`)]);
      assert.equal((await ask('a', '1'))?.length, 1);
      assert.equal(await ask('b', '1', { createdAt: noon + hour / 2, expiresAt: noon + 2 * hour }), null);
      assert.equal((await store.outbound('out-b'))?.id, undefined, 'nothing is planned for who is not told a code');
      const later = { againAfter: noon + 1, maxOpen: 3 };
      assert.equal((await ask('c', '1', { createdAt: noon + hour, expiresAt: noon + 2 * hour }, later))?.length, 1);
      await ask('d', '2');
      await ask('e', '3');
      assert.equal(await ask('f', '4'), null, 'three are open');
      assert.equal((await ask('g', '4', { identity: { ...who('4'), account: 'other' } }))?.length, 1);
      assert.deepEqual(
        (await store.openRequests(noon + hour, 10)).map(({ id }) => id),
        ['c'],
      );
    });

    test('an approval lets in once, however often it is given, and whoever else gives it', async (t) => {
      const store = await openEmpty(t);
      await store.openRequest(request('a', '1'), limits, []);
      const results = await Promise.all([
        store.decide(decision('hash-a', true, { tell: [outboundRow('welcome')] })),
        store.decide(decision('hash-a', true, { newPerson: person('p2'), tell: [outboundRow('again')] })),
      ]);
      assert.deepEqual(
        results.map((result) => [result.outcome, 'repeated' in result && result.repeated]),
        [
          ['approved', false],
          ['approved', true],
        ],
      );
      assert.equal(await store.outbound('again'), null);
      const identity = await store.identity(who('1'));
      assert.deepEqual([identity?.person, identity?.role, identity?.admitted], ['new-hash-a', 'member', true]);
      assert.deepEqual(
        (await store.admissions(10)).map(({ id, by, native }) => [id, by, native]),
        [['a', 'owner', '1']],
      );
      assert.equal((await store.openRequests(noon, 10)).length, 0);
    });

    test('who was rejected stays out: a later approval, another request, an approval that came first', async (t) => {
      const store = await openEmpty(t);
      await store.openRequest(request('a', '1'), limits, []);
      await store.openRequest(request('b', '2'), limits, []);
      const [approved, rejected] = await Promise.all([
        store.decide(decision('hash-a', true)),
        store.decide(decision('hash-a', false)),
      ]);
      assert.deepEqual([approved.outcome, rejected.outcome], ['approved', 'rejected']);
      assert.equal((await store.identity(who('1')))?.admitted, false);
      await store.decide(decision('hash-b', false, { code: { id: 'b' } }));
      assert.equal((await store.decide(decision('hash-b', true))).outcome, 'rejected');
      assert.equal(await store.identity(who('2')), null);
      const again = request('c', '2', { createdAt: noon + 10 * hour, expiresAt: noon + 11 * hour });
      assert.equal(await store.openRequest(again, { againAfter: noon + 9 * hour, maxOpen: 3 }, []), null);
    });

    test('an expired, an unknown or a link code approves nobody', async (t) => {
      const store = await openEmpty(t);
      await store.ensurePerson(person('p'));
      await store.openRequest(request('a', '1'), limits, []);
      await store.offerLink(link('l', 'p', null));
      assert.equal((await store.decide(decision('hash-a', true, { at: noon + hour }))).outcome, 'expired');
      assert.equal((await store.decide(decision('nothing', true))).outcome, 'unknown');
      assert.equal((await store.decide(decision('hash-l', true))).outcome, 'unknown');
      assert.equal((await store.redeemLink(redemption('hash-a', who('2')))).outcome, 'unknown');
      assert.deepEqual(await store.admissions(10), []);
    });

    test('an admission outlives its code, and can be taken back by its id', async (t) => {
      const store = await openEmpty(t);
      await store.openRequest(request('a', '1'), limits, []);
      await store.decide(decision('hash-a', true));
      const forget = {
        at: noon,
        keysBefore: 0,
        refusedBefore: noon + 2 * hour,
        sessionsBefore: null,
        maxMessages: null,
      };
      await store.maintain({ ...forget, batch: 10 });
      assert.equal(await store.code({ id: 'a' }), null);
      assert.equal((await store.identity(who('1')))?.admitted, true);
      assert.equal((await store.decide(decision('', false, { code: { id: 'a' } }))).outcome, 'rejected');
      assert.equal((await store.identity(who('1')))?.admitted, false);
    });

    test('an approval raises a guest and lowers nobody', async (t) => {
      const store = await openEmpty(t);
      await known(store, who('1'), person('guest', 'guest'));
      await known(store, who('2'), person('boss', 'owner'));
      for (const native of ['1', '2']) {
        await store.openRequest(request(native, native), limits, []);
        await store.decide(decision(`hash-${native}`, true));
      }
      assert.deepEqual([(await store.person('guest'))?.role, (await store.person('boss'))?.role], ['member', 'owner']);
    });
  });

  describe(`${engine}: one person, several identities`, () => {
    test('a code makes its sender the person who asked for it, and works once', async (t) => {
      const store = await openEmpty(t);
      await known(store, who('1'), person('ann'));
      await known(store, who('2', 'slack'), person('other'));
      await store.offerLink(link('l', 'ann', who('1')));
      const sessionKey = conversationSessionKey({ ...who('2', 'slack') });
      await store.commitInbound([
        inboundRow('m', { sessionKey, owner: 'other', channel: 'slack', conversation: { ...who('2', 'slack') } }),
      ]);
      await store.saveFile({ id: 'f', owner: 'other', mimeType: 'a/b', size: 1, sha256: '', createdAt: noon });
      const first = await store.redeemLink(redemption('hash-l', who('2', 'slack'), { tell: [outboundRow('told')] }));
      assert.deepEqual([first.outcome, 'repeated' in first && first.repeated], ['linked', false]);
      const repeat = await store.redeemLink(redemption('hash-l', who('2', 'slack')));
      assert.deepEqual([repeat.outcome, 'repeated' in repeat && repeat.repeated], ['linked', true]);
      assert.equal((await store.redeemLink(redemption('hash-l', who('3', 'slack')))).outcome, 'expired');
      assert.deepEqual(
        (await store.identitiesOf('ann')).map(({ channel }) => channel),
        ['slack', 'telegram'],
      );
      assert.equal((await store.session(sessionKey, 'ann'))?.messageCount, 0, 'the session went along');
      assert.notEqual(await store.file('f', 'ann'), null);
      assert.notEqual(await store.outbound('told'), null);
    });

    test('whoever becomes another person takes their jobs and tasks along, and what was decided about them before is void', async (t) => {
      const store = await openEmpty(t);
      await known(store, who('1'), person('ann'));
      await known(store, who('2', 'slack'), person('other'));
      const job = await addJob(store, 'j', { owner: 'other' });
      await fire(store, job, [fired(noon)], noon + 1);
      const before = await jobOf(store, 'j');
      await store.offerLink(link('l', 'ann', who('1')));
      await store.redeemLink(redemption('hash-l', who('2', 'slack')));
      assert.equal(await fire(store, before, [fired(noon + 1)], null), null);
      assert.equal((await store.job('j', 'ann'))?.runs, 1);
      assert.equal((await store.task(`j@${noon}`, 'ann'))?.state, 'queued');
      assert.equal((await store.slots('j', { limit: 9 })).items[0]?.owner, 'ann');
      assert.equal((await store.listTasks({ owner: 'other' }, { limit: 9 })).items.length, 0);
      assert.equal((await begun(store, { busyOwners: ['other'] })).owner, 'ann');
    });

    test('two who send the same code at once: one is linked', async (t) => {
      const store = await openEmpty(t);
      await store.ensurePerson(person('ann'));
      await store.offerLink(link('l', 'ann', null));
      const results = await Promise.all(
        ['2', '3'].map((native) => store.redeemLink(redemption('hash-l', who(native)))),
      );
      assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['expired', 'linked']);
      assert.equal((await store.identitiesOf('ann')).length, 1);
    });

    test('nobody rises by a code that was not made on the higher side, and a code in wrong hands burns', async (t) => {
      const store = await openEmpty(t);
      await known(store, who('1'), person('ann'));
      await known(store, who('9'), person('boss', 'owner'));
      await store.offerLink(link('l', 'ann', who('1')));
      const outranked = (): Promise<string> =>
        store.redeemLink(redemption('hash-l', who('9'))).then(({ outcome }) => outcome);
      assert.deepEqual(
        [await outranked(), await outranked(), await outranked()],
        ['outranked', 'outranked', 'expired'],
      );
      assert.equal((await store.identity(who('9')))?.person, 'boss');
      await store.offerLink(link('m', 'boss', who('9')));
      assert.equal((await store.redeemLink(redemption('hash-m', who('1')))).outcome, 'linked');
      assert.equal((await store.identity(who('1')))?.role, 'owner');
    });

    test('a stranger is let in by the code of a member or an operator, never by that of a guest', async (t) => {
      const store = await openEmpty(t);
      await known(store, who('1'), person('guest', 'guest'));
      await known(store, who('2'), person('ann'));
      await store.offerLink(link('g', 'guest', who('1')));
      await store.offerLink(link('a', 'ann', who('2')));
      await store.offerLink(link('o', 'guest', null));
      const enter = (hash: string, native: string) =>
        store.redeemLink(redemption(hash, who(native, 'slack'), { admit: true })).then(({ outcome }) => outcome);
      assert.deepEqual(
        [await enter('hash-g', '5'), await enter('hash-a', '6'), await enter('hash-o', '7')],
        ['not_allowed', 'linked', 'linked'],
      );
      assert.equal(await store.identity(who('5', 'slack')), null);
      assert.equal((await store.identity(who('6', 'slack')))?.admitted, true);
    });

    test('expired, burnt, replaced and one’s own codes link nobody', async (t) => {
      const store = await openEmpty(t);
      await known(store, who('1'), person('ann'));
      await store.offerLink(link('old', 'ann', who('1')));
      await store.offerLink(link('new', 'ann', who('1')));
      const from = (hash: string, identity: Identity, at = noon) =>
        store.redeemLink(redemption(hash, identity, { at })).then(({ outcome }) => outcome);
      assert.equal(await from('hash-old', who('2')), 'expired');
      assert.equal(await from('hash-new', who('1')), 'own');
      assert.equal(await from('hash-new', who('2'), noon + hour), 'expired');
      assert.equal(await from('no such', who('2')), 'unknown');
      assert.deepEqual([await store.burnLink('hash-new'), await store.burnLink('hash-new')], [true, false]);
      assert.equal(await from('hash-new', who('2')), 'expired');
    });

    test('an identity that is taken back is somebody of their own, with their chat and without admission', async (t) => {
      const store = await openEmpty(t);
      await store.ensurePerson(person('ann'));
      await store.offerLink(link('l', 'ann', null));
      await store.redeemLink(redemption('hash-l', who('2'), { admit: true, conversation: chat('2') }));
      const sessionKey = conversationSessionKey(chat('2'));
      await store.commitInbound([
        inboundRow('m', { sessionKey, owner: 'ann', channel: 'telegram', conversation: chat('2') }),
      ]);
      const deliver = { to: 'conversation', conversation: chat('2'), chatType: 'direct', sessionKey } as const;
      await addJob(store, 'here', { owner: 'ann', deliver });
      await addJob(store, 'elsewhere', { owner: 'ann' });
      assert.equal((await store.unlink(who('2'), person('alone', 'guest')))?.id, 'alone');
      assert.deepEqual([(await jobOf(store, 'here')).owner, (await jobOf(store, 'elsewhere')).owner], ['alone', 'ann']);
      const identity = await store.identity(who('2'));
      assert.deepEqual([identity?.person, identity?.role, identity?.admitted], ['alone', 'guest', false]);
      assert.deepEqual([(await store.session(sessionKey, null))?.owner, await store.admissions(5)], ['alone', []]);
      assert.equal(await store.unlink(who('3'), person('other')), null);
      assert.equal(await store.person('other'), null);
    });

    test('owners are found where they write to us', async (t) => {
      const store = await openEmpty(t);
      await known(store, who('1'), person('boss', 'owner'));
      await known(store, who('2'), person('ann'));
      await store.ensureIdentity({ ...who('3'), display: 'b' }, person('boss', 'owner'));
      assert.deepEqual(
        (await store.ownerChats(10)).map(({ conversation }) => conversation.native),
        ['1'],
      );
      await store.setRole('ann', 'owner');
      assert.equal((await store.ownerChats(10)).length, 2);
      assert.equal(await store.setRole('nobody', 'guest'), null);
    });

    test('people are listed page by page', async (t) => {
      const store = await openEmpty(t);
      for (const id of ['a', 'b', 'c']) await store.ensurePerson(person(id));
      const first = await store.listPeople({ limit: 2 });
      const second = await store.listPeople({ limit: 2, cursor: first.nextCursor ?? '' });
      assert.deepEqual(
        [...first.items, ...second.items].map(({ id }) => id),
        ['a', 'b', 'c'],
      );
      assert.equal(second.nextCursor, null);
    });
  });

  test(`${engine}: a text that holds a code is forgotten once it was sent, or never will be`, async (t) => {
    const store = await openEmpty(t);
    const body: OutboundBody = { text: 'ABCD-EFGH', spans: [], sensitive: true };
    const rows = ['a', 'b', 'c'].map((id) => outboundRow(id, { body, conversation: chat(id) }));
    await store.planOutbound(rows);
    for (const id of ['a', 'b', 'c']) await store.claimSend(chat(id), noon);
    await store.recordSend('a', { state: 'sent', at: noon, ref: '1' });
    await store.recordSend('b', { state: 'dead', at: noon, error: 'blocked' });
    await store.recordSend('c', { state: 'retry', at: noon, error: 'later' });
    const texts = await Promise.all(['a', 'b', 'c'].map(async (id) => (await store.outbound(id))?.body.text));
    assert.deepEqual(texts, ['', '', 'ABCD-EFGH']);
    assert.equal((await store.deadLetters(null, { limit: 5 })).items.length, 0);
  });
}
