import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, asking, calling, calls, defaultPolicy, from } from '../../support/asking.ts';
import { hasty, principal } from '../../support/message-path.ts';
import type { RequestMessage } from '../../../src/core/ports/provider.ts';

const post = calling(calls('post', { to: 'bob', text: 'hi' }));
const textsOf = (messages: readonly RequestMessage[] = []): string =>
  messages.flatMap(({ parts }) => parts.map((part) => ('text' in part ? part.text : ''))).join('\n');

test('a call that is asked about waits, and is made once when it is approved; the model hears of its result', async (t) => {
  const rig = await asking(t, [post, answering('Sent.')]);
  const asked = await rig.say('do post it');
  assert.deepEqual(rig.done, []);
  assert.match(asked, /May I\?.*post.*sends text to others/);
  assert.match(asked, /to: bob\ntext: hi/);
  const command = await rig.command();
  assert.ok(asked.includes(command), 'where there are no buttons, the commands can be copied');
  assert.ok(Buffer.byteLength(command) <= 64);
  const told = await rig.say(command);
  assert.deepEqual(rig.done, [`post bob: hi for ${await rig.personOf('7')}`]);
  assert.match(told, /Sent\.$/);
  assert.match(textsOf(rig.provider.requests[1]?.messages), /Ada approved the call of post/);
  const [row] = await rig.questions();
  assert.equal(row?.state, 'approved');
  assert.equal(row.decidedWhere, 'scripted:main');
  const { items } = await rig.audit.list({}, { limit: 10 });
  assert.deepEqual(
    items.map(({ action, subject, metadata }) => [action, subject, metadata['outcome']]),
    [['approval.decided', row.id, 'approved']],
  );
  await rig.event('approval.requested', ({ approvalId }) => approvalId === row.id);
  await rig.event('approval.resolved', ({ outcome }) => outcome === 'approved');
});

test('a call that is denied is not made, and the model knows', async (t) => {
  const rig = await asking(t, [post, answering('All right.')]);
  await rig.say('do post it');
  assert.match(await rig.say(await rig.command('deny')), /I do not use post/);
  await rig.say('and now?');
  assert.deepEqual(rig.done, []);
  assert.match(textsOf(rig.provider.requests[1]?.messages), /denied the call of post/);
});

test('the session is usable while a question is open, and the question survives that', async (t) => {
  const rig = await asking(t, [post, answering('Four.'), answering('Sent.')]);
  await rig.say('do post it');
  assert.match(await rig.say('what is two and two?'), /Four\.$/);
  await rig.say(await rig.command());
  assert.equal(rig.done.length, 1);
});

test('a bare yes or no as the next words of the person answers the only question', async (t) => {
  const yes = await asking(t, [post, answering('Sent.')]);
  await yes.say('do post it');
  assert.match(await yes.say('Ja!'), /Sent\.$/);
  assert.equal(yes.done.length, 1);
  const no = await asking(t, [post, answering('never asked')]);
  await no.say('do post it');
  assert.match(await no.say('non'), /I do not use post/);
  assert.deepEqual([no.done.length, no.provider.hits], [0, 1]);
});

test('a yes that is not the next thing said, or one to two questions, is for the model', async (t) => {
  const later = await asking(t, [post, answering('Which one?')]);
  await later.say('do post it');
  await later.say('wait, who is bob?');
  await later.say('yes');
  assert.deepEqual([later.done.length, later.provider.hits], [0, 3]);
  const two = await asking(t, [calling(calls('post', {}, 'c1'), calls('exec', {}, 'c2')), answering('Which one?')]);
  await two.say('do both');
  await two.say('yes');
  assert.deepEqual([two.done.length, (await two.questions()).length], [0, 2]);
});

test('without an argument the commands show what is open, and that nothing is', async (t) => {
  const rig = await asking(t, [post, answering('Sent.')]);
  assert.match(await rig.say('/approve'), /No question is open here/);
  await rig.say('do post it');
  assert.equal((await rig.say('/deny')).split('May I?').length, 3);
  assert.match(await rig.say('/approve it please'), /Answer with the button/);
  assert.deepEqual(rig.done, []);
});

