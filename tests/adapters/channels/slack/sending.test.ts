import assert from 'node:assert/strict';
import test from 'node:test';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import type { OutboundBody } from '../../../../src/core/message.ts';
import type { OutboundPart, SendOutcome } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { chats } from '../../../support/slack-counterpart.ts';
import type { CallFault } from '../../../support/slack-server.ts';
import { slackRig } from '../../../support/slack-rig.ts';
import type { SlackRig } from '../../../support/slack-rig.ts';
import { people, team } from '../../../support/slack-workspace.ts';

const forever = new AbortController().signal;
const markdown = createMarkdown();

const partIn = (rig: SlackRig, body: OutboundBody, more: Partial<OutboundPart> = {}): OutboundPart => ({
  idempotencyKey: 'run_1:0',
  conversation: rig.slack.conversation(),
  body,
  ...more,
});

const kindOf = (outcome: SendOutcome): string => (outcome.ok ? 'sent' : outcome.kind);

/** A question in a channel, and what belongs to its answer. */
async function asked(rig: SlackRig): Promise<Pick<OutboundPart, 'conversation' | 'replyTo'>> {
  rig.start();
  const ts = await rig.slack.say('tell me', { chat: 'group' });
  await rig.until(() => rig.events.length > 0);
  return { conversation: rig.channel.conversation(chats.group, ts), replyTo: ts };
}

const editTo = async (
  rig: SlackRig,
  part: OutboundPart,
  ref: string,
  source: string,
  final: boolean,
): Promise<SendOutcome> => {
  const { conversation } = part;
  const change = { body: markdown.parse(source), final };
  const outcome = await rig.channel.edit?.({ conversation, native: ref }, change, forever);
  assert.ok(outcome !== undefined);
  return outcome;
};

const shownInGroup = async (rig: SlackRig): Promise<string[]> =>
  (await rig.slack.shown({ chat: 'group' })).map(({ text }) => text);

test('a growing reply in a channel is streamed to who asked, appended, and ended by its last edit', async (t) => {
  const rig = await slackRig(t);
  const part = partIn(rig, markdown.parse('Once upon a time **there'), { ...(await asked(rig)), growing: true });
  const sent = await rig.channel.send(part, forever);
  assert.ok(sent.ok, JSON.stringify(sent));
  const [started] = rig.server.of('chat.startStream');
  assert.deepEqual(
    [
      started?.['thread_ts'],
      started?.['recipient_user_id'],
      started?.['recipient_team_id'],
      started?.['markdown_text'],
    ],
    [part.conversation.thread, people.one, team, 'Once upon a time '],
  );
  for (const text of [
    'Once upon a time **there was** a',
    'Once upon a time **there was** a bot.\n\n```ts\nlet x = 1;\nlet',
  ])
    assert.equal(kindOf(await editTo(rig, part, sent.ref, text, false)), 'sent');
  const whole = 'Once upon a time **there was** a bot.\n\n```ts\nlet x = 1;\nlet y = 2;\n```\n\nThe end';
  assert.equal(kindOf(await editTo(rig, part, sent.ref, whole, true)), 'sent');
  const pieces = rig.server.of('chat.appendStream').map((params) => params['markdown_text']);
  assert.deepEqual(pieces, ['**there was** ', 'a bot.\n\n```ts\nlet x = 1;\n']);
  assert.equal(rig.server.of('chat.update').length, 0);
  assert.equal(rig.server.workspace.messages.at(-1)?.streaming, false);
  assert.deepEqual(await shownInGroup(rig), ['Once upon a time there was a bot.\n\nlet x = 1;\nlet y = 2;\n\nThe end']);
  assert.equal(await rig.channel.findSent?.(part, forever), sent.ref);
  // A late repeat of the last edit changes the message, which is no stream any more.
  assert.equal(kindOf(await editTo(rig, part, sent.ref, whole, true)), 'sent');
});

test('words that look like markup are made exact when a stream ends', async (t) => {
  const rig = await slackRig(t);
  const part = partIn(rig, plainText('The file is called '), { ...(await asked(rig)), growing: true });
  const sent = await rig.channel.send(part, forever);
  assert.ok(sent.ok);
  assert.equal(
    kindOf(await editTo(rig, part, sent.ref, 'The file is called snake_case_name <!channel> & \\*so\\*', true)),
    'sent',
  );
  assert.deepEqual(await shownInGroup(rig), ['The file is called snake_case_name <!channel> & *so*']);
  assert.equal(rig.server.of('chat.update').length, 1);
  assert.deepEqual(rig.server.workspace.violations, []);
});

