/** The strict server must bite, or what passes against it proves nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { entityFault } from './telegram-rules.ts';
import { startTelegramServer } from './telegram-server.ts';
import type { TelegramServer } from './telegram-server.ts';

interface Reply {
  ok: boolean;
  error_code?: number;
  description?: string;
  result?: { update_id: number }[];
  parameters?: { retry_after: number };
}

async function call(server: TelegramServer, method: string, params: object = {}, token?: string): Promise<Reply> {
  const url = `${server.apiRoot}/bot${token ?? server.botToken}/${method}`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(params) });
  return (await answer.json()) as Reply;
}

const kinds = ['message'];
const ids = (reply: Reply): number[] => (reply.result ?? []).map((update) => update.update_id);

test('updates come again until a higher offset is asked for, and a poll wakes when one arrives', async (t) => {
  const server = await startTelegramServer();
  t.after(() => server.close());
  const waiting = call(server, 'getUpdates', { timeout: 30, allowed_updates: kinds });
  await server.until(() => server.calls('getUpdates').length === 1);
  const { updateId } = server.inject({ chatId: 1, text: 'a' });
  server.injectUpdate({ poll_answer: {} }); // not asked for
  assert.deepEqual(ids(await waiting), [updateId]);
  const poll = (offset: number): Promise<Reply> => call(server, 'getUpdates', { offset, allowed_updates: kinds });
  assert.deepEqual(ids(await poll(updateId)), [updateId]);
  assert.deepEqual([ids(await poll(updateId + 1)), server.confirmed()], [[], updateId + 1]);
  await call(server, 'getUpdates', { offset: -1 });
  assert.equal(server.violations.length, 2);
});

test('the older of two polls is told of the conflict, and a wrong token of its own', async (t) => {
  const server = await startTelegramServer();
  t.after(() => server.close());
  const older = call(server, 'getUpdates', { timeout: 30, allowed_updates: kinds });
  await server.until(() => server.calls('getUpdates').length === 1);
  const newer = call(server, 'getUpdates', { timeout: 1, allowed_updates: kinds });
  assert.equal((await older).error_code, 409);
  assert.equal((await newer).ok, true);
  assert.equal((await call(server, 'getMe', {}, '1:x')).error_code, 401);
});

test('whoever writes before retry_after is over is noted', async (t) => {
  const server = await startTelegramServer();
  t.after(() => server.close());
  const write = (chat: number): Promise<Reply> => call(server, 'sendMessage', { chat_id: chat, text: 'x' });
  server.chats.limit('groups', 2);
  assert.deepEqual([(await write(-5)).parameters?.retry_after, (await write(5)).ok], [2, true]);
  assert.equal((await write(-6)).error_code, 429);
  assert.deepEqual(server.violations, [], 'it was on its way');
  assert.equal((await write(-5)).error_code, 429);
  assert.equal(server.violations.length, 1, 'the same again');
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal((await write(-6)).error_code, 429);
  assert.equal(server.violations.length, 2, 'it could have been known');
  await new Promise((resolve) => setTimeout(resolve, 1410));
  assert.equal((await write(-5)).ok, true);
});

test('texts and edits that Telegram refuses are refused in its words', async (t) => {
  const server = await startTelegramServer();
  t.after(() => server.close());
  const said = async (method: string, params: object): Promise<string> =>
    (await call(server, method, { chat_id: 5, ...params })).description ?? '';
  assert.match(await said('sendMessage', { text: ' \n' }), /message text is empty/);
  assert.match(await said('sendMessage', { text: 'x'.repeat(4097) }), /message is too long/);
  assert.match(await said('editMessageText', { message_id: 99, text: 'x' }), /message to edit not found/);
  assert.equal(await said('sendMessage', { text: 'x' }), '');
  assert.match(
    await said('editMessageText', { message_id: server.messages()[0]?.messageId, text: 'x' }),
    /not modified/,
  );
});

test('entities are held to the rules', () => {
  const bold = { type: 'bold', offset: 0, length: 2 };
  assert.equal(entityFault('abcd', [bold, { type: 'italic', offset: 0, length: 1 }]), null);
  const faults: [string, object[]][] = [
    ['abcd', [{ ...bold, length: 5 }]],
    ['abcd', [{ ...bold, offset: -1 }]],
    ['abcd', [{ ...bold, type: 'marquee' }]],
    ['😀', [{ ...bold, length: 1 }]],
    ['abcd', [bold, { type: 'italic', offset: 1, length: 2 }]],
    ['abcd', [bold, { type: 'code', offset: 0, length: 1 }]],
    ['abcd', [{ type: 'text_link', offset: 0, length: 1, url: 'javascript:1' }]],
    ['abcd', Array.from({ length: 101 }, () => bold)],
  ];
  for (const [text, entities] of faults)
    assert.notEqual(entityFault(text, entities), null, JSON.stringify(entities[0]));
});
