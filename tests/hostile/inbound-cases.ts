/** C-13 to C-21: what comes in, from people who may talk: too much, too odd, too often. */
import assert from 'node:assert/strict';
import { ada, botId, directId, threadId } from '../support/discord-server.ts';
import { newMarker } from '../support/mock-openai.ts';
import { ask } from '../support/raw.ts';
import { bot as slackBot } from '../support/slack-workspace.ts';
import { hostileCase, type HostileCase } from './case.ts';
import { group, listed, type Platforms } from './platforms.ts';
import { allAnswer, discordAnswers, slackAnswers, telegramAnswers, telegramAnswersTo } from './talk.ts';

const bidi = '\u202e\u2066\u200f';
const invisible = '\u200b\u200d\u2060\ufeff\u00ad';

/** Texts of people, and what stands in them as an entity. */
const oddTexts = (marker: string): [text: string, entities?: unknown][] => [
  [`${marker} ${'a'.repeat(5000)}`],
  [`${marker} ${'👩‍👩‍👧 '.repeat(10_000)}`],
  [`${bidi}${marker}${bidi}`],
  [`${invisible}${marker}${invisible}`],
  [`\u0000${marker}\u0000\u0001\u001b[31m\u0007`],
  [`${marker} \ud800 \udfff\ud83d`],
  [`${marker} e${'\u0301'.repeat(5000)}`],
  [marker, [{ type: 'mention', offset: -5, length: 3 }]],
  [marker, [{ type: 'mention', offset: 10_000, length: 10_000 }]],
  [marker, [{ type: 'bot_command', offset: 0, length: 1e9 }]],
  [`👩 ${marker}`, [{ type: 'mention', offset: 1, length: 1 }]],
  [marker, [{ type: 'text_mention', offset: 0, length: 2, user: null }]],
  [marker, [{ type: 'text_link', offset: 0, length: 2, url: 'javascript:alert(1)' }]],
  [marker, [{ type: '__proto__', offset: 0, length: 2 }]],
];

/** Mentions that would be terrible patterns. */
const patterns = ['(((a+)+)+)$', '.*', '['.repeat(10_000), '(?=(a+))\\1{99}', '$&$`$1', '\\'.repeat(5000)];

/** How many questions reached the model that hold this; a summary of what was asked before asks nothing. */
const timesAsked = ({ model }: Platforms, words: string): number =>
  model.ledger.filter(({ body }) => {
    const messages = body['messages'] as { role: string; content: string }[];
    const question = JSON.stringify(messages.findLast(({ role }) => role === 'user'));
    return question.includes(words) && !messages[0]?.content.startsWith('You summarise');
  }).length;

