import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { translate } from '../../../../src/adapters/channels/telegram/inbound.ts';
import type { Translated } from '../../../../src/adapters/channels/telegram/inbound.ts';
import type { InboundEvent } from '../../../../src/core/ports/channel.ts';
import { typedEntities } from '../../../support/telegram-rules.ts';

const me = { id: 42, username: 'Clanker_Bot', can_read_all_group_messages: false };
const context = { account: 'main', me, now: 1_700_000_000_123 };
const ada = { id: 7, is_bot: false, first_name: 'Ada', last_name: 'L', language_code: 'de' };
const direct = { id: 7, type: 'private', first_name: 'Ada' };
const group = { id: -1001, type: 'supergroup', title: 'Engine room' };

const read = (update: object): Translated => translate({ update_id: 5, ...update }, context);
function event(update: object): InboundEvent {
  const translated = read(update);
  assert.ok(translated.ok && translated.event !== null, JSON.stringify(translated));
  return translated.event;
}
const message = (fields: object): object => ({
  message: { message_id: 3, date: 1_700_000_000, chat: direct, from: ada, ...fields },
});
const inGroup = (text: string, fields: object = {}): InboundEvent =>
  event(message({ chat: group, text, entities: typedEntities(text), ...fields }));

test('a private message carries chat, sender, language and time', () => {
  assert.deepEqual(event(message({ text: 'hi' })), {
    dedupe: 'message:42:7:3',
    kind: 'message',
    conversation: { channel: 'telegram', account: 'main', native: '7' },
    native: '3',
    sender: { native: '7', display: 'Ada L', isBot: false },
    chat: { type: 'direct', addressed: true },
    text: 'hi',
    attachments: [],
    language: 'de',
    occurredAt: 1_700_000_000_000,
  });
});

test('what was passed on is marked as the words of somebody else', () => {
  const forward_origin = { type: 'hidden_user', sender_user_name: 'Mallory', date: 1_600_000_000 };
  assert.equal(event(message({ text: '/pair ABCD-EFGH', forward_origin })).forwarded, true);
  assert.equal(event(message({ text: '/pair ABCD-EFGH' })).forwarded, undefined);
});

test('C-17: the same message under a new update_id is the same event', () => {
  const first = event({ ...message({ text: 'hi' }), update_id: 10 });
  assert.equal(event({ ...message({ text: 'hi' }), update_id: 900 }).dedupe, first.dedupe);
});

test('in a group only what is meant for the bot is addressed to it', () => {
  const cases: [string, boolean, string][] = [
    ['hello all', false, 'hello all'],
    ['@clanker_bot what is up', true, 'what is up'],
    ['@CLANKER_BOT: hi', true, 'hi'],
    ['@clanker_bot ', true, '@clanker_bot '],
    ['ask @Clanker_Bot about it', true, 'ask @Clanker_Bot about it'],
    ['@clanker_bot_2 hi', false, '@clanker_bot_2 hi'],
    ['mail me at x@clanker_bot', false, 'mail me at x@clanker_bot'],
    ['/status', true, '/status'],
    ['/status@clanker_bot now', true, '/status now'],
    ['/status@other_bot', false, '/status@other_bot'],
    ['@clanker_bot /new', true, '/new'],
    ['/', false, '/'],
  ];
  for (const [text, addressed, kept] of cases) {
    const { chat, text: seen } = inGroup(text);
    assert.deepEqual([chat.addressed, seen], [addressed, kept], text);
  }
  assert.equal(inGroup('yes', { reply_to_message: { from: { id: 42 } } }).chat.addressed, true);
  assert.equal(inGroup('yes', { reply_to_message: { from: { id: 43 } } }).chat.addressed, false);
  // Every message of a topic "replies" to the service message that opened it, which the bot may have sent.
  const topic = { reply_to_message: { from: { id: 42 }, forum_topic_created: { name: 'x' } } };
  assert.equal(inGroup('yes', topic).chat.addressed, false);
});

test('a topic is part of the conversation, a reply thread in a plain group is not', () => {
  assert.equal(inGroup('x', { is_topic_message: true, message_thread_id: 9 }).conversation.thread, '9');
  assert.equal(inGroup('x', { message_thread_id: 9 }).conversation.thread, undefined);
});

test('a server that does not say what is in a topic is understood by what has topics, and replies stand outside', () => {
  const forum = { ...group, is_forum: true };
  assert.equal(inGroup('x', { chat: forum, message_thread_id: 9 }).conversation.thread, '9');
  assert.equal(event(message({ text: 'x', message_thread_id: 9 })).conversation.thread, '9');
  const reply = { message_thread_id: 9, reply_to_message: { from: ada } };
  assert.equal(inGroup('x', { chat: forum, ...reply }).conversation.thread, undefined);
});