test('a reply that changes what it said, a stream that Slack ended and one of an earlier process become edits', async (t) => {
  const rig = await slackRig(t);
  const question = await asked(rig);
  const begin = async (key: string): Promise<{ part: OutboundPart; ref: string }> => {
    const part = partIn(rig, plainText('The first words'), { ...question, idempotencyKey: key, growing: true });
    const sent = await rig.channel.send(part, forever);
    assert.ok(sent.ok, JSON.stringify(sent));
    return { part, ref: sent.ref };
  };
  const changed = await begin('a');
  assert.equal(kindOf(await editTo(rig, changed.part, changed.ref, 'No, other words', false)), 'sent');
  assert.equal(kindOf(await editTo(rig, changed.part, changed.ref, 'No, other words at last', true)), 'sent');
  const ended = await begin('b');
  rig.server.workspace.find(chats.group, ended.ref).streaming = false;
  assert.equal(kindOf(await editTo(rig, ended.part, ended.ref, 'The first words and more', false)), 'sent');
  const orphan = await begin('c');
  const later = await rig.slack.channel();
  const change = { body: plainText('The first words and the last'), final: true };
  const message = { conversation: orphan.part.conversation, native: orphan.ref };
  assert.equal((await later.edit?.(message, change, forever))?.ok, true);
  assert.deepEqual(await shownInGroup(rig), [
    'No, other words at last',
    'The first words and more',
    'The first words and the last',
  ]);
  assert.ok(rig.server.workspace.messages.every(({ streaming }) => streaming !== true));
});

test('an append whose answer was lost is never repeated: the message is replaced', async (t) => {
  const rig = await slackRig(t);
  const part = partIn(rig, plainText('One two '), { ...(await asked(rig)), growing: true });
  const sent = await rig.channel.send(part, forever);
  assert.ok(sent.ok);
  rig.server.next(/appendStream/, { kind: 'lost' });
  assert.equal(kindOf(await editTo(rig, part, sent.ref, 'One two three four', false)), 'transient');
  assert.equal(kindOf(await editTo(rig, part, sent.ref, 'One two three four five', true)), 'sent');
  rig.server.next(/appendStream/, { kind: 'rate_limited', seconds: 7 });
  assert.deepEqual(await shownInGroup(rig), ['One two three four five']);
});

test('where streaming is refused the reply is posted and edited, and it is not tried there again', async (t) => {
  const rig = await slackRig(t);
  const question = await asked(rig);
  rig.server.next(/startStream/, { kind: 'error', error: 'channel_type_not_supported' });
  for (const key of ['a', 'b']) {
    const part = partIn(rig, plainText('Some words'), { ...question, idempotencyKey: key, growing: true });
    const sent = await rig.channel.send(part, forever);
    assert.ok(sent.ok);
    assert.equal(kindOf(await editTo(rig, part, sent.ref, `Some words ${key}`, true)), 'sent');
  }
  assert.equal(rig.server.of('chat.startStream').length, 1);
  assert.deepEqual(await shownInGroup(rig), ['Some words a', 'Some words b']);
});

test('a stream whose beginning was lost is found again by its first words, and by nothing else', async (t) => {
  const rig = await slackRig(t);
  const part = partIn(rig, plainText('The answer is forty '), { ...(await asked(rig)), growing: true });
  rig.server.next(/startStream/, { kind: 'lost' });
  assert.equal(kindOf(await rig.channel.send(part, forever)), 'ambiguous');
  const ts = rig.server.workspace.messages.at(-1)?.ts;
  const whole = { ...part, body: plainText('The answer is forty two.') };
  assert.equal(await rig.channel.findSent?.(whole, forever), ts);
  assert.equal(await rig.channel.findSent?.({ ...part, body: plainText('Something else') }, forever), null);
});

test('a file whose announcement was lost is found by its name and size', async (t) => {
  const rig = await slackRig(t);
  rig.start();
  await rig.state('connected');
  const file = new Uint8Array(2000).fill(7);
  const body = {
    ...plainText('see *this*'),
    file: { id: 'file_1', mimeType: 'image/png', size: 2000, name: 'a/b.png' },
  };
  const part = partIn(rig, body, { file });
  assert.equal(await rig.channel.findSent?.(part, forever), null);
  for (const [method, kind] of [
    [/getUploadURL/, 'transient'],
    [/completeUpload/, 'ambiguous'],
  ] as const) {
    rig.server.next(method, { kind: 'lost' });
    assert.equal(kindOf(await rig.channel.send(part, forever)), kind);
  }
  const [shown] = await rig.slack.shown();
  assert.equal(await rig.channel.findSent?.(part, forever), shown?.ref);
  assert.equal(shown?.text, 'see *this*');
  assert.deepEqual(shown?.file, file);
});

