import assert from 'node:assert/strict';
import { test } from 'node:test';
import { People } from '../../../src/app/access/people.ts';
import { CommandRegistry } from '../../../src/app/commands/registry.ts';
import { ownerPerson, type Principal } from '../../../src/core/principal.ts';
import { may, roles, type Action } from '../../../src/core/roles.ts';
import { principal } from '../../support/message-path.ts';
import { accessRig, inGroup } from './rig.ts';

test('who may do what is one table', () => {
  const actions: Action[] = ['talk', 'command', 'link', 'approve', 'change_people'];
  assert.deepEqual(
    roles.map((role) => actions.filter((action) => may(role, action))),
    [['talk'], ['talk', 'command', 'link'], actions],
  );
});

test('guests talk, and have the few commands that everybody needs', async (t) => {
  const rig = await accessRig(t, { access: 'open' });
  assert.deepEqual(await rig.says('9', 'hello'), ['Hello']);
  assert.match((await rig.says('9', '/status'))[0] ?? '', /not use this command/);
  assert.match((await rig.says('9', '/model other'))[0] ?? '', /not use this command/);
  const [help = ''] = await rig.says('9', '/help');
  assert.deepEqual(
    new Set([...help.matchAll(/^\/(\w+)/gm)].map(([, name]) => name)),
    new Set(['help', 'new', 'pair', 'start', 'stop', 'whoami']),
  );
  assert.match((await rig.says('9', '/pair'))[0] ?? '', /Guests cannot/);
  assert.match((await rig.says('9', '/whoami'))[0] ?? '', /role guest/);
  assert.match((await rig.says('7', '/help'))[0] ?? '', /\/status/);
});

test('in a group everybody has their own role, not that of its owner', async (t) => {
  const rig = await accessRig(t, { users: new Set() });
  await rig.known('8', ownerPerson, 'owner');
  assert.match((await rig.says('9', '/whoami', inGroup))[0] ?? '', /role guest/);
  assert.match((await rig.says('9', '/status', inGroup))[0] ?? '', /not use this command/);
  assert.match((await rig.says('8', '/whoami', inGroup))[0] ?? '', /person owner, role owner/);
});

test('a role that is changed holds for the next message, also of somebody just seen', async (t) => {
  const rig = await accessRig(t, { access: 'open' });
  const people = new People(rig);
  await rig.says('9', 'hello');
  const person = (await rig.store.identity({ channel: 'scripted', account: 'main', native: '9' }))?.person ?? '';
  await people.setRole(principal, person, 'member');
  assert.doesNotMatch((await rig.says('9', '/status'))[0] ?? '', /not use this command/);
  await people.setRole(principal, person, 'guest');
  assert.match((await rig.says('9', '/status'))[0] ?? '', /not use this command/);
});

test('people are changed by tokens with admin and by owners; everybody else sees only themselves', async (t) => {
  const rig = await accessRig(t);
  const people = new People(rig);
  await rig.known('9', 'per_nine', 'member');
  await rig.known('8', ownerPerson, 'owner');
  const as = (more: Partial<Principal>): Principal => ({ ...principal, ...more });
  const member = as({ person: 'per_nine', scope: 'manage' });
  for (const who of [member, as({ scope: 'manage' }), as({ kind: 'sender', person: 'per_nine' })]) {
    await assert.rejects(people.setRole(who, 'per_nine', 'owner'), { code: 'forbidden' });
    await assert.rejects(people.link(who, ownerPerson), { code: 'forbidden' });
  }
  assert.equal((await people.setRole(as({ kind: 'sender', scope: 'send' }), 'per_nine', 'guest')).role, 'guest');
  await assert.rejects(people.setRole(principal, ownerPerson, 'guest'), { code: 'owner_fixed' });
  await assert.rejects(people.setRole(principal, 'per_nobody', 'guest'), { kind: 'not_found' });
  await assert.rejects(people.link(principal, 'per_nobody'), { kind: 'not_found' });
  assert.deepEqual(
    (await people.list(member, { limit: 10 })).items.map(({ id }) => id),
    ['per_nine'],
  );
  await assert.rejects(people.show(member, ownerPerson), { kind: 'not_found' });
  assert.equal((await people.list(principal, { limit: 10 })).items.length, 2);
  await rig.pairing.approve(rig.codeIn(await rig.says('10', 'hello')), principal);
  await rig.says('11', 'hello');
  const seen = async (who: Principal) => {
    const { requests, admitted } = await people.pairings(who);
    return [requests.length, admitted.length];
  };
  assert.deepEqual(await seen(principal), [1, 1]);
  assert.deepEqual(await seen(member), [1, 0]);
  assert.deepEqual(await seen(as({ person: 'per_nine', scope: 'read' })), [0, 0]);
  assert.deepEqual((await people.show(principal, 'per_nine')).identities, [
    { channel: 'scripted:main', sender: '9', display: 'name of 9', admitted: false },
  ]);
});

test('a command that acts on arrival, before roles are asked, must be one for guests', () => {
  const registry = new CommandRegistry();
  const command = { name: 'now', run: () => Promise.resolve(''), now: () => undefined };
  assert.throws(() => registry.register(command), TypeError);
  registry.register({ ...command, role: 'guest' });
});
