import assert from 'node:assert/strict';
import test from 'node:test';
import { translatePost, translateReaction } from '../../../../src/adapters/channels/mattermost/inbound.ts';
import type { InboundEvent } from '../../../../src/core/ports/channel.ts';
import { idOf } from '../../../support/mattermost-server.ts';

const context = {
  account: 'main',
  me: { id: idOf('bot'), username: 'clanker' },
  chat: { id: idOf('c'), type: 'O' },
  author: { name: 'ada', isBot: false },
  isOurs: () => false,
};

function post(message: string, more: object = {}): InboundEvent | null {
  const whole = { id: idOf('p'), user_id: idOf('ada'), channel_id: idOf('c'), message, create_at: 5, ...more };
  const translated = translatePost(whole, 'message', context);
  assert.ok(translated.ok, JSON.stringify(translated));
  return translated.event;
}

test('being addressed is our whole name after an @, or a command; calling everybody is not', () => {
  const cases: [string, string, boolean][] = [
    ['hello', 'hello', false],
    ['@clanker hello', 'hello', true],
    ['@Clanker: hello', 'hello', true],
    ['hello @clanker.', 'hello @clanker.', true],
    ['@clanker', '@clanker', true],
    ['@clanker2 hello', '@clanker2 hello', false],
    ['@clanker.x hello', '@clanker.x hello', false],
    ['me@clanker hello', 'me@clanker hello', false],
    ['@all @channel @here', '@all @channel @here', false],
    ['clanker hello', 'clanker hello', false],
    ['/new', '/new', true],
    ['/usr/bin', '/usr/bin', false],
  ];
  for (const [message, text, addressed] of cases) {
    const event = post(message);
    assert.deepEqual([event?.text, event?.chat.addressed], [text, addressed], message);
  }
});

test('what is no word of a person leaves no event, and bots are told apart', () => {
  assert.equal(post('x', { user_id: context.me.id }), null);
  assert.equal(post('joined', { type: 'system_join_channel' }), null);
  assert.equal(post('gone', { delete_at: 9 }), null);
  for (const prop of ['from_bot', 'from_webhook', 'from_plugin'])
    assert.equal(post('x', { props: { [prop]: 'true' } })?.sender.isBot, true);
  assert.equal(post('x')?.sender.isBot, false);
});

test('whatever a server sends, nothing throws', () => {
  for (const value of [null, 1, [], {}, { id: 'x' }, { id: idOf('p'), user_id: 5, message: 'x' }]) {
    assert.equal(translatePost(value, 'message', context).ok, false);
    assert.equal(translateReaction(value, false, context).ok, false);
  }
  const odd = post('x', { root_id: 7, metadata: 5, file_ids: [1, 'x'], props: [], create_at: 'now' });
  assert.deepEqual([odd?.attachments, odd?.occurredAt], [[], 0]);
});
