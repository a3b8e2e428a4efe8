import assert from 'node:assert/strict';
import test from 'node:test';
import {
  editEvent,
  interactionEvent,
  Malformed,
  messageEvent,
  reactionEvent,
  readText,
} from '../../../../src/adapters/channels/discord/inbound.ts';
import type { ToldInteraction, ToldMessage } from '../../../../src/adapters/channels/discord/inbound.ts';
import { parseInteraction } from '../../../../src/adapters/channels/discord/interaction-id.ts';

const me = { id: '10', username: 'clanker' };
const context = { account: 'main', me };
const direct = { guild: null, parent: null, title: null };
const inThread = { guild: '1', parent: '2', title: 'a thread' };
const person = { id: '20', username: 'ada', global_name: 'Ada' };

const told = (more: object = {}): ToldMessage =>
  ({
    id: '175928847299117063',
    channel_id: '3',
    type: 0,
    content: 'hello',
    author: person,
    mentions: [],
    attachments: [],
    edited_timestamp: null,
    ...more,
  }) as unknown as ToldMessage;

test('the time of a message is that of its id', () => {
  const event = messageEvent(told(), direct, context);
  // The example of Discord's documentation.
  assert.equal(new Date(event?.occurredAt ?? 0).toISOString(), '2016-04-30T11:18:25.796Z');
  assert.equal(event?.dedupe, 'message:175928847299117063');
  assert.deepEqual(event.chat, { type: 'direct', addressed: true });
});

test('a group message is addressed by a mention or a reply to us, by nothing else', () => {
  const addressed = (more: object): boolean | undefined => messageEvent(told(more), inThread, context)?.chat.addressed;
  assert.equal(addressed({}), false);
  assert.equal(addressed({ content: '<@10> hi', mentions: [{ ...me }] }), true);
  assert.equal(addressed({ content: 'hi <@!10>' }), true);
  assert.equal(addressed({ content: 'clanker, hi' }), false);
  assert.equal(addressed({ content: '@everyone hi', mention_everyone: true }), false);
  assert.equal(addressed({ content: '<@&10> hi', mention_roles: ['10'] }), false);
  assert.equal(addressed({ content: '<@101> hi' }), false);
  assert.equal(addressed({ type: 19, referenced_message: { author: { ...me } } }), true);
  assert.equal(addressed({ type: 19, referenced_message: { author: person } }), false);
  assert.equal(addressed({ type: 19, referenced_message: null }), false);
});

test('a mention of us that only addresses is not part of the text; other mentions say a name', () => {
  const text = (content: string): string => readText(content, [person, { ...me, global_name: null }], me).text;
  assert.equal(text('<@10> <@!10>, do it'), 'do it');
  assert.equal(text('ask <@20> or <@10>'), 'ask @Ada or @clanker');
  assert.equal(text('<@99> is unknown'), '<@99> is unknown');
  assert.equal(text('<@10>'), '@clanker');
  assert.equal(text('<@10> /stop now'), '/stop now');
});

test('what we wrote, what the platform wrote and empty shells are nothing', () => {
  assert.equal(messageEvent(told({ author: { ...me, bot: true } }), direct, context), null);
  for (const type of [1, 2, 3, 6, 7, 8, 18, 21]) assert.equal(messageEvent(told({ type }), direct, context), null);
  assert.equal(messageEvent(told({ content: '' }), direct, context), null);
});

test('bots and webhooks are marked as such', () => {
  const isBot = (more: object): boolean | undefined => messageEvent(told(more), direct, context)?.sender.isBot;
  assert.equal(isBot({}), false);
  assert.equal(isBot({ author: { ...person, bot: true } }), true);
  assert.equal(isBot({ webhook_id: '5' }), true);
});

test('a name is a name: it is cut, never an id', () => {
  const author = { ...person, global_name: 'x'.repeat(500) };
  const event = messageEvent(told({ author, member: { nick: null } }), inThread, context);
  assert.equal(event?.sender.display.length, 128);
  assert.equal(event.sender.native, '20');
  assert.equal(messageEvent(told({ member: { nick: 'Nick' } }), inThread, context)?.sender.display, 'Nick');
});