test('buttons carry their commands', async (t) => {
  const rig = await slackRig(t);
  const buttons = [
    { label: 'Yes', command: '/approve 1' },
    { label: 'No', command: '/deny 1' },
  ];
  const sent = await rig.channel.send(partIn(rig, { ...plainText('Do it?'), buttons }), forever);
  assert.ok(sent.ok, JSON.stringify(sent));
  const actions = rig.server.workspace.messages.at(-1)?.blocks.find(({ type }) => type === 'actions');
  assert.deepEqual(
    actions?.elements?.map(({ value }) => value),
    ['/approve 1', '/deny 1'],
  );
  // A change without buttons takes them away.
  assert.equal(kindOf(await editTo(rig, partIn(rig, plainText('')), sent.ref, 'Done', true)), 'sent');
  assert.deepEqual(rig.server.workspace.messages.at(-1)?.blocks, []);
});

test('an answer to a command in a channel we are no member of goes the way the command came', async (t) => {
  const rig = await slackRig(t);
  rig.start();
  await rig.state('connected');
  const url = `${rig.server.apiRoot}/respond`;
  const payload = {
    command: '/clanker',
    text: 'hi',
    trigger_id: '1.2',
    user_id: people.one,
    channel_id: chats.group,
    response_url: url,
  };
  await rig.slack.deliver({ type: 'slash_commands', payload });
  await rig.until(() => rig.events.length === 1);
  const [event] = rig.events;
  assert.ok(event !== undefined);
  rig.server.next(/postMessage/, { kind: 'error', error: 'not_in_channel' });
  const part = partIn(rig, plainText('hello'), { conversation: event.conversation, replyTo: event.native });
  assert.equal(kindOf(await rig.channel.send(part, forever)), 'sent');
  assert.equal(rig.server.of('respond').length, 1);
});

test('C-07: a stranger who uses a command or a button is told, to nobody else, and one who writes hears nothing', async (t) => {
  const rig = await slackRig(t);
  rig.strangers.add(people.two);
  rig.start();
  await rig.state('connected');
  const response_url = `${rig.server.apiRoot}/respond`;
  const command = { command: '/clanker', trigger_id: '1', user_id: people.two, channel_id: chats.group, response_url };
  const press = {
    type: 'block_actions',
    trigger_id: '2',
    user: { id: people.two },
    channel: { id: chats.group },
    message: { ts: '1.1' },
    actions: [{ value: '/approve 1' }],
    response_url,
  };
  await rig.slack.deliver({ type: 'slash_commands', payload: command });
  await rig.slack.deliver({ type: 'interactive', payload: press });
  await rig.slack.deliver({ type: 'slash_commands', payload: { ...command, response_url: 'http://evil.example/x' } });
  await rig.slack.say('hello', { sender: 'two' });
  await rig.until(() => rig.server.acks.length === 4 && rig.server.of('respond').length >= 2);
  assert.equal(rig.server.of('respond').length, 2);
  assert.deepEqual(await rig.slack.shown({ sender: 'two' }), []);
});

test('the status shows in threads, is ended by an answer or by the end of the work, and rests where it is refused', async (t) => {
  const rig = await slackRig(t);
  const { conversation } = await asked(rig);
  const statuses = (): (string | undefined)[] =>
    rig.server.of('assistant.threads.setStatus').map(({ status }) => status);
  await rig.channel.typing?.(rig.slack.conversation(), forever);
  assert.deepEqual(statuses(), [], 'a private chat without a thread has no status');
  const silent = new AbortController();
  await rig.channel.typing?.(conversation, silent.signal);
  silent.abort();
  await rig.until(() => statuses().length === 2);
  assert.deepEqual(statuses(), ['is thinking…', '']);
  rig.server.next(/setStatus/, { kind: 'error', error: 'missing_scope' });
  for (let n = 0; n < 3; n++) await rig.channel.typing?.(conversation, forever);
  assert.equal(statuses().length, 3);
});

