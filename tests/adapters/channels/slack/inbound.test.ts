import assert from 'node:assert/strict';
import test from 'node:test';
import type { Delivery, SlackEvent, SlackMessage } from '../../../../src/adapters/channels/slack/deliveries.ts';
import { translate } from '../../../../src/adapters/channels/slack/inbound.ts';
import { readText } from '../../../../src/adapters/channels/slack/text.ts';
import type { InboundEvent } from '../../../../src/core/ports/channel.ts';

const me = { team: 'T1', user: 'UBOT', bot: 'BBOT', name: 'clanker' };
const context = {
  account: 'main',
  me,
  known: (id: string) => (id === 'U1' ? { name: 'Ada', language: 'de-DE' } : null),
  isOurThread: (channel: string, thread: string) => channel === 'C1' && thread === '100.000001',
  commands: new Set(['help', 'status']),
  now: 5000,
};

function translated(delivery: Delivery): InboundEvent | null {
  const result = translate(delivery, context);
  assert.ok(result.ok, JSON.stringify(result));
  return result.event;
}
const event = (inner: SlackEvent, id = 'Ev1'): InboundEvent | null =>
  translated({ type: 'event', payload: { event_id: id, event: inner } });
const message = (more: SlackEvent): InboundEvent | null =>
  event({ type: 'message', channel: 'C1', user: 'U1', ts: '200.000001', text: 'hi', ...more });

test('one message that comes as `message` and as `app_mention` has one key', () => {
  const said = { channel: 'C1', user: 'U1', ts: '200.000001', text: '<@UBOT> hi' };
  const keys = [event({ type: 'message', ...said }, 'Ev1'), event({ type: 'app_mention', ...said }, 'Ev2')];
  assert.deepEqual(new Set(keys.map((each) => each?.dedupe)), new Set(['message:T1:C1:200.000001']));
  assert.ok(keys.every((each) => each?.chat.addressed === true && each.text === 'hi'));
});

test('in a channel every question has a thread, in a private chat only those that a person opened', () => {
  assert.equal(message({})?.conversation.thread, '200.000001');
  assert.equal(message({ thread_ts: '100.000001' })?.conversation.thread, '100.000001');
  assert.equal(message({ channel: 'D1' })?.conversation.thread, undefined);
  assert.equal(message({ channel: 'D1', thread_ts: '200.000001' })?.conversation.thread, undefined);
  assert.equal(message({ channel: 'D1', thread_ts: '100.000001' })?.conversation.thread, '100.000001');
});

test('addressed is who mentions us, answers us, or goes on in a thread of ours; not who turns to another', () => {
  const addressed = (more: SlackEvent): boolean | undefined => message(more)?.chat.addressed;
  assert.equal(addressed({}), false);
  assert.equal(addressed({ text: 'hey <@UBOT|clanker>' }), true);
  assert.equal(addressed({ text: '<@UOTHER> hey' }), false);
  assert.equal(addressed({ thread_ts: '100.000001' }), true);
  assert.equal(addressed({ thread_ts: '100.000001', text: '<@UOTHER> what do you think?' }), false);
  assert.equal(addressed({ thread_ts: '100.000002' }), false);
  assert.equal(addressed({ thread_ts: '100.000002', parent_user_id: 'UBOT' }), true);
  assert.equal(addressed({ channel: 'D1' }), true);
});

test('our own messages are nobody, other bots are bots, and what Slack itself tells is not said by anyone', () => {
  assert.equal(message({ user: 'UBOT' }), null);
  assert.equal(message({ user: undefined, bot_id: 'BBOT', subtype: 'bot_message' }), null);
  assert.equal(message({ user: undefined, bot_id: 'B2', subtype: 'bot_message' })?.sender.isBot, true);
  for (const subtype of ['channel_join', 'message_deleted', 'channel_topic', 'assistant_app_thread'])
    assert.equal(message({ subtype }), null);
  assert.equal(event({ type: 'channel_rename', channel: 'C1' }), null);
});

test('an edit by a person is an edit, and what Slack changes by itself is not', () => {
  const changed = (inner: SlackMessage, before = 'old'): InboundEvent | null =>
    event({
      type: 'message',
      subtype: 'message_changed',
      channel: 'C1',
      ts: '300.1',
      event_ts: '300.1',
      message: inner,
      previous_message: { text: before },
    });
  const edited = changed({ user: 'U1', ts: '200.000001', text: '/status', edited: {} });
  assert.deepEqual(
    [edited?.kind, edited?.native, edited?.text, edited?.dedupe],
    ['edit', '200.000001', '/status', 'event:Ev1'],
  );
  assert.equal(changed({ user: 'U1', ts: '200.000001', text: 'old', edited: {} }), null);
  assert.equal(changed({ user: 'U1', ts: '200.000001', text: 'new' }), null);
  assert.equal(changed({ user: 'UBOT', ts: '200.000001', text: 'new', edited: {} }), null);
});

