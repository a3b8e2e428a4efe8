import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { chatMemoryTools } from '../../../src/adapters/tools/chat-memory/index.ts';
import { estimateTokens } from '../../../src/core/estimate.ts';
import type { JsonObject, Part } from '../../../src/core/message.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import type { ToolCall } from '../../../src/core/ports/tool.ts';
import { claim, finish, inboundRow, noon, reply } from '../store/rows.ts';
import { freshStore } from '../../support/store.ts';
import { callOf, use } from '../../support/tool-calls.ts';

const groupKey = 'telegram:main:-1';
const inGroup = { sessionKey: groupKey, chatType: 'group', channel: 'telegram' } as const;

/** A question and its answer in a session. */
async function exchange(store: Store, id: string, sessionKey: string, said: string, answer: Part[], native = 'ann') {
  const group = sessionKey === groupKey;
  await store.commitInbound([
    inboundRow(id, {
      sessionKey,
      owner: group ? 'owner' : native,
      text: said,
      receivedAt: noon,
      ...(group
        ? {
            channel: 'telegram',
            conversation: { channel: 'telegram', account: 'main', native: '-1' },
            chatType: 'group',
            sender: { native, display: native },
          }
        : {}),
    }),
  ]);
  const claimed = await claim(store, { sessionKey });
  await store.finishRun(finish(claimed?.run.id ?? '', { messages: [{ ...reply(`r-${id}`), parts: answer }] }));
}

const text = (said: string): Part[] => [{ type: 'text', text: said }];

async function rig(t: TestContext) {
  const store = await freshStore(t);
  const group = chatMemoryTools({ store });
  const ask = (name: string, args: JsonObject, more: Partial<ToolCall> = {}, person = 'ann') =>
    use(group, `chat_${name}`, args, callOf(person, more));
  return { store, ask };
}

test('the schemas cost few tokens', () => {
  const { tools, about } = chatMemoryTools({ store: {} as Store });
  const sent = tools.map(({ name, description, parameters }) => JSON.stringify({ name, description, parameters }));
  assert.ok(sent.map(estimateTokens).reduce((a, b) => a + b) <= 200);
  assert.ok(about.length <= 60);
});

test('what was said is found again, newest first, with who said it and when', async (t) => {
  const { store, ask } = await rig(t);
  await exchange(store, 'm1', 'api:ann:main', 'My bike is Blue', text('Nice.'));
  await exchange(store, 'm2', 'api:ann:main', 'and the car?', text('You said that your bike is blue.'));
  const found = await ask('search', { words: 'BIKE blue' });
  assert.equal(
    found.text,
    '2026-01-15T12:00Z demo/demo: You said that your bike is blue.\n2026-01-15T12:00Z Owner: My bike is Blue',
  );
  assert.equal(found.outside, undefined);
  assert.equal((await ask('search', { words: 'boat' })).text, 'Nothing found.');
  assert.equal((await ask('search', { words: '%' })).isError, true);
  assert.match((await ask('info', {})).text, /^4 messages since 2026-01-15T12:00Z; 4 are stored/);
});

test('a trimmed conversation is out of sight, and says what happened', async (t) => {
  const { store, ask } = await rig(t);
  await exchange(store, 'm1', 'api:ann:main', 'secret plan', text('ok'));
  await exchange(store, 'm2', 'api:ann:main', 'tea', text('ok'));
  assert.match((await ask('trim', { keep: 2 })).text, /^2 messages are out of sight/);
  assert.equal((await ask('search', { words: 'secret' })).text, 'Nothing found.');
  assert.match((await ask('info', {})).text, /^2 messages since .*; 4 are stored/);
  for (const keep of [-1, 1.5, 1e9]) assert.equal((await ask('trim', { keep })).isError, true);
});

test('no session but the one at hand is read or trimmed, whatever the arguments say', async (t) => {
  const { store, ask } = await rig(t);
  await exchange(store, 'm1', 'api:ann:main', 'my secret', text('ok'));
  const asBen = { sessionKey: 'api:ann:main' };
  for (const args of [
    { words: 'secret', session: 'api:ann:main' },
    { words: 'secret', owner_id: 'ann' },
  ]) {
    const { text: said, isError } = await ask('search', args, {}, 'ben');
    assert.equal(isError, true);
    assert.doesNotMatch(said, /my secret/);
  }
  // A key that was bound to the wrong person by a defect elsewhere still shows nothing.
  assert.equal((await ask('search', { words: 'secret' }, asBen, 'ben')).text, 'Nothing found.');
  assert.equal((await ask('info', {}, asBen, 'ben')).text, 'Nothing was said here before.');
  assert.match((await ask('trim', { keep: 0 }, asBen, 'ben')).text, /^0 messages/);
  assert.equal((await ask('search', { words: 'secret' })).outside, undefined);
  assert.match((await ask('search', { words: 'secret' })).text, /my secret/);
});

test('a guest in a group finds what was said in that group, and nothing of anybody’s own chats', async (t) => {
  const { store, ask } = await rig(t);
  await exchange(store, 'm1', 'api:ann:main', 'tea alone', text('ok'));
  await exchange(store, 'm2', groupKey, 'tea for all', text('ok'), '7');
  const { text: found } = await ask('search', { words: 'tea' }, { ...inGroup, role: 'guest' }, 'guest');
  assert.match(found, /tea for all/);
  assert.doesNotMatch(found, /alone/);
});

test('what others wrote in a group, and what was passed on, comes back as outside text', async (t) => {
  const { store, ask } = await rig(t);
  const person = { id: 'ann', name: 'Ann', role: 'member', language: null, createdAt: noon } as const;
  await store.ensureIdentity({ channel: 'telegram', account: 'main', native: '7', display: 'Ann' }, person);
  await exchange(store, 'm1', groupKey, 'apples of Ann', text('ok'), '7');
  await exchange(store, 'm2', groupKey, 'pears of Ben', text('ok'), '8');
  await exchange(store, 'm3', 'api:ann:main', 'plums', [{ type: 'text', text: 'plums', outside: 'forwarded' }]);
  assert.equal((await ask('search', { words: 'apples' }, inGroup)).outside, undefined);
  assert.equal((await ask('search', { words: 'pears' }, inGroup)).outside, 'group chat');
  assert.equal((await ask('search', { words: 'apples' }, inGroup, 'ben')).outside, 'group chat');
  assert.equal((await ask('search', { words: 'plums' })).outside, 'forwarded');
});

test('a search of a very long conversation ends, and says that it did not read it all', async () => {
  let scans = 0;
  const endless = {
    searchHistory: () => Promise.resolve({ hits: [], next: 1_000_000 - ++scans }),
  } as unknown as Store;
  const { text: said } = await use(chatMemoryTools({ store: endless }), 'chat_search', { words: 'x' }, callOf('ann'));
  assert.equal(scans, 20);
  assert.match(said, /Older messages, if any, were not searched/);
});
