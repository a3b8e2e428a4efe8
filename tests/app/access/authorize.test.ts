import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowLine, authorize, type AccessPolicy } from '../../../src/app/access/authorize.ts';
import type { InboundEvent } from '../../../src/core/ports/channel.ts';

const policy = (users: string[], chats: string[]): AccessPolicy => ({ users: new Set(users), chats: new Set(chats) });

function event(
  chat: 'direct' | 'group',
  native: string,
  sender: string,
  over: Partial<InboundEvent> = {},
): InboundEvent {
  return {
    dedupe: '1',
    kind: 'message',
    conversation: { channel: 'telegram', account: 'main', native },
    native: '10',
    sender: { native: sender, display: 'Ada', isBot: false },
    chat: { type: chat, addressed: true },
    text: 'hi',
    attachments: [],
    occurredAt: 0,
    ...over,
  };
}

test('empty lists admit nobody', () => {
  assert.equal(authorize(policy([], []), event('direct', '1', '1')).verdict, 'refused');
  assert.equal(authorize(policy([], []), event('group', '-5', '1')).verdict, 'refused');
});

test('a direct chat needs the sender or the chat', () => {
  assert.equal(authorize(policy(['1'], []), event('direct', '1', '1')).verdict, 'admitted');
  assert.equal(authorize(policy([], ['1']), event('direct', '1', '1')).verdict, 'admitted');
  assert.equal(authorize(policy(['2'], ['3']), event('direct', '1', '1')).verdict, 'refused');
});

test('a group needs the chat, and the sender too once users are listed', () => {
  assert.equal(authorize(policy(['1'], []), event('group', '-5', '1')).verdict, 'refused');
  assert.equal(authorize(policy([], ['-5']), event('group', '-5', '9')).verdict, 'admitted');
  assert.equal(authorize(policy(['1'], ['-5']), event('group', '-5', '9')).verdict, 'refused');
  assert.equal(authorize(policy(['1'], ['-5']), event('group', '-5', '1')).verdict, 'admitted');
});

test('every kind of event passes the same gate', () => {
  for (const kind of ['message', 'edit', 'reaction', 'action', 'lifecycle'] as const) {
    assert.equal(authorize(policy(['1'], []), event('direct', '2', '2', { kind })).verdict, 'refused', kind);
  }
});

test('bots and what is not addressed to us leave no trace', () => {
  const bot = event('direct', '1', '1', { sender: { native: '1', display: 'Bot', isBot: true } });
  assert.equal(authorize(policy(['1'], []), bot).verdict, 'ignored');
  const chatter = event('group', '-5', '1', { chat: { type: 'group', addressed: false } });
  assert.equal(authorize(policy([], ['-5']), chatter).verdict, 'ignored');
});

test('the line that would admit a refused sender keeps those who are in already', () => {
  const refused = {
    channel: 'telegram',
    account: 'main',
    sender: '42',
    conversation: '42',
    reason: 'sender is not in allowed_user_ids',
  };
  assert.equal(allowLine(policy(['7'], []), refused), '[channels.telegram] allowed_user_ids = [7, 42]');
  const group = { ...refused, account: 'work', conversation: '-100', reason: 'group is not in allowed_chat_ids' };
  assert.equal(allowLine(policy([], []), group), '[channels.telegram.accounts.work] allowed_chat_ids = [-100]');
});
