import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineTool } from '../../../src/core/define-tool.ts';
import type { RequestMessage } from '../../../src/core/ports/provider.ts';
import * as z from 'zod/mini';
import { answering, asking, calling, calls, defaultPolicy, from } from '../../support/asking.ts';
import { hasty, principal, said } from '../../support/message-path.ts';
import { failing } from '../../support/scripted-provider.ts';

const post = calling(calls('post', { to: 'bob', text: 'hi' }));
const textsOf = (messages: readonly RequestMessage[] = []): string =>
  messages.flatMap(({ parts }) => parts.map((part) => ('text' in part ? part.text : ''))).join('\n');

for (const by of ['a command', 'a bare yes']) {
  test(`a run that failed after a call approved by ${by} is tried again without making the call again`, async (t) => {
    const rig = await asking(t, [post, failing('auth'), answering('Sent.')]);
    await rig.say('do post it');
    hasty.pass(1000);
    const message = said(by === 'a command' ? await rig.command() : 'yes');
    const [receipt] = (await rig.ingress.sinkFor('scripted', 'main').commit([message])) ?? [];
    await rig.event('run.failed');
    assert.equal(rig.done.length, 1);
    const id = receipt?.messageId ?? '';
    await rig.dead.retry(null, id);
    await rig.settled(id);
    assert.equal(rig.done.length, 1, 'what was approved once is done once');
    assert.match(rig.shown('7'), /Sent\.$/);
    const read = textsOf(rig.provider.requests.at(-1)?.messages);
    assert.equal(read.split('Ada approved the call of post').length, 2, 'and is told once');
  });
}

test('an owner who answers for somebody gives them no rights that they have lost meanwhile', async (t) => {
  const policy = { access: 'open', users: new Set<string>(), chats: new Set<string>() } as const;
  const rig = await asking(t, [answering('hello'), post, answering('Sent.')], { policy });
  await rig.say('hello', from('8'));
  await rig.setRole('8', 'member');
  await rig.say('do post it', from('8'));
  await rig.setRole('8', 'guest');
  const [row] = await rig.questions();
  const ticket = await rig.remote.answerApproval(principal, row?.id ?? '', true);
  await rig.settled(ticket.messageId);
  assert.deepEqual(rig.done, [], 'guests send nothing');
  assert.match(rig.shown('8'), /not allowed here any more/);
});

test('an approved call whose run is stopped in the middle of it is known to have been begun, and never begun again', async (t) => {
  const began = Promise.withResolvers<void>();
  let begun = 0;
  const slow = defineTool({
    name: 'slow',
    description: 'slow',
    effects: ['send'],
    role: 'guest',
    input: () => z.strictObject({}),
    run: () => {
      begun += 1;
      began.resolve();
      return new Promise(() => undefined);
    },
  });
  const rig = await asking(t, [calling(calls('slow')), answering('Let us see.')], {
    groups: [{ name: 'deeds', about: 'deeds', keywords: ['do'], tools: [slow] }],
    toolPolicy: defaultPolicy,
  });
  await rig.say('do it slowly');
  const [receipt] = (await rig.ingress.sinkFor('scripted', 'main').commit([said(await rig.command())])) ?? [];
  await began.promise;
  const run = (await rig.store.trace(receipt?.messageId ?? ''))?.run;
  rig.runs.abortRun(run?.id ?? '', null, 'requested', 'enough');
  await rig.event('run.failed');
  await rig.say('did it happen?');
  assert.match(textsOf(rig.provider.requests.at(-1)?.messages), /approved the call of slow.*outcome is unknown/s);
  assert.equal(begun, 1);
});