test('reactions say their emoji, or nothing when they are taken back', () => {
  const item = { type: 'message', channel: 'C1', ts: '200.000001' };
  const reaction = (name: string, type = 'reaction_added'): string | undefined =>
    event({ type, user: 'U1', reaction: name, item, event_ts: '201.0' })?.text;
  assert.deepEqual(
    [reaction('+1::skin-tone-2'), reaction('parrot'), reaction('+1', 'reaction_removed')],
    ['👍', ':parrot:', ''],
  );
  assert.equal(event({ type: 'reaction_added', user: 'UBOT', reaction: 'x', item, event_ts: '1.0' }), null);
});

test("Slack's markup becomes what people read, and names stay data", () => {
  const read = (source: string): string =>
    readText(source, { me: 'UBOT', nameOf: (id) => context.known(id)?.name ?? null }).text;
  assert.equal(read('<@UBOT>, <@UBOT> ask <@U1> or <@U2|bob> in <#C9|general>'), 'ask @Ada or @bob in #general');
  assert.equal(
    read('<https://e.example/?a=1&amp;b=2|here> <https://e.example> <mailto:a@b.c|a@b.c>'),
    'here (https://e.example/?a=1&b=2) https://e.example a@b.c',
  );
  assert.equal(read('<!channel> <!here|here> <!subteam^S1|@team> <!date^1^{date}|today>'), '@channel here @team today');
  assert.equal(read('1 &lt; 2 &amp;amp; <notoken'), '1 < 2 &amp; <notoken');
  assert.equal(read('<@UBOT>'), '@UBOT');
});

test('files come as handles, and a file without words still says that it is there', () => {
  const files = [{ id: 'F1', name: 'a.pdf', mimetype: 'application/pdf', size: 7 }, { id: '../x' }];
  const said = message({ channel: 'D1', subtype: 'file_share', text: '', files });
  assert.deepEqual(said?.attachments, [{ native: 'F1', mimeType: 'application/pdf', size: 7, name: 'a.pdf' }]);
  assert.equal(said?.text, '[file]');
  assert.deepEqual([said?.sender.display, said?.language], ['Ada', 'de-DE']);
});

test('a message that is passed on is told as such, so that it is never a command', () => {
  const passed = message({ channel: 'D1', text: '', attachments: [{ is_share: true, text: '/status' }] });
  assert.deepEqual([passed?.text, passed?.forwarded], ['/status', true]);
  assert.equal(
    message({ channel: 'D1', text: 'look', attachments: [{ is_share: true, text: 'x' }] })?.forwarded,
    undefined,
  );
});

test('a slash command is ours when its first word is, and a question otherwise', () => {
  const typed = (command: string, text: string): InboundEvent | null =>
    translated({
      type: 'command',
      payload: { command, text, trigger_id: '9.9', user_id: 'U7', user_name: 'eve', channel_id: 'C1' },
    });
  const texts = [
    typed('/clanker', 'status all'),
    typed('/clanker', '/status'),
    typed('/clanker', ''),
    typed('/clanker', 'what is up?'),
    typed('/status', 'now'),
  ].map((each) => each?.text);
  assert.deepEqual(texts, ['/status all', '/status', '/help', 'what is up?', '/status now']);
  const one = typed('/clanker', 'x');
  assert.deepEqual(
    [one?.kind, one?.dedupe, one?.chat.addressed, one?.conversation.thread],
    ['message', 'command:9.9', true, undefined],
  );
});

test('a pressed button is the command it carries, in the thread of its message', () => {
  const pressed = translated({
    type: 'interaction',
    payload: {
      type: 'block_actions',
      trigger_id: '8.8',
      user: { id: 'U1', username: 'ada' },
      channel: { id: 'C1' },
      message: { ts: '200.000001', thread_ts: '100.000001' },
      actions: [{ value: '/approve 1', action_ts: '201.0' }],
    },
  });
  assert.deepEqual(
    [pressed?.kind, pressed?.text, pressed?.native, pressed?.conversation.thread, pressed?.sender.native],
    ['action', '/approve 1', '200.000001', '100.000001', 'U1'],
  );
});

test('C-19: whatever shape comes, it is translated, ignored or malformed, and never thrown', () => {
  const values = [null, undefined, 0, '', 'x', [], {}, { ts: {} }, 1e308, '200.1'];
  for (const a of values)
    for (const b of values) {
      const inner = { type: 'message', channel: a, user: b, ts: a, text: b, files: a, attachments: b } as SlackEvent;
      for (const type of ['message', 'reaction_added', 'member_joined_channel']) {
        translate({ type: 'event', payload: { event_id: a, event: { ...inner, type, item: b as null } } }, context);
      }
      translate(
        { type: 'event', payload: { event: { ...inner, subtype: 'message_changed', message: a as null } } },
        context,
      );
      translate({ type: 'command', payload: { trigger_id: a, channel_id: b, text: a } }, context);
      translate(
        { type: 'interaction', payload: { type: 'block_actions', actions: [{ value: b }], user: a as null } },
        context,
      );
      translate({ type: 'event', payload: { event: a as null } }, context);
    }
});
