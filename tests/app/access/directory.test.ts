import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idMint } from '../../../src/core/ids.ts';
import { Directory } from '../../../src/app/access/directory.ts';
import { systemClock as clock, systemRandom } from '../../../src/adapters/system/index.ts';
import { said } from '../../support/message-path.ts';
import { freshStore } from '../../support/store.ts';

const mintId = idMint(clock, systemRandom);
const identity = { channel: 'scripted', account: 'main', native: '7' };

test('what was asked before a change is not remembered after it', async (t) => {
  const real = await freshStore(t);
  const asked = Promise.withResolvers<void>();
  let old = true;
  const stale = {
    ...real,
    identity: (who: typeof identity) => (old ? asked.promise.then(() => null) : real.identity(who)),
  };
  const directory = new Directory({ store: stale, clock, mintId });
  const before = directory.find(identity);
  await real.ensureIdentity(
    { ...identity, display: 'Ada' },
    { id: 'p', name: 'Ada', role: 'member', language: null, createdAt: 0 },
  );
  directory.forget();
  asked.resolve();
  assert.equal(await before, null);
  old = false;
  assert.equal((await directory.find(identity))?.person, 'p');
});

test('somebody known costs no look at the database, and their new name is written down once a start', async (t) => {
  const real = await freshStore(t);
  const calls: string[] = [];
  const store = new Proxy(real, {
    get(target, name) {
      calls.push(String(name));
      return Reflect.get(target, name) as unknown;
    },
  });
  const directory = new Directory({ store, clock, mintId });
  const person = await directory.meet(said('hello'), 'guest');
  calls.length = 0;
  assert.equal(await directory.meet(said('again'), 'guest'), person);
  assert.deepEqual(await directory.find(identity), { person, role: 'guest', admitted: false });
  assert.deepEqual(calls, []);
  const restarted = new Directory({ store, clock, mintId });
  const sender = { native: '7', display: 'Ada Lovelace', isBot: false };
  assert.equal(await restarted.meet(said('hello', { sender }), 'member'), person);
  assert.equal((await real.identity(identity))?.display, 'Ada Lovelace');
  assert.equal((await real.person(person))?.role, 'guest', 'a role is changed by nobody but an owner');
});

test('five thousand senders are remembered, not more', async () => {
  let asked = 0;
  const store = { identity: () => Promise.resolve((asked++, null)) };
  const directory = new Directory({ store: store as never, clock, mintId });
  const find = (n: number) => directory.find({ ...identity, native: String(n) });
  for (let n = 0; n < 5001; n++) await find(n);
  await find(5000);
  assert.equal(asked, 5001);
  await find(0);
  assert.equal(asked, 5002);
});