export const inboundCases: readonly HostileCase<Platforms>[] = [
  hostileCase('C-13', 'ten thousand codes of strangers, of whom one waits', async (platforms) => {
    const { paired } = platforms;
    const waits = 555_000;
    paired.inject({ chatId: waits, text: 'hello' });
    await paired.until(() => paired.messages(waits).length > 0);
    const code = /[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(paired.messages(waits)[0]?.text ?? '')?.[0] ?? '';
    assert.notEqual(code, '');
    const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    const guess = (): string => Array.from({ length: 8 }, () => alphabet[Math.floor(Math.random() * 32)]).join('');
    for (let n = 0; n < 10_000; n++) paired.inject({ chatId: 556_000 + (n % 200), text: `/pair ${guess()}` });
    // The right one, by somebody else and after all the others: a code that was guessed too late opens nothing.
    const { updateId } = paired.inject({ chatId: 557_000, text: `/pair ${code}` });
    await paired.until(() => paired.confirmed() > updateId, 60_000);
    const { json, text } = await ask(platforms, { path: '/api/v1/pairing', token: platforms.token });
    const { requests = [], admitted = [] } = (json ?? {}) as { requests?: unknown[]; admitted?: unknown[] };
    assert.deepEqual(admitted, [], text);
    assert.ok(requests.length >= 1 && requests.length <= 100, `${requests.length} requests wait`);
    assert.ok(!platforms.wasAsked('/pair'));
  }),
  hostileCase('C-14', 'texts that no keyboard writes, on Telegram', async (platforms) => {
    const { telegram } = platforms;
    const marker = newMarker();
    const chatId = platforms.person();
    const texts = oddTexts(marker);
    for (const [text, entities] of texts)
      telegram.inject({ chatId, text: 'x', extra: { text, ...(entities === undefined ? {} : { entities }) } });
    telegram.inject({ chatId, text: 'x', extra: { text: bidi } });
    telegram.inject({ chatId, text: 'x', extra: { text: invisible } });
    telegram.inject({ chatId, text: 'x', extra: { text: '\u0000' } });
    await platforms.until('each was asked', () => timesAsked(platforms, marker) >= texts.length);
    await telegramAnswers(platforms);
    assert.equal(timesAsked(platforms, marker), texts.length);
    assert.deepEqual(
      platforms.model.ledger.flatMap(({ problems }) => problems),
      [],
    );
  }),
  hostileCase('C-14', 'texts that no keyboard writes, on Discord and Slack', async (platforms) => {
    const marker = newMarker();
    const texts = oddTexts(marker).slice(0, 7);
    for (const [text] of texts) {
      platforms.discord.say(text.slice(0, 4000));
      await platforms.slack.say(text.slice(0, 40_000));
    }
    platforms.discord.say(bidi);
    await platforms.slack.say(invisible);
    await platforms.until('each was asked', () => timesAsked(platforms, marker) >= texts.length * 2);
    await Promise.all([discordAnswers(platforms), slackAnswers(platforms)]);
    assert.equal(timesAsked(platforms, marker), texts.length * 2);
  }),
  hostileCase('C-15', 'mentions that would be terrible patterns', async (platforms) => {
    const { telegram, discord, slack } = platforms;
    const fromId = platforms.person();
    for (const pattern of patterns) {
      const from = { id: fromId, is_bot: false, first_name: pattern, username: pattern };
      const entities = [
        { type: 'mention', offset: 0, length: pattern.length },
        { type: 'text_mention', offset: 0, length: pattern.length, user: from },
      ];
      telegram.inject({ chatId: group, fromId, extra: { from, text: `${pattern} hello`, entities } });
      const mentions = [{ id: '900000000000000099', username: pattern, global_name: pattern }];
      discord.say(`<@${pattern}> <@!${pattern}> <#${pattern}>`.slice(0, 4000), { more: { mentions } });
      await slack.say('x', { chat: 'group', addressed: false }, undefined, {
        text: `<@${pattern}> <!${pattern}|${pattern}> <#${pattern}>`,
      });
    }
    await allAnswer(platforms);
  }),
  hostileCase('C-17', 'the same message twice, under a new number, out of order, after a gap', async (platforms) => {
    const { telegram, discord, slack } = platforms;
    const chatId = platforms.person();
    const [first, second, third] = [newMarker(), newMarker(), newMarker()] as const;
    telegram.inject({ chatId, text: first, messageId: 5001 });
    telegram.inject({ chatId, text: first, messageId: 5001 });
    telegram.inject({ chatId, text: second, messageId: 5003 });
    telegram.injectUpdate({ x: 1, poll: null }, 700_100_000);
    telegram.inject({ chatId, text: third, messageId: 5002 });
    await telegram.until(() => telegram.messages(chatId).some(({ text }) => text.includes(third)));
    telegram.inject({ chatId, text: first, messageId: 5001 });
    discord.say(first);
    discord.gateway.repeat('MESSAGE_CREATE');
    await slack.say(first);
    await slack.repeatLast();
    await slack.repeatLast();
    await allAnswer(platforms);
    assert.equal(timesAsked(platforms, first), 3, 'once for each platform');
    assert.deepEqual([timesAsked(platforms, second), timesAsked(platforms, third)], [1, 1]);
    const order = telegram
      .messages(chatId)
      .map(({ text }) => [first, second, third].findIndex((each) => text.includes(each)));
    assert.deepEqual(order, [0, 1, 2]);
  }),
  hostileCase('C-18', 'our own words as if somebody had said them', async (platforms) => {
    const { telegram, called, discord, slack } = platforms;
    const marker = newMarker();
    const chatId = platforms.person();
    for (const bot of [telegram.bot, called.bot, { id: 99, username: 'another_bot' }]) {
      const from = { ...bot, is_bot: true, first_name: 'Clanker' };
      telegram.inject({ chatId, text: marker, extra: { from } });
      telegram.inject({ chatId: group, text: `@clanker_test_bot ${marker}`, extra: { from } });
    }
    discord.say(marker, { author: { id: botId, username: 'clanker', bot: true } });
    discord.say(`<@${botId}> ${marker}`, { channel: threadId, author: { ...ada, bot: true } });
    discord.say(marker, { author: ada, more: { webhook_id: '900000000000000077' } });
    await slack.say(marker, {}, undefined, { user: slackBot.user, bot_id: slackBot.bot });
    await slack.say(marker, {}, undefined, { bot_id: 'B0000000099', subtype: 'bot_message' });
    await allAnswer(platforms);
    assert.ok(!platforms.wasAsked(marker));
  }),
  hostileCase('C-19', 'events that are none', async (platforms) => {
    const { telegram, discord, slack } = platforms;
    const before = await platforms.metric('messages_turned_away_total', 'channel="telegram"', 'reason="malformed"');
    const from = { id: listed[0], is_bot: false, first_name: 'A' };
    const chat = { id: listed[0], type: 'private' };
    const bad = [
      { message: { message_id: 1, date: 1, from, text: 'x' } },
      { message: { message_id: '1', date: 1, from, chat: { id: 'x', type: 'private' }, text: 'x' } },
      { message: { message_id: 2 ** 53, date: 1, from, chat: { id: 2 ** 53, type: 'private' }, text: 'x' } },
      { message: { message_id: 1.5, date: 'never', from: null, chat, text: {} } },
      { message: [], edited_message: 'x' },
      { something_new: { chat, from }, also: 1 },
      { callback_query: { id: {}, from: 'x', message: [] } },
      { message_reaction: { chat: {}, date: 'x' } },
      { message: { message_id: 9, date: 1, from, chat, text: 'x', entities: 'no', photo: {}, media_group_id: {} } },
    ];
    for (const update of bad) telegram.injectUpdate(update);
    const confirmed = telegram.injectUpdate({ message: { message_id: 1, from, big: 'x'.repeat(5_000_000) } });
    for (const [type, data] of [
      ['MESSAGE_CREATE', null],
      ['MESSAGE_CREATE', { id: {}, channel_id: directId, author: ada, content: 7 }],
      ['MESSAGE_CREATE', { id: '1', channel_id: '__proto__', content: 'x' }],
      ['MESSAGE_CREATE', { id: 'x'.repeat(100_000), channel_id: directId, author: null }],
      ['MESSAGE_UPDATE', []],
      ['MESSAGE_REACTION_ADD', 'x'],
      ['INTERACTION_CREATE', { id: 1 }],
      ['GUILD_CREATE', { id: null, channels: 'x', threads: 7 }],
      ['THREAD_CREATE', {}],
      ['CHANNEL_DELETE', null],
      ['A_NEW_THING', { x: 1 }],
    ] as const)
      discord.gateway.tell(type, data);
    for (const event of [
      null,
      7,
      [],
      {},
      { type: 'message' },
      { type: 'message', channel: 1, ts: {}, user: [] },
      { type: 'reaction_added', item: null },
    ])
      await slack.event(event as object);
    for (const payload of [
      {},
      { type: 'event_callback' },
      { actions: 'x' },
      { type: 'block_actions', actions: [null], user: null },
    ])
      for (const type of ['events_api', 'interactive', 'slash_commands'] as const)
        await slack.deliver({ type, payload });
    for (const socket of slack.server.sockets)
      for (const frame of ['null', '[]', '{', '7', '{"type":{}}', '{"envelope_id":7}']) socket.send(frame);
    await allAnswer(platforms);
    assert.ok(telegram.confirmed() > confirmed, 'the offset has moved on');
    const after = await platforms.metric('messages_turned_away_total', 'channel="telegram"', 'reason="malformed"');
    assert.ok(after >= before + 5, `${after - before} were counted`);
  }),
  hostileCase('C-21', 'five hundred messages of one person in a moment, beside twenty others', async (platforms) => {
    const { telegram } = platforms;
    const flooder = platforms.person();
    const marker = newMarker();
    for (let n = 0; n < 500; n++) telegram.inject({ chatId: flooder, text: `${n} ${marker}` });
    await Promise.all(Array.from({ length: 20 }, () => telegramAnswers(platforms)));
    const answered = telegram.messages(flooder).length;
    assert.ok(answered < 100, `the others waited for ${answered} answers of the flood`);
    const told = (): number =>
      telegram.messages(flooder).filter(({ text }) => text.includes('too much at once')).length;
    await telegram.until(() => told() > 0);
    await telegramAnswersTo(platforms, { chatId: platforms.person() });
    assert.equal(told(), 1);
    const dropped = await platforms.metric('messages_turned_away_total', 'channel="telegram"', 'reason="flood"');
    assert.ok(dropped >= 200, `${dropped} were left out`);
  }),
];
