import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { askKind } from '../../../src/app/tasks/kinds/ask.ts';
import { answering, calling, calls, from, inGroup } from '../../support/asking.ts';
import { jobs } from '../../support/jobs.ts';
import { principal } from '../../support/message-path.ts';

const posting = calling(calls('post', { to: 'bob', text: 'hi' }));

/** A job of the person 7 has asked whether it may post. */
async function asked(t: TestContext) {
  const rig = await jobs(t, [answering('Hello.'), posting, answering('Sent.')]);
  await rig.say('hello');
  const owner = await rig.personOf('7');
  await rig.setRole('7', 'member');
  const origin = { kind: 'sender', id: 'scripted:main', role: 'member', tainted: null } as const;
  await rig.carryOut(askKind(rig), { kind: 'ask', prompt: 'post it' }, { owner, origin });
  const row = async () => (await rig.asked())[0] ?? assert.fail('nothing was asked');
  return { ...rig, owner, row };
}

test('its owner answers what a job asks from any of their chats, and the call is made once', async (t) => {
  const rig = await asked(t);
  assert.match(await rig.say('/approve'), /May I\?/);
  const command = await rig.command();
  assert.match(await rig.say(command), /Sent\.$/);
  assert.deepEqual(rig.done, [`post bob: hi for ${rig.owner}`]);
  assert.match(await rig.say(command), /approved already/);
  assert.equal(rig.done.length, 1);
});

test('its owner denies it from another chat, and nothing is done', async (t) => {
  const rig = await asked(t);
  assert.match(await rig.say(await rig.command('deny')), /I do not use post/);
  assert.deepEqual(rig.done, []);
  assert.equal((await rig.row()).state, 'denied');
});

test('another person does not answer it, be they a member, an owner, or in a group with its owner', async (t) => {
  const rig = await asked(t);
  const command = await rig.command();
  await rig.say('hello', from('8'));
  for (const role of ['member', 'owner'] as const) {
    await rig.setRole('8', role);
    assert.match(await rig.say(command, from('8')), /no such question in this conversation/);
    assert.match(await rig.say(command, inGroup('8')), /no such question in this conversation/);
  }
  assert.doesNotMatch(await rig.say('/approve', from('8')), /May I\?/);
  assert.deepEqual(rig.done, []);
  assert.equal((await rig.row()).state, 'open');
});

test('in a group it is not shown, as it concerns nobody else there', async (t) => {
  const rig = await asked(t);
  assert.doesNotMatch(await rig.say('/approve', inGroup('7')), /May I\?/);
});

test('a digest of something else than was asked is refused, and so is a row that was changed', async (t) => {
  const rig = await asked(t);
  const { id, digest } = await rig.row();
  const wrong = digest.startsWith('00000000') ? '11111111' : '00000000';
  assert.match(await rig.say(`/approve ${id} ${wrong}`), /does not fit what was asked/);
  assert.deepEqual(rig.done, []);
});

test('a bare yes in a chat is no answer to what a job asks', async (t) => {
  const rig = await asked(t);
  await rig.say('yes');
  assert.deepEqual(rig.done, []);
  assert.equal((await rig.row()).state, 'open');
});

test('what one chat is asked still is not answered from another one of the same person', async (t) => {
  const rig = await jobs(t, [posting, answering('Sent.')]);
  await rig.say('do post it', inGroup('7'));
  assert.match(await rig.say(await rig.command()), /no such question in this conversation/);
  assert.deepEqual(rig.done, []);
});

test('by the API its owner answers it, an admin too, and nobody else sees it', async (t) => {
  const rig = await asked(t);
  const { id } = await rig.row();
  const other = { ...principal, person: 'per_other', scope: 'send' } as const;
  await assert.rejects(rig.remote.answerApproval(other, id, true), { code: 'not_found' });
  const own = { ...principal, person: rig.owner, scope: 'send' } as const;
  const ticket = await rig.remote.answerApproval(own, id, true);
  await rig.settled(ticket.messageId);
  assert.deepEqual(rig.done, [`post bob: hi for ${rig.owner}`]);
});

test('a job whose owner may do less by now has nothing made by an old yes', async (t) => {
  const rig = await asked(t);
  const { id } = await rig.row();
  await rig.setRole('7', 'guest');
  const ticket = await rig.remote.answerApproval(principal, id, true);
  await rig.settled(ticket.messageId);
  assert.deepEqual(rig.done, []);
});
