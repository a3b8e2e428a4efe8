import assert from 'node:assert/strict';
import { test } from 'node:test';
import { People } from '../../../src/app/access/people.ts';
import { ownerPerson } from '../../../src/core/principal.ts';
import { principal } from '../../support/message-path.ts';
import { accessRig, hour, inGroup } from './rig.ts';

test('a person proves two chats by a code from the one, sent in the other, and is one from then on', async (t) => {
  const rig = await accessRig(t, { users: new Set(['7', '6']) });
  await rig.says('7', 'hello');
  await rig.says('6', 'hello');
  const code = rig.codeIn(await rig.says('7', '/pair'));
  const [done] = await rig.says('6', `/pair ${code.toLowerCase()}`);
  assert.match(done ?? '', /the same person/);
  assert.match(rig.texts('7').at(-1) ?? '', /name of 6 \(id 6 on scripted:main\) sent your code and is you/);
  const [seven, six] = await Promise.all(
    ['7', '6'].map((native) => rig.store.identity({ channel: 'scripted', account: 'main', native })),
  );
  assert.equal(six?.person, seven?.person);
  await rig.says('6', 'it is me');
  const { items } = await rig.store.listSessions(seven?.person ?? '', { limit: 5 });
  assert.deepEqual(
    new Map(items.map(({ key, messageCount }) => [key, messageCount])),
    new Map([
      ['scripted:main:6', 4],
      ['scripted:main:7', 2],
    ]),
  );
  assert.match((await rig.says('6', '/whoami'))[0] ?? '', /You are also:\n.*7 \(scripted:main\)/s);
  assert.doesNotMatch((await rig.says('6', '/whoami', inGroup))[0] ?? '', /also/);
});

test('the code of a member lets their other identity in where strangers may ask, and nowhere else', async (t) => {
  const rig = await accessRig(t);
  const code = rig.codeIn(await rig.says('7', '/pair'));
  await rig.says('9', 'hello');
  assert.match((await rig.says('9', `/pair ${code}`))[0] ?? '', /the same person/);
  assert.deepEqual(await rig.says('9', 'hi'), ['Hello']);
  const lists = await accessRig(t, { access: 'allowlist' });
  const other = lists.codeIn(await lists.says('7', '/pair'));
  assert.deepEqual(await lists.says('9', `/pair ${other}`), []);
});

test('the operator’s code makes a stranger the owner, and it works once', async (t) => {
  const rig = await accessRig(t);
  const { code } = await rig.pairing.offer(ownerPerson, null);
  assert.match((await rig.says('9', `/pair ${code}`))[0] ?? '', /the same person/);
  assert.match((await rig.says('9', '/whoami'))[0] ?? '', /person owner, role owner/);
  assert.doesNotMatch((await rig.says('10', `/pair ${code}`)).join(), /the same person/);
  assert.match((await rig.says('7', `/pair ${code}`))[0] ?? '', /wrong or has expired/);
});

test('codes are for direct chats: one that was shown in a group is void', async (t) => {
  const rig = await accessRig(t, { users: new Set(['7', '6']) });
  const code = rig.codeIn(await rig.says('7', '/pair'));
  assert.match((await rig.says('7', '/pair', inGroup))[0] ?? '', /not for groups/);
  assert.match((await rig.says('7', `/pair ${code}`, inGroup))[0] ?? '', /void now/);
  assert.match((await rig.says('6', `/pair ${code}`))[0] ?? '', /wrong or has expired/);
});

test('a forwarded code, or one among other words, is no command', async (t) => {
  const rig = await accessRig(t, { users: new Set(['7', '6']) });
  const [offer = ''] = await rig.says('7', '/pair');
  const code = rig.codeIn([offer]);
  await rig.says('6', `/pair ${code}`, { forwarded: true });
  await rig.says('6', offer);
  await rig.says('6', `look: /pair ${code}`);
  await rig.says('9', `/pair ${code}`, { forwarded: true });
  await rig.says('6', `/pair ${code}`, { kind: 'edit' });
  for (const native of ['6', '9']) {
    const identity = await rig.store.identity({ channel: 'scripted', account: 'main', native });
    const maker = await rig.store.identity({ channel: 'scripted', account: 'main', native: '7' });
    assert.notEqual(identity?.person ?? null, maker?.person, native);
  }
});

test('guesses are few: after five wrong codes the right one is refused, too', async (t) => {
  const rig = await accessRig(t, { users: new Set(['7', '6']) });
  const code = rig.codeIn(await rig.says('7', '/pair'));
  for (let n = 0; n < 5; n++)
    assert.match((await rig.says('6', `/pair GGGG-000${n}`))[0] ?? '', /wrong or has expired/);
  assert.match((await rig.says('6', `/pair ${code}`))[0] ?? '', /Too many wrong codes/);
  rig.pass(600_000);
  assert.match((await rig.says('6', `/pair ${code}`))[0] ?? '', /the same person/);
});