test('stickers, polls and forwarded words are words, and those of others never a command', () => {
  const text = (more: object): string | undefined => messageEvent(told(more), direct, context)?.text;
  assert.equal(text({ content: '', sticker_items: [{ name: 'wave' }] }), '[sticker wave]');
  assert.equal(text({ content: 'vote', poll: { question: { text: 'when?' } } }), 'vote\n[poll when?]');
  const forwarded = messageEvent(
    told({ content: '', message_snapshots: [{ message: { content: '/stop' } }] }),
    direct,
    context,
  );
  assert.equal(forwarded?.text, '[forwarded] /stop');
  assert.equal(forwarded.forwarded, true);
});

test('files keep their address, kind, size and name', () => {
  const file = {
    id: '1',
    url: 'https://cdn.discordapp.com/a?hm=1',
    size: 3,
    filename: 'a.png',
    content_type: 'image/png',
  };
  const event = messageEvent(told({ content: '', attachments: [file, { url: 'x' }] }), direct, context);
  assert.deepEqual(event?.attachments, [
    { native: file.url, mimeType: 'image/png', size: 3, name: 'a.png' },
    { native: 'x', mimeType: 'application/octet-stream' },
  ]);
});

test('an edit is one only with its own time; previews are none', () => {
  const edited_timestamp = '2026-01-02T03:04:05.678000+00:00';
  assert.equal(editEvent(told(), direct, context), null);
  assert.equal(editEvent(told({ edited_timestamp, author: undefined }), direct, context), null);
  const event = editEvent(told({ edited_timestamp, content: 'changed' }), direct, context);
  assert.equal(event?.kind, 'edit');
  assert.equal(event.native, '175928847299117063');
  assert.equal(event.dedupe, `edit:175928847299117063:${Date.parse(edited_timestamp)}`);
  assert.equal(event.text, 'changed');
});

test('a reaction names its message, and taking it back empties it', () => {
  const base = { user_id: '20', channel_id: '3', message_id: '4', emoji: { name: '👍', id: null } };
  const fact = { given: true, session: 's', seq: 7, now: 1 };
  const given = reactionEvent({ ...base, message_author_id: '10' } as never, fact, inThread, context);
  assert.equal(given?.dedupe, 'reaction:s:7');
  assert.equal(given.native, '4');
  assert.equal(given.text, '👍');
  assert.equal(given.chat.addressed, true);
  assert.equal(reactionEvent(base as never, { ...fact, given: false }, direct, context)?.text, '');
  assert.equal(reactionEvent({ ...base, user_id: '10' } as never, fact, direct, context), null);
});

test('an interaction carries what answers it; other kinds are nothing', () => {
  const base: ToldInteraction = { id: '5', application_id: '6', token: 'aW50.x-y_z', type: 2, channel: { id: '3' } };
  const options = [{ value: 'tomorrow' }, { value: 9 }];
  const event = interactionEvent({ ...base, user: person as never, data: { name: 'remind', options } }, context);
  assert.equal(event?.text, '/remind tomorrow 9');
  assert.deepEqual(parseInteraction(event.native), { application: '6', id: '5', token: 'aW50.x-y_z' });
  assert.equal(event.dedupe, 'interaction:5');
  for (const type of [1, 4, 5]) assert.equal(interactionEvent({ ...base, type }, context), null);
  assert.throws(() => interactionEvent({ ...base, user: person as never, data: {} }, context), Malformed);
  for (const native of ['4', 'i:', 'i:1:2', 'i:1:2:..', 'i:a:2:t', undefined])
    assert.equal(parseInteraction(native), null);
});

test('what is not as Discord says is malformed, and told by its field', () => {
  for (const more of [{ id: 'x' }, { id: 7 }, { channel_id: null }, { content: 5 }, { author: { id: {} } }]) {
    assert.throws(() => messageEvent(told(more), direct, context), Malformed, JSON.stringify(more));
  }
});