test('a server that marks nothing in a text is understood by its words', () => {
  const cases: [string, boolean, string][] = [
    ['@clanker_bot what is up', true, 'what is up'],
    ['😀, @Clanker_Bot?', true, '😀, @Clanker_Bot?'],
    ['@clanker_bot_2 hi', false, '@clanker_bot_2 hi'],
    ['mail me at x@clanker_bot', false, 'mail me at x@clanker_bot'],
    ['see t.me/@clanker_bot', false, 'see t.me/@clanker_bot'],
  ];
  for (const [text, addressed, kept] of cases) {
    const seen = event(message({ text, chat: group }));
    assert.deepEqual([seen.chat.addressed, seen.text], [addressed, kept], text);
  }
  const inCode = [{ type: 'code', offset: 0, length: 12 }];
  assert.equal(inGroup('@clanker_bot', { entities: inCode }).chat.addressed, false);
});

test('C-14: entities with impossible bounds neither crash nor address the bot', () => {
  for (const [offset, length] of [
    [-1, 5],
    [0, 999],
    [Number.NaN, 1],
    [1.5, 2],
    [3, 0],
    ['0', '5'],
    [2 ** 53, 1],
  ]) {
    const entities = [{ type: 'mention', offset, length }, null, 'x'].filter(
      (each) => typeof each === 'object' && each,
    );
    assert.equal(inGroup('😀 @clanker_bot', { entities }).chat.addressed, false);
  }
  for (const text of ['\u0000', '\u202e\u200b', 'x'.repeat(100_000)]) assert.equal(event(message({ text })).text, text);
});

test('C-15: hostile mentions are compared, never compiled', () => {
  for (const text of ['(((a+)+)+)$', '.*', '['.repeat(10_000), `@${'a'.repeat(10_000)}`, `/${'a'.repeat(10_000)}`]) {
    assert.equal(inGroup(text).chat.addressed, false);
  }
});

test('C-01: a sender is known by number alone, whatever they call themselves', () => {
  const { sender } = event(message({ text: 'x', from: { ...ada, id: 666, username: 'ada', first_name: '7' } }));
  assert.equal(sender.native, '666');
});

test('an anonymous admin and a channel speak as their chat, never as the stand-in that all of them share', () => {
  const anonymous = { id: 1_087_968_824, is_bot: true, first_name: 'Group', username: 'GroupAnonymousBot' };
  const admin = inGroup('hi', { from: anonymous, sender_chat: group });
  assert.deepEqual(admin.sender, { native: '-1001', display: 'Engine room', isBot: false });
  const channel = { id: -1002, type: 'channel', title: 'News' };
  const post = event({ channel_post: { message_id: 4, date: 1, chat: channel, sender_chat: channel, text: 'p' } });
  assert.deepEqual([post.sender.native, post.chat.type], ['-1002', 'group']);
});

test('the bot itself and other bots are marked as bots', () => {
  assert.equal(inGroup('x', { from: { id: 42, is_bot: true, first_name: 'B' } }).sender.isBot, true);
});

test('C-06: an edit is an edit, also when it becomes a command', () => {
  const edit = { message_id: 3, date: 1, edit_date: 5, chat: direct, from: ada, text: '/admin' };
  const edited = event({ edited_message: edit });
  assert.deepEqual([edited.kind, edited.occurredAt], ['edit', 5000]);
  assert.notEqual(edited.dedupe, 'message:42:7:3');
});

test('C-05: what is not a message never looks like one', () => {
  const button = {
    id: '99',
    from: ada,
    chat_instance: 'c',
    data: '/admin',
    message: { message_id: 8, date: 0, chat: group },
  };
  assert.deepEqual(
    [event({ callback_query: button }).kind, event({ callback_query: button }).text],
    ['action', '/admin'],
  );
  const reaction = {
    chat: group,
    message_id: 8,
    date: 2,
    user: ada,
    old_reaction: [],
    new_reaction: [{ type: 'emoji', emoji: '👍' }],
  };
  assert.deepEqual(
    [event({ message_reaction: reaction }).kind, event({ message_reaction: reaction }).text],
    ['reaction', '👍'],
  );
  const member = { chat: group, from: ada, date: 2, new_chat_member: { status: 'kicked' } };
  assert.equal(event({ my_chat_member: member }).kind, 'lifecycle');
  for (const kind of ['poll_answer', 'inline_query', 'chat_member', 'brand_new_thing']) {
    assert.equal(read({ [kind]: { id: 1 } }).ok, false, kind);
  }
});

test('a group that becomes a supergroup tells its new id', () => {
  const moved = event(message({ chat: { ...group, id: -55, type: 'group' }, migrate_to_chat_id: -10055 }));
  assert.deepEqual([moved.kind, moved.movedTo, moved.conversation.native], ['lifecycle', '-10055', '-55']);
});