test('strangers under many names guess a hundred codes and no more', async (t) => {
  const rig = await accessRig(t);
  const code = rig.codeIn(await rig.says('7', '/pair'));
  const sink = rig.ingress.sinkFor('scripted', 'main');
  const guess = (native: string, text: string) =>
    sink.commit([
      {
        dedupe: `guess ${native} ${text}`,
        kind: 'message',
        native: '1',
        conversation: { channel: 'scripted', account: 'main', native },
        sender: { native, display: 'x', isBot: false },
        chat: { type: 'direct', addressed: true },
        text,
        attachments: [],
        occurredAt: 0,
      },
    ]);
  for (let n = 0; n < 150; n++) await guess(`90${n}`, `/pair GGGG-${String(n).padStart(4, '0')}`);
  await guess('999', `/pair ${code}`);
  assert.equal(await rig.store.identity({ channel: 'scripted', account: 'main', native: '999' }), null);
  assert.match((await rig.says('7', '/whoami'))[0] ?? '', /role member/, 'who is in is not held up');
});

test('replayed, expired, replaced and one’s own codes link nobody', async (t) => {
  const rig = await accessRig(t, { users: new Set(['5', '6', '7']) });
  const first = rig.codeIn(await rig.says('7', '/pair'));
  const second = rig.codeIn(await rig.says('7', '/pair'));
  assert.match((await rig.says('6', `/pair ${first}`))[0] ?? '', /wrong or has expired/);
  assert.match((await rig.says('7', `/pair ${second}`))[0] ?? '', /from your other chat/);
  assert.match((await rig.says('6', `/pair ${second}`))[0] ?? '', /the same person/);
  assert.match((await rig.says('5', `/pair ${second}`))[0] ?? '', /wrong or has expired/);
  const third = rig.codeIn(await rig.says('7', '/pair'));
  rig.pass(hour);
  assert.match((await rig.says('5', `/pair ${third}`))[0] ?? '', /wrong or has expired/);
});

test('an owner who is talked into sending a code stays the owner, and makes nobody one', async (t) => {
  const rig = await accessRig(t);
  await rig.known('8', ownerPerson, 'owner');
  const code = rig.codeIn(await rig.says('7', '/pair'));
  assert.match((await rig.says('8', `/pair ${code}`))[0] ?? '', /you may do more than in the other one/);
  assert.match((await rig.says('7', '/whoami'))[0] ?? '', /role member/);
  assert.match((await rig.says('8', '/whoami'))[0] ?? '', /role owner/);
});

test('the code a stranger was shown to be let in makes nobody the stranger, nor the stranger anybody', async (t) => {
  const rig = await accessRig(t);
  const code = rig.codeIn(await rig.says('9', 'hello'));
  assert.match((await rig.says('7', `/pair ${code}`))[0] ?? '', /wrong or has expired/);
  assert.deepEqual(await rig.says('9', `/pair ${code}`), []);
  assert.equal(await rig.store.identity({ channel: 'scripted', account: 'main', native: '9' }), null);
});

test('the code that was given out is not kept in the store once its answer was delivered', async (t) => {
  const rig = await accessRig(t);
  await rig.says('7', '/pair');
  const { items } = await rig.store.listSessions(null, { limit: 1 });
  const { items: messages } = await rig.store.listMessages(items[0]?.key ?? '', { limit: 10 });
  assert.deepEqual(messages, []);
  const received = rig.events.find(({ type }) => type === 'message.received');
  const trace = await rig.store.trace(received?.type === 'message.received' ? received.messageId : '');
  assert.deepEqual(
    trace?.outbox.map(({ state, body }) => [state, body.text]),
    [['sent', '']],
  );
});

test('a link is undone: the identity, its chat and its admission are nobody else’s any more', async (t) => {
  const rig = await accessRig(t);
  const people = new People(rig);
  const code = rig.codeIn(await rig.says('7', '/pair'));
  await rig.says('9', `/pair ${code}`);
  const thief = { channel: 'scripted:main', sender: '9' };
  const victim = (await rig.store.identity({ channel: 'scripted', account: 'main', native: '7' }))?.person ?? '';
  await assert.rejects(people.unlink(principal, ownerPerson, thief), { kind: 'not_found' });
  const alone = await people.unlink(principal, victim, thief);
  assert.deepEqual([alone.role, alone.id === victim], ['guest', false]);
  rig.pass(hour);
  assert.match((await rig.says('9', 'hello'))[0] ?? '', /do not know you/);
  assert.equal((await rig.store.session('scripted:main:9', victim))?.key, undefined);
  assert.equal((await rig.store.identitiesOf(victim)).length, 1);
  await assert.rejects(people.unlink(principal, victim, thief), { kind: 'not_found' });
});
