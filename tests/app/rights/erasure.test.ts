import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Erasures, personErased } from '../../../src/app/rights/erasure.ts';
import { exportPerson } from '../../../src/app/rights/export.ts';
import { ownerPerson } from '../../../src/core/principal.ts';
import { principal, said, storageError } from '../../support/message-path.ts';
import { accessRig, inGroup } from '../access/rig.ts';

async function rig(t: TestContext) {
  const path = await accessRig(t, { access: 'open' });
  const forgotten: string[] = [];
  const erasures = new Erasures({
    ...path,
    tokens: { forgetPerson: (person) => void forgotten.push(`tokens of ${person}`) },
    crash: () => undefined,
    stopping: new AbortController().signal,
    forget: [(person) => void forgotten.push(person), (person) => path.waiters.rejectOf(person, personErased())],
    kept: () => ['The audit log.'],
  });
  const exported = async (person: string): Promise<string> => {
    const personFiles = {
      walk: async function* none() {},
      read: () => Promise.reject(new Error('there is none')),
    };
    let text = '';
    for await (const line of await exportPerson(principal, person, { ...path, personFiles })) text += `${line}\n`;
    return text;
  };
  const personOf = async (native: string): Promise<string> =>
    (await path.store.identity({ channel: 'scripted', account: 'main', native }))?.person ?? '';
  return { ...path, erasures, exported, personOf, forgotten };
}

test('a run that is under way is stopped, and what it still writes is gone, too', async (t) => {
  const { provider, ingress, event, erasures, personOf, store, exported } = await rig(t);
  provider.scripts = [['hang']];
  await ingress.sinkFor('scripted', 'main').commit([said('a secret of Ada')]);
  await event('run.started');
  const person = await personOf('7');
  assert.match(await exported(person), /a secret of Ada/);
  const receipt = await erasures.erase(principal, person);
  assert.equal(provider.signals[0]?.aborted, true);
  assert.ok((receipt.removed['inbox'] ?? 0) > 0);
  assert.deepEqual(await store.queuedSessions(10), []);
  assert.equal(await store.session('scripted:main:7', null), null);
  assert.equal((await store.counts(0)).inboxRunning, 0);
});

test('who waits for an answer behind a run that was stopped hears why there is none', async (t) => {
  const path = await rig(t);
  path.provider.scripts = [['hang']];
  await path.store.ensurePerson({ id: 'per_api', name: 'Api', role: 'member', language: null, createdAt: 0 });
  const api = { ...principal, person: 'per_api' };
  const first = await path.chat.chat(api, { text: 'one' });
  const second = await path.chat.chat(api, { text: 'two' });
  await path.event('run.started');
  await path.erasures.erase(principal, 'per_api');
  for (const { answer } of [first, second]) await assert.rejects(answer, { code: 'aborted' });
});

test('the owner stays, only an operator erases, and asked again it is the same receipt', async (t) => {
  const path = await rig(t);
  const { erasures, personOf, forgotten } = path;
  await path.says('9', 'hello');
  const person = await personOf('9');
  await assert.rejects(erasures.erase(principal, ownerPerson), { code: 'owner_fixed' });
  await assert.rejects(erasures.erase(principal, 'per_nobody'), { kind: 'not_found' });
  await assert.rejects(erasures.erase({ ...principal, scope: 'manage' }, person), { code: 'forbidden' });
  const [first, second] = await Promise.all([erasures.erase(principal, person), erasures.erase(principal, person)]);
  assert.deepEqual(first, second);
  assert.deepEqual(await erasures.erase(principal, person), first);
  assert.deepEqual(first.kept, ['The audit log.']);
  assert.match(first.digest, /^[0-9a-f]{64}$/);
  assert.ok(forgotten.includes(person) && forgotten.includes(`tokens of ${person}`));
});

test('an erasure that a full disk stopped goes on, and ends with one receipt', async (t) => {
  const path = await rig(t);
  const { erasures, personOf, failing, store } = path;
  await path.says('9', 'hello');
  const person = await personOf('9');
  failing.fail('eraseRows');
  await assert.rejects(erasures.erase(principal, person), { code: 'storage_full' });
  assert.deepEqual(await erasures.receipts(10), []);
  failing.fail('compact', 1, storageError());
  await assert.rejects(erasures.resume(), { code: 'storage_full' });
  await erasures.resume();
  await erasures.resume();
  assert.equal((await erasures.receipts(10)).length, 1);
  const { items } = await store.listAudit({ action: 'person.erased' }, { limit: 10 });
  assert.deepEqual(
    items.map(({ subject, actor }) => [subject, actor.id]),
    [[person, principal.id]],
  );
});

test('events with what somebody said are not told again to who comes late', async (t) => {
  const path = await rig(t);
  const { erasures, personOf, bus } = path;
  const heard: number[] = [];
  bus.subscribe('test', {}).forward(({ seq }) => heard.push(seq));
  await path.says('9', 'hello');
  const before = (heard[0] ?? 0) - 1;
  assert.ok((bus.since(before, {}) ?? []).length > 0);
  await erasures.erase(principal, await personOf('9'));
  assert.equal(bus.since(before, {}), null);
});

test('in a group the words of one go, with the answers to them, and those of the others stay', async (t) => {
  const path = await rig(t);
  const { erasures, personOf, store } = path;
  await path.says('9', 'words of nine', inGroup);
  await path.says('7', 'words of seven', inGroup);
  await erasures.erase(principal, await personOf('9'));
  const { items } = await store.listMessages('scripted:main:-1', { limit: 10 });
  const [erased, answer, kept, other] = items.map(({ parts, author }) => [parts, author]);
  assert.deepEqual(erased, [[{ type: 'text', text: '[erased]' }], null]);
  assert.deepEqual(answer, erased);
  assert.match(JSON.stringify(kept), /words of seven/);
  assert.match(JSON.stringify(other), /Hello/);
});

test('a notice that told an owner who knocked goes with who knocked', async (t) => {
  const path = await accessRig(t);
  const erasures = new Erasures({
    ...path,
    tokens: { forgetPerson: () => undefined },
    crash: () => undefined,
    stopping: new AbortController().signal,
    forget: [],
    kept: () => [],
  });
  await path.known('8', ownerPerson, 'owner');
  const code = path.codeIn(await path.says('9', 'hello'));
  assert.match(path.texts('8').join(' '), /name of 9/);
  const { person } = await path.pairing.approve(code, principal);
  const { removed } = await erasures.erase(principal, person ?? '');
  assert.ok((removed['outbox'] ?? 0) >= 2, JSON.stringify(removed));
  assert.ok((removed['codes'] ?? 0) >= 1);
});