test('a photo, a voice note and a place arrive as something to read, with a handle to fetch', () => {
  const photo = [
    { file_id: 'small', width: 1, height: 1 },
    { file_id: 'big', width: 9, height: 9, file_size: 77 },
  ];
  const captioned = event(message({ photo, caption: 'look' }));
  assert.deepEqual(
    [captioned.text, captioned.attachments],
    ['look', [{ native: 'big', mimeType: 'image/jpeg', size: 77 }]],
  );
  assert.equal(event(message({ photo })).text, '[photo]');
  const document = { file_id: 'd', mime_type: 'application/pdf', file_name: 'a.pdf' };
  assert.deepEqual(event(message({ document })).attachments, [
    { native: 'd', mimeType: 'application/pdf', name: 'a.pdf' },
  ]);
  assert.equal(event(message({ location: { latitude: 52.5, longitude: 13.4 } })).text, '[location 52.5, 13.4]');
  assert.equal(event(message({ video_note: { file_id: 'v' } })).text, '[video note]');
});

test('every kind of file has its type and a handle, and an animation comes once', () => {
  const handle = { file_id: 'x', file_size: 5 };
  const kinds: [object, string, string][] = [
    [{ voice: { ...handle, mime_type: 'audio/ogg' } }, 'audio/ogg', '[voice]'],
    [{ audio: { ...handle, mime_type: 'audio/mp4', file_name: 'song.m4a' } }, 'audio/mp4', '[audio]'],
    [{ video: handle }, 'video/mp4', '[video]'],
    [{ sticker: { ...handle, emoji: '🔥' } }, 'image/webp', '[sticker 🔥]'],
    [{ sticker: { ...handle, is_animated: true } }, 'application/x-tgsticker', '[sticker]'],
    [{ sticker: { ...handle, is_video: true } }, 'video/webm', '[sticker]'],
    [{ animation: handle, document: { ...handle, mime_type: 'video/mp4' } }, 'video/mp4', '[animation]'],
  ];
  for (const [fields, mimeType, text] of kinds) {
    const came = event(message(fields));
    assert.deepEqual([came.attachments.length, came.attachments[0]?.mimeType, came.text], [1, mimeType, text]);
    assert.equal(came.attachments[0]?.size, 5);
  }
});

test('a part of an album names its album within its chat, and says nothing without a caption', () => {
  const photo = [{ file_id: 'p', width: 1, height: 1 }];
  const part = read(message({ photo, media_group_id: '99' }));
  assert.ok(part.ok);
  assert.deepEqual([part.album, part.event?.text], ['7:99', '']);
  const other = read(message({ photo, media_group_id: '99', chat: group, caption: '@clanker_bot look' }));
  assert.ok(other.ok);
  assert.equal(other.album, '-1001:99');
});

test('a service message and a place that moves are nothing to act on, and not malformed', () => {
  const live = {
    message_id: 3,
    date: 1,
    edit_date: 5,
    chat: direct,
    from: ada,
    location: { latitude: 1, longitude: 2 },
  };
  assert.deepEqual(read({ edited_message: live }), { ok: true, event: null, album: null });
  assert.deepEqual(read(message({ pinned_message: {} })), { ok: true, event: null, album: null });
});

test('C-19: malformed updates are told apart, one by one', () => {
  const broken: object[] = [
    { message: {} },
    { message: 'text' },
    { message: [] },
    message({ chat: undefined, text: 'x' }),
    message({ chat: { id: '7', type: 'private' }, text: 'x' }),
    message({ chat: { id: 2 ** 53, type: 'private' }, text: 'x' }),
    message({ message_id: '3', text: 'x' }),
    message({ from: { id: 1e300 }, text: 'x' }),
    message({ date: 'yesterday', text: 'x' }),
    message({ text: { a: 1 } }),
    message({ photo: 5 }),
    { callback_query: { id: 'x', message: {} } },
    { message_reaction: { chat: group } },
    { my_chat_member: { chat: group, date: 1, from: ada } },
    {},
  ];
  for (const update of broken) assert.equal(read(update).ok, false, JSON.stringify(update));
});

test('no JSON at all makes it throw', () => {
  const keys = [
    'message',
    'chat',
    'from',
    'id',
    'text',
    'entities',
    'date',
    'callback_query',
    'photo',
    'message_reaction',
  ];
  const value = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 5 },
      fc.constant(null),
      fc.integer(),
      fc.string(),
      fc.boolean(),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('json'), { maxKeys: 6 }),
    ),
  })).json;
  fc.assert(
    fc.property(value, value, (a, b) => {
      read({ message: a, callback_query: b });
      read(message({ text: a, entities: b, photo: a, sender_chat: b }));
    }),
  );
});
