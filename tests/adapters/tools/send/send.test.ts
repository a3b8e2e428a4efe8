import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { sendTools } from '../../../../src/adapters/tools/send/index.ts';
import type { AccessPolicy } from '../../../../src/app/access/authorize.ts';
import { ChannelManager } from '../../../../src/app/channels/manager.ts';
import { senderOf } from '../../../../src/app/gateway/sender.ts';
import { estimateTokens } from '../../../../src/core/estimate.ts';
import type { ToolCall, ToolOutput } from '../../../../src/core/ports/tool.ts';
import type { PersonRole } from '../../../../src/core/principal.ts';
import { registerSecret } from '../../../../src/core/redact.ts';
import { CountedMetrics } from '../../../support/door.ts';
import { messagePath } from '../../../support/message-path.ts';
import { callOf, outcome } from '../../../support/tool-calls.ts';

/** Ada (7) and Bob (8) are listed, Eve (9) wrote once and is not; -100 is a group. */
async function rig(t: TestContext) {
  const path = await messagePath(t);
  const { channel, store } = path;
  const channels = new ChannelManager({ ...path, metrics: new CountedMetrics() });
  await channels.configure([
    { id: 'scripted:main', fingerprint: '1', stream: true, create: () => Promise.resolve(channel) },
  ]);
  t.after(() => channels.stop(100));
  const policy: AccessPolicy = { users: new Set(['7', '8']), chats: new Set(['-100']) };
  const met = async (native: string, display: string, role: PersonRole): Promise<void> => {
    const conversation = { channel: 'scripted', account: 'main', native: `D${native}` };
    const person = { id: `per_${native}`, name: display, role, language: null, createdAt: 0 };
    await store.ensureIdentity({ channel: 'scripted', account: 'main', native, display, conversation }, person);
  };
  await met('7', 'Ada', 'member');
  await met('8', 'Bob', 'owner');
  await met('9', 'Eve', 'guest');
  const group = sendTools({
    sender: senderOf({ ...path, markdown: createMarkdown(), channels, policy: () => policy }),
  });
  const say = (
    person: string,
    role: PersonRole,
    to: string,
    text = 'hello',
    more: Partial<ToolCall> = {},
  ): Promise<ToolOutput> => outcome(group, 'send_message', { to, text }, callOf(person, { role, ...more }));
  /** What stands in the outbox, and goes out. */
  const sent = async (): Promise<string[]> => {
    const rows = [];
    for (const { conversation } of await store.dueConversations('scripted', 'main', 10)) rows.push(conversation.native);
    return [...channel.shown.map(({ chat }) => chat), ...rows];
  };
  return { ...path, group, say, sent };
}

test('a member writes to their own identities and to nobody else', async (t) => {
  const { say, sent, channel } = await rig(t);
  for (const to of ['Bob', 'scripted:main:8', 'scripted:main:-100', 'scripted:main:9', '8', '']) {
    const { text, isError } = await say('per_7', 'member', to);
    assert.deepEqual([text, isError], ['There is no such place to write to. There are: scripted:main:7 (Ada).', true]);
  }
  assert.deepEqual(await sent(), []);
  assert.equal((await say('per_7', 'member', 'ada')).text, 'On its way to Ada (scripted:main:7).');
  await t.waitFor(() =>
    assert.deepEqual(
      channel.shown.map(({ chat }) => chat),
      ['D7'],
    ),
  );
});

test('an owner writes to everybody who is let in, to listed groups, and to no stranger', async (t) => {
  const { say, sent, channel } = await rig(t);
  assert.equal((await say('per_8', 'owner', 'Ada')).isError, undefined);
  assert.equal((await say('per_8', 'owner', 'scripted:main:-100', 'hi', { id: 'call_2' })).isError, undefined);
  for (const to of [
    'Eve',
    'scripted:main:9',
    'scripted:main:666',
    'scripted:main:',
    'scripted:other:7',
    'telegram:main:7',
  ])
    assert.equal((await say('per_8', 'owner', to, 'hi', { id: `call_${to}` })).isError, true, to);
  await t.waitFor(() => assert.deepEqual(channel.shown.map(({ chat }) => chat).sort(), ['-100', 'D7']));
  assert.equal((await sent()).length, 2);
});

test('a guest sends nothing', async (t) => {
  const { say, sent } = await rig(t);
  assert.equal((await say('per_9', 'guest', 'Eve')).isError, true);
  assert.deepEqual(await sent(), []);
});

test('the same call of the same run is one message, however often it is carried out', async (t) => {
  const { say, channel, group } = await rig(t);
  assert.equal(group.tools[0]?.idempotent, true);
  for (let n = 0; n < 3; n++) assert.equal((await say('per_7', 'member', 'Ada', 'once')).isError, undefined);
  await say('per_7', 'member', 'Ada', 'again', { id: 'call_2' });
  await say('per_7', 'member', 'Ada', 'and again', { runId: 'run_2' });
  await t.waitFor(() => assert.equal(channel.shown.length, 3));
  assert.deepEqual(
    channel.shown.map(({ texts }) => texts[0]),
    ['once', 'again', 'and again'],
  );
});

test('a known secret does not leave, spelled as it may be', async (t) => {
  const { say, sent } = await rig(t);
  registerSecret('hunter2-hunter2');
  for (const text of [
    'it is hunter2-hunter2',
    'h u n t e r 2 - h u n t e r 2',
    Buffer.from('hunter2-hunter2').toString('base64'),
  ])
    assert.match((await say('per_7', 'member', 'Ada', text)).text, /must not leave/);
  assert.equal((await say('per_7', 'member', 'Ada', 'x'.repeat(20_001))).isError, true);
  assert.deepEqual(await sent(), []);
});

test('it costs little, and neither a person nor a chat can be smuggled in', async (t) => {
  const { group } = await rig(t);
  assert.ok(estimateTokens(JSON.stringify(group.tools)) <= 90);
  for (const name of ['owner_id', 'chat_id', 'person'])
    assert.ok('problem' in (group.tools[0]?.prepare({ to: 'a', text: 'b', [name]: 'x' }) ?? {}));
});