test("the token goes to Slack's own hosts and to nobody else", async (t) => {
  const rig = await slackRig(t);
  const attachment = { native: 'F1', mimeType: 'text/plain' };
  const read = async (): Promise<string> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of rig.channel.fetchAttachment?.(attachment, forever) ?? []) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  await assert.rejects(read, /file_not_found/);
  const bytes = new TextEncoder().encode('hello');
  rig.server.workspace.files.set('F1', { id: 'F1', name: 'x', mimetype: 'text/plain', size: 5, bytes });
  assert.equal(await read(), 'hello');
  rig.server.fileHost = 'http://evil.example';
  await assert.rejects(read, /not stored in Slack/);
  rig.server.fileHost = 'http://127.0.0.1:1';
  await assert.rejects(read, /not stored in Slack/);
});

/** What one attempt through each failure comes to, as a send and as an edit. */
const outcomes: [CallFault, string, string][] = [
  [{ kind: 'error', error: 'internal_error' }, 'ambiguous', 'transient'],
  [{ kind: 'error', error: 'fatal_error' }, 'ambiguous', 'transient'],
  [{ kind: 'error', error: 'request_timeout' }, 'transient', 'transient'],
  [{ kind: 'error', error: 'invalid_blocks' }, 'bad_format', 'bad_format'],
  [{ kind: 'error', error: 'msg_blocks_too_long' }, 'bad_format', 'bad_format'],
  [{ kind: 'error', error: 'channel_not_found' }, 'chat_not_found', 'chat_not_found'],
  [{ kind: 'error', error: 'not_in_channel' }, 'not_member', 'not_member'],
  [{ kind: 'error', error: 'is_archived' }, 'archived', 'archived'],
  [{ kind: 'error', error: 'restricted_action_read_only_channel' }, 'not_allowed', 'not_allowed'],
  [{ kind: 'error', error: 'missing_scope', needed: 'chat:write' }, 'missing_scope', 'missing_scope'],
  [{ kind: 'error', error: 'account_inactive' }, 'bad_token', 'bad_token'],
  [{ kind: 'error', error: 'message_not_found' }, 'edit_gone', 'edit_gone'],
  [{ kind: 'status', status: 502 }, 'ambiguous', 'transient'],
  [{ kind: 'status', status: 413 }, 'transient', 'transient'],
  [{ kind: 'lost' }, 'ambiguous', 'transient'],
  [{ kind: 'rate_limited', seconds: 37 }, 'rate_limited', 'rate_limited'],
];
test('every failure is told apart: what may have arrived, what certainly did not, and what will never', async (t) => {
  const rig = await slackRig(t);
  const sent = await rig.channel.send(partIn(rig, plainText('first')), forever);
  assert.ok(sent.ok);
  const shape = (outcome: SendOutcome): string =>
    !outcome.ok && outcome.kind === 'refused' ? outcome.code : kindOf(outcome);
  for (const [fault, asSend, asEdit] of outcomes) {
    rig.server.next(/postMessage/, fault);
    const outcome = await rig.channel.send(partIn(rig, plainText('x')), forever);
    assert.equal(shape(outcome), asSend, JSON.stringify([fault, outcome]));
    rig.server.next(/chat.update/, fault);
    assert.equal(
      shape(await editTo(rig, partIn(rig, plainText('')), sent.ref, 'y', true)),
      asEdit,
      JSON.stringify(fault),
    );
    if (!outcome.ok && outcome.kind === 'rate_limited') assert.equal(outcome.retryAfterMs, 37_000);
    if (fault.kind === 'error' && fault.needed !== undefined) assert.match(JSON.stringify(outcome), /chat:write/);
  }
  const elsewhere = partIn(rig, plainText('x'), { conversation: rig.slack.conversation({ sender: 'two' }) });
  await rig.server.close();
  // A pooled connection may have seen something of it; a new one is refused.
  await rig.channel.send(elsewhere, forever);
  assert.equal(kindOf(await rig.channel.send(elsewhere, forever)), 'unreachable');
});

test('B-23: while Slack wants to hear nothing of a channel, nothing is sent there, and others go on', async (t) => {
  const rig = await slackRig(t);
  rig.server.next(/postMessage/, { kind: 'rate_limited', seconds: 37 });
  const post = (sender: 'one' | 'two'): Promise<SendOutcome> =>
    rig.channel.send(partIn(rig, plainText('x'), { conversation: rig.slack.conversation({ sender }) }), forever);
  const [first, second, other] = [await post('one'), await post('one'), await post('two')];
  assert.ok(!first.ok && first.kind === 'rate_limited' && first.retryAfterMs === 37_000);
  assert.ok(!second.ok && second.kind === 'rate_limited' && second.retryAfterMs > 30_000);
  assert.ok(other.ok);
  assert.equal(rig.server.of('chat.postMessage').length, 2);
});