test('an API client answers where it was asked: what comes of it is said in the chat', async (t) => {
  const rig = await asking(t, [post, answering('Sent.')]);
  await rig.say('do post it');
  const [row] = await rig.questions();
  assert.ok(row !== undefined);
  const own = { ...principal, person: row.owner, scope: 'send' } as const;
  const listed = await rig.remote.approvals(own, { open: true, limit: 10 });
  assert.deepEqual(
    listed.items.map(({ id, state, args }) => [id, state, args]),
    [[row.id, 'open', { to: 'bob', text: 'hi' }]],
  );
  const ticket = await rig.remote.answerApproval(own, row.id, true);
  const again = await rig.remote.answerApproval(own, row.id, true).catch((error: unknown) => error);
  if (!(again instanceof Error)) assert.deepEqual(again, ticket);
  await rig.settled(ticket.messageId);
  assert.equal(rig.done.length, 1);
  assert.match(rig.shown('7'), /Sent\.$/);
  await assert.rejects(rig.remote.answerApproval(own, row.id, false), { code: 'already_answered' });
});

test('the owner answers for somebody else, who then has what they asked for', async (t) => {
  const rig = await asking(t, [post, answering('Sent.')]);
  await rig.say('do post it', from('8'));
  const [row] = await rig.questions();
  assert.ok(row !== undefined);
  const ticket = await rig.remote.answerApproval(principal, row.id, true);
  await rig.settled(ticket.messageId);
  assert.deepEqual(rig.done, [`post bob: hi for ${await rig.personOf('8')}`]);
  assert.match(rig.shown('8'), /Sent\.$/);
  assert.equal((await rig.questions())[0]?.decidedBy, 'owner');
});

test('an API client can be asked, and answers by its own session', async (t) => {
  const rig = await asking(t, [post, answering('Sent.')]);
  const ticket = await rig.chat.chat(principal, { text: 'do post it' });
  const answer = await ticket.answer;
  assert.equal(answer.finish_reason, 'approval');
  assert.match(answer.reply.text, /May I\?/);
  hasty.pass(1);
  const yes = await rig.chat.chat(principal, { text: 'yes' });
  assert.equal((await yes.answer).reply.text, 'Sent.');
  assert.deepEqual(rig.done, ['post bob: hi for owner']);
});

test('what the policy forbids by now is not made, however it was approved', async (t) => {
  const policy = structuredClone(defaultPolicy);
  const rig = await asking(t, [post, answering('Sent.')], { toolPolicy: policy });
  await rig.say('do post it');
  policy.base.send = 'deny';
  assert.match(await rig.say('yes'), /not allowed here any more/);
  policy.base.send = 'ask';
  await rig.say(await rig.command());
  assert.equal(rig.done.length, 1);
});

test('a tool whose call was approved may bring text from outside, which taints what follows', async (t) => {
  const policy = { ...defaultPolicy, tools: { page: 'ask' } as const };
  const rig = await asking(t, [calling(calls('page')), calling(calls('save', { text: 'x' })), answering('ok')], {
    toolPolicy: policy,
  });
  await rig.say('do look');
  assert.match(await rig.say('yes'), /May I\?.*save.*\(web page\)/s);
  assert.deepEqual(rig.done, []);
});

/** A restart between the decision and the call: the run is claimed again and finds that it was it who decided. */
const resumed: readonly [string, 'command' | 'message'][] = [
  ['a command', 'command'],
  ['a bare yes', 'message'],
];
for (const [name, kind] of resumed) {
  test(`a crash right after the decision by ${name} neither loses the call nor doubles it`, async (t) => {
    const rig = await asking(t, [post, answering('Sent.')]);
    await rig.say('do post it');
    const [row] = await rig.questions();
    const run = await rig.store.run(row?.runId ?? '');
    const asked = await rig.store.inbound(run?.messageId ?? '');
    assert.ok(row !== undefined && asked !== null);
    const runId = rig.mintId('run');
    const decision = await rig.store.decideApproval({
      id: row.id,
      sessionKey: row.sessionKey,
      digest: row.digest,
      approve: true,
      by: row.owner,
      forOthers: false,
      at: rig.clock.now(),
      where: 'scripted:main',
      runId,
    });
    assert.equal(decision.outcome, 'approved');
    const id = rig.mintId('msg');
    const text = kind === 'command' ? await rig.command() : 'yes';
    const receivedAt = rig.clock.now();
    await rig.ingress.accept({
      ...asked,
      id,
      runId,
      kind,
      text,
      dedupe: id,
      correlation: id,
      receivedAt,
      state: 'queued',
    });
    await rig.settled(id);
    assert.equal(rig.done.length, 1);
    assert.match(rig.shown('7'), /Sent\.$/);
    await rig.say(await rig.command());
    assert.equal(rig.done.length, 1);
  });
}
