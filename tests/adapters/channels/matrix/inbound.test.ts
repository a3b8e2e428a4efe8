import assert from 'node:assert/strict';
import test from 'node:test';
import { translate } from '../../../../src/adapters/channels/matrix/inbound.ts';
import type { InboundEvent } from '../../../../src/core/ports/channel.ts';

const context = {
  account: 'main',
  me: '@bot:test',
  myName: 'Clanker',
  room: { id: '!r:test', direct: false, title: 'A room' },
  isOurs: (id: string) => id === '$ours',
  nameOf: () => 'Anna',
};

function event(content: object, more: object = {}): InboundEvent | null {
  const whole = { event_id: '$1', sender: '@anna:test', type: 'm.room.message', origin_server_ts: 5, content, ...more };
  const translated = translate(whole, context);
  assert.ok(translated.ok, JSON.stringify(translated));
  return translated.event;
}

const say = (body: string, more: object = {}): InboundEvent | null => event({ msgtype: 'm.text', body, ...more });
const read = (found: InboundEvent | null): unknown[] => [found?.text, found?.chat.addressed];

test('being addressed is a mention, our name as a word, a pill, an answer to us or a command; nothing that looks like it', () => {
  const cases: [InboundEvent | null, string, boolean][] = [
    [say('hello all'), 'hello all', false],
    [say('Clanker: do it', { 'm.mentions': { user_ids: ['@bot:test'] } }), 'do it', true],
    [say('clanker, do it'), 'do it', true],
    [say('@bot do it'), 'do it', true],
    [say('do it @bot:test'), 'do it @bot:test', true],
    [say('Clanker'), 'Clanker', true],
    [say('Clankers are many'), 'Clankers are many', false],
    [say('a bot is a bot'), 'a bot is a bot', false],
    [say('me@bot.example'), 'me@bot.example', false],
    [say('do it', { formatted_body: '<a href="https://matrix.to/#/@bot:test">Clanker</a> do it' }), 'do it', true],
    [say('do it', { 'm.mentions': { user_ids: ['@bots:test'] } }), 'do it', false],
    [say('yes', { 'm.relates_to': { 'm.in_reply_to': { event_id: '$ours' } } }), 'yes', true],
    [say('yes', { 'm.relates_to': { 'm.in_reply_to': { event_id: '$other' } } }), 'yes', false],
    [say('/new please'), '/new please', true],
    [say('/usr/bin'), '/usr/bin', false],
  ];
  for (const [found, text, addressed] of cases) assert.deepEqual(read(found), [text, addressed], text);
});

test('the quote that old clients put before an answer is not part of it', () => {
  const relation = { 'm.relates_to': { 'm.in_reply_to': { event_id: '$ours' } } };
  assert.equal(say('> <@bot:test> What?\n> really\n\nThat.', relation)?.text, 'That.');
  assert.equal(say('> a quote of mine', relation)?.text, '> a quote of mine');
});

test('an edit names its message and has the new text, a reaction its emoji', () => {
  const edit = say('* new', {
    'm.new_content': { msgtype: 'm.text', body: 'new' },
    'm.relates_to': { rel_type: 'm.replace', event_id: '$0' },
  });
  assert.deepEqual([edit?.kind, edit?.native, edit?.dedupe, edit?.text], ['edit', '$0', '$1', 'new']);
  const relation = { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$ours', key: '👍' } };
  const reaction = event(relation, { type: 'm.reaction' });
  assert.deepEqual([reaction?.kind, reaction?.native, reaction?.text], ['reaction', '$ours', '👍']);
});

test('what is no word of a person leaves no event: our own, state, redacted, encrypted; a notice is a bot', () => {
  assert.equal(event({ msgtype: 'm.text', body: 'x' }, { sender: '@bot:test' }), null);
  assert.equal(event({ membership: 'join' }, { type: 'm.room.member', state_key: '@anna:test' }), null);
  assert.equal(event({}), null);
  assert.equal(event({ ciphertext: 'x' }, { type: 'm.room.encrypted' }), null);
  assert.equal(event({ redacts: '$1' }, { type: 'm.room.redaction' }), null);
  assert.equal(event({ msgtype: 'm.notice', body: 'beep' })?.sender.isBot, true);
});

test('files come with type, size and name; a caption is the text, a mere file name is not', () => {
  const info = { mimetype: 'image/png', size: 7 };
  const image = event({ msgtype: 'm.image', body: 'cat.png', url: 'mxc://a/b', info });
  assert.deepEqual(image?.attachments, [{ native: 'mxc://a/b', mimeType: 'image/png', size: 7, name: 'cat.png' }]);
  assert.equal(image?.text, '[image]');
  const captioned = event({ msgtype: 'm.image', body: 'my cat', filename: 'cat.png', url: 'mxc://a/b', info });
  assert.deepEqual([captioned?.text, captioned?.attachments[0]?.name], ['my cat', 'cat.png']);
  assert.match(event({ msgtype: 'm.file', body: 'x', file: { url: 'mxc://a/b' } })?.text ?? '', /encrypted/);
  assert.equal(event({ msgtype: 'm.location', body: 'x', geo_uri: 'geo:1,2' })?.text, '[location geo:1,2]');
});

test('whatever a server sends, nothing throws', () => {
  const odd: unknown[] = [null, 1, 'x', [], {}, { event_id: 5 }, { event_id: '$1', sender: 'bob' }];
  for (const value of odd) assert.equal(translate(value, context).ok, false);
  for (const content of [null, [], { body: 5 }, { body: 'x', 'm.relates_to': 5, 'm.mentions': [], url: 7 }]) {
    const given = { event_id: '$1', sender: '@a:b', type: 'm.room.message', content, origin_server_ts: 'soon' };
    assert.equal(translate(given, context).ok, true);
  }
});
