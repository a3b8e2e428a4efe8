/** C-01 to C-11: people who are not let in, whatever they are called, wherever they write, whatever they press. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../support/daemon.ts';
import { ada, bob, botId, channelId, directId, guildId } from '../support/discord-server.ts';
import { newMarker } from '../support/mock-openai.ts';
import { chats as slackChats } from '../support/slack-counterpart.ts';
import { people as slackPeople } from '../support/slack-workspace.ts';
import { hostileCase, type HostileCase } from './case.ts';
import { group, stranger, type Platforms } from './platforms.ts';
import { allAnswer, discordAnswers, slackAnswers, telegramAnswers, telegramAnswersTo } from './talk.ts';

const invalid = async (lines: string, names: readonly string[]): Promise<void> => {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-hostile-'));
  try {
    const file = path.join(dir, 'config.toml');
    writeFileSync(file, lines);
    const { code, stdout, stderr } = await runCli({ dir }, '--config', file, 'config', 'validate');
    assert.equal(code, 78, stdout + stderr);
    for (const name of names) assert.ok((stdout + stderr).includes(name), `${name} in ${stdout}${stderr}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

/** Whoever is not listed says this everywhere under the names of those who are. */
async function impostors({ telegram, discord, slack }: Platforms, marker: string): Promise<void> {
  const namesake = { id: stranger, is_bot: false, first_name: 'Ada', username: 'ada', language_code: 'en' };
  telegram.inject({ chatId: stranger, text: marker, extra: { from: namesake } });
  telegram.inject({ chatId: group, text: `@clanker_test_bot ${marker}`, extra: { from: namesake } });
  const twin = { ...bob, username: ada.username, global_name: ada.global_name, discriminator: '0001' };
  discord.say(marker, { author: twin });
  discord.say(`<@${botId}> ${marker}`, { author: twin, channel: channelId, more: { member: { nick: 'Ada' } } });
  const profile = { user_profile: { display_name: 'Person one', name: 'one' }, username: slackPeople.one };
  await slack.say(marker, { sender: 'one' }, undefined, { user: slackPeople.two, ...profile });
  await slack.say(marker, { sender: 'two', chat: 'group' }, undefined, profile);
}

const turnedAway = (platforms: Platforms, channel: string): Promise<number> =>
  platforms.metric('messages_turned_away_total', `channel="${channel}"`);

export const strangerCases: readonly HostileCase<Platforms>[] = [
  hostileCase('C-01', 'names in a list of ids are refused with the configuration', () =>
    invalid(
      `[channels.telegram]\nbot_token = "42:abcdefghij"\nallowed_user_ids = ["@ada"]\nallowed_chat_ids = ["ada"]\n` +
        `[channels.discord]\nbot_token = "x.y.z"\nallowed_user_ids = ["ada", "ada#0001"]\n` +
        `[channels.slack]\nbot_token = "xoxb-1-2-a"\nallowed_user_ids = ["@ada"]\nallowed_chat_ids = ["#general"]\n`,
      ['telegram.allowed_user_ids', 'telegram.allowed_chat_ids', 'discord.allowed_user_ids', 'slack.allowed_user_ids'],
    ),
  ),
  hostileCase('C-10', 'groups in a list of people are refused with the configuration', () =>
    invalid(
      // In Telegram people may write in the name of a group: there it can stand in such a list.
      `[channels.slack]\nbot_token = "xoxb-1-2-a"\nallowed_user_ids = ["C0000000001"]\nallowed_chat_ids = ["U0000000001"]\n`,
      ['slack.allowed_user_ids', 'slack.allowed_chat_ids'],
    ),
  ),
  hostileCase('C-02', 'who is called like somebody who is listed', async (platforms) => {
    const marker = newMarker();
    const before = await Promise.all(['telegram', 'discord', 'slack'].map((each) => turnedAway(platforms, each)));
    await impostors(platforms, marker);
    await allAnswer(platforms);
    assert.ok(!platforms.wasAsked(marker));
    for (const [n, channel] of ['telegram', 'discord', 'slack'].entries())
      assert.ok((await turnedAway(platforms, channel)) >= (before[n] ?? 0) + 2, `${channel} counts them`);
  }),
  hostileCase(
    'C-03',
    'somebody who is listed has another name now, and another has theirs, over a restart',
    async (platforms) => {
      const renamed = { first_name: 'Somebody', username: 'else', is_bot: false };
      const person = await telegramAnswers(platforms);
      const marker = newMarker();
      for (const restart of [false, true]) {
        if (restart) await platforms.restart();
        await telegramAnswersTo(platforms, { chatId: person, extra: { from: { ...renamed, id: person } } });
        await discordAnswers(platforms, { ...ada, username: 'else', global_name: 'Somebody' });
        await slackAnswers(platforms);
        await impostors(platforms, marker);
      }
      await allAnswer(platforms);
      assert.ok(!platforms.wasAsked(marker));
    },
  ),
  hostileCase('C-05', 'everything but a message, from strangers on Telegram', async (platforms) => {
    const { telegram } = platforms;
    const person = platforms.person();
    telegram.inject({ chatId: person, text: '/lang' });
    await telegram.until(() => telegram.messages(person).some(({ buttons }) => buttons.length > 0));
    const [asked] = telegram.messages(person).filter(({ buttons }) => buttons.length > 0);
    assert.ok(asked !== undefined);
    const { messageId, buttons } = asked;
    const said = telegram.messages().length;
    const before = await turnedAway(platforms, 'telegram');
    const from = { id: stranger, is_bot: false, first_name: 'X' };
    const chat = { id: group, type: 'supergroup', title: 'A group' };
    const marker = newMarker();
    const message = { message_id: 1, date: 1, chat, from, text: `@clanker_test_bot ${marker}` };
    for (const update of [
      { edited_message: { ...message, edit_date: 2 } },
      { edited_message: { ...message, edit_date: 2, chat: { id: stranger, type: 'private' } } },
      { channel_post: { ...message, chat: { ...chat, type: 'channel', id: -1_009 }, from: undefined } },
      { edited_channel_post: { ...message, edit_date: 3, chat: { ...chat, type: 'channel' }, sender_chat: chat } },
      { poll_answer: { poll_id: '1', user: from, option_ids: [0] }, also: marker },
      { poll: { id: '1', question: marker, options: [] }, also: marker },
      { inline_query: { id: '1', from, query: marker, offset: '' }, also: marker },
      { chosen_inline_result: { result_id: '1', from, query: marker }, also: marker },
      { chat_member: { chat, from, date: 1, old_chat_member: {}, new_chat_member: {} }, also: marker },
      { my_chat_member: { chat, from, date: 1, old_chat_member: {}, new_chat_member: { status: 'administrator' } } },
      { chat_join_request: { chat, from, user_chat_id: stranger, date: 1, bio: marker }, also: marker },
      { business_message: message, also: marker },
      { guest_message: message, also: marker },
      { callback_query: { id: '77', from, chat_instance: 'c', data: '/lang de', inline_message_id: 'i' } },
    ])
      telegram.injectUpdate(update);
    for (const where of [
      asked,
      { chatId: String(group), messageId, threadId: null },
      { chatId: String(stranger), messageId, threadId: null },
    ])
      for (const data of [buttons.find((each) => each.includes('de')) ?? '', '/new', '/stop', marker])
        if (where !== asked) telegram.press(where, data, stranger);
    telegram.react(group, messageId, '👍', stranger);
    telegram.react(stranger, messageId, '👎', stranger);
    await telegramAnswers(platforms);
    const shown = telegram.messages().filter(({ chatId }) => chatId === String(group) || chatId === String(stranger));
    assert.deepEqual(shown, [], 'nobody answers them');
    assert.ok(said > 0 && !platforms.wasAsked(marker));
    assert.ok((await turnedAway(platforms, 'telegram')) >= before + 10, 'they are counted');
    telegram.inject({ chatId: person, text: '/lang' });
    await telegram.until(() => telegram.messages(person).filter((each) => each.buttons.length > 0).length > 1);
    assert.match(telegram.messages(person).at(-1)?.text ?? '', /English/, 'the language is as it was');
  }),
  hostileCase('C-07', 'edits, reactions, buttons, forms and commands of strangers on Discord', async (platforms) => {
    const { discord } = platforms;
    const marker = newMarker();
    const before = discord.shown(directId).length + discord.shown(channelId).length;
    const posted = discord.snowflake();
    const member = { user: bob, nick: 'Ada' };
    for (const channel of [directId, channelId]) {
      const guild = channel === channelId ? { guild_id: guildId, member } : {};
      const message = { id: posted, channel_id: channel, author: bob, content: `<@${botId}> ${marker}`, ...guild };
      discord.gateway.tell('MESSAGE_UPDATE', {
        ...message,
        edited_timestamp: new Date().toISOString(),
        mentions: [],
        attachments: [],
        timestamp: new Date().toISOString(),
        type: 0,
        flags: 0,
      });
      const answer = discord.shown(directId).at(-1)?.id ?? posted;
      discord.gateway.tell('MESSAGE_REACTION_ADD', {
        user_id: bob.id,
        channel_id: channel,
        message_id: answer,
        emoji: { id: null, name: '👍' },
        ...guild,
      });
    }
    const tokens = [directId, channelId].flatMap((channel) => [
      discord.interact(
        { id: '1', name: 'status', type: 1, options: [{ name: 'text', value: marker, type: 3 }] },
        { author: bob, channel },
      ),
      discord.interact(
        { custom_id: '/new', component_type: 2 },
        { author: bob, channel, message: discord.shown(directId).at(-1)?.id ?? posted },
      ),
      discord.interact({ custom_id: marker, component_type: 2 }, { author: bob, channel, message: posted }),
    ]);
    for (const type of [4, 5, 99])
      discord.gateway.tell('INTERACTION_CREATE', {
        id: discord.snowflake(),
        token: `t-${type}`,
        application_id: '1',
        type,
        user: bob,
        locale: 'de',
        channel: { id: directId, type: 1 },
        channel_id: directId,
        data: {
          custom_id: marker,
          components: [{ type: 1, components: [{ type: 4, custom_id: 'x', value: marker }] }],
        },
      });
    await platforms.until('every command and button has its refusal', () =>
      tokens.every((token) => discord.callbacks.has(token)),
    );
    await discordAnswers(platforms);
    for (const token of tokens)
      assert.deepEqual(
        discord.callbacks.get(token)?.map(({ type, data }) => [type, data?.['flags']]),
        [[4, 64]],
        'only the stranger sees it',
      );
    assert.ok(!platforms.wasAsked(marker));
    assert.equal(discord.shown(directId).length + discord.shown(channelId).length, before + 1);
  }),
  hostileCase('C-07', 'edits, reactions, buttons, forms and commands of strangers on Slack', async (platforms) => {
    const { slack } = platforms;
    const { server } = slack;
    const marker = newMarker();
    await slackAnswers(platforms);
    const answer = (await slack.shown()).at(-1);
    const before = server.workspace.messages.filter(({ bot_id }) => bot_id !== undefined).length;
    const responses = server.of('respond').length;
    const user = slackPeople.two;
    const at = { channel: slackChats.group, channel_type: 'channel' };
    const message = { user, text: marker, ts: answer?.ref, type: 'message' };
    await slack.event({
      type: 'message',
      subtype: 'message_changed',
      ...at,
      event_ts: '1.1',
      ts: '1.1',
      message: { ...message, edited: { user, ts: '1.2' } },
      previous_message: message,
    });
    await slack.event({
      type: 'reaction_added',
      user,
      reaction: '+1',
      item: { type: 'message', channel: slackChats.group, ts: answer?.ref },
      event_ts: '1.3',
    });
    const responseUrl = `${server.apiRoot}/respond`;
    const pressed = {
      user: { id: user },
      channel: { id: slackChats.group },
      message: { ts: answer?.ref },
      response_url: responseUrl,
    };
    await slack.deliver({
      type: 'interactive',
      payload: {
        type: 'block_actions',
        trigger_id: newMarker(),
        ...pressed,
        actions: [{ value: '/new', action_ts: '1' }],
      },
    });
    await slack.deliver({
      type: 'interactive',
      payload: { type: 'block_actions', trigger_id: newMarker(), ...pressed, actions: [{ value: marker }] },
    });
    await slack.deliver({
      type: 'interactive',
      payload: {
        type: 'view_submission',
        trigger_id: newMarker(),
        user: { id: user },
        view: { id: 'V1', state: { values: { b: { a: { value: marker } } } } },
      },
    });
    await slack.deliver({
      type: 'interactive',
      payload: { type: 'message_action', callback_id: marker, trigger_id: newMarker(), ...pressed },
    });
    for (const text of ['status', 'new', marker])
      await slack.deliver({
        type: 'slash_commands',
        payload: {
          command: '/clanker',
          text,
          trigger_id: newMarker(),
          user_id: user,
          channel_id: slackChats.group,
          response_url: responseUrl,
        },
      });
    await slackAnswers(platforms);
    await platforms.until('commands have their refusal', () => server.of('respond').length >= responses + 5);
    assert.ok(
      server
        .of('respond')
        .slice(responses)
        .every((params) => JSON.stringify(params).includes('ephemeral')),
      JSON.stringify(server.of('respond')),
    );
    assert.ok(!platforms.wasAsked(marker));
    assert.equal(server.workspace.messages.filter(({ bot_id }) => bot_id !== undefined).length, before + 1);
  }),
  hostileCase('C-06', 'an edit that turns a greeting into a command', async (platforms) => {
    const { telegram, discord, slack } = platforms;
    const chatId = await telegramAnswers(platforms);
    const { messageId } = telegram.inject({ chatId, text: 'hi' });
    await telegram.until(() => telegram.messages(chatId).length === 2);
    telegram.inject({ chatId, messageId, kind: 'edited_message', text: '/whoami' });
    telegram.inject({ chatId, messageId, kind: 'edited_message', text: '/lang de' });
    const id = discord.say('hi');
    const told = (discord.messages.get(directId) ?? []).find((each) => each.id === id);
    const discords = discord.shown(directId).length;
    await platforms.until('an answer on Discord', () => discord.shown(directId).length > discords);
    discord.gateway.tell('MESSAGE_UPDATE', { ...told, content: '/whoami', edited_timestamp: new Date().toISOString() });
    await slackAnswers(platforms);
    const slacks = (await slack.shown()).length;
    const edited = { type: 'message', user: slackPeople.one, ts: '1700000000.000100' };
    await slack.event({
      type: 'message',
      subtype: 'message_changed',
      channel: slackChats.one,
      channel_type: 'im',
      ts: '1.5',
      event_ts: '1.5',
      message: { ...edited, text: '/whoami', edited: { user: slackPeople.one, ts: '1.6' } },
      previous_message: { ...edited, text: 'hi' },
    });
    await allAnswer(platforms);
    assert.equal(telegram.messages(chatId).length, 2);
    const after = [
      ...discord.shown(directId).map(({ content }) => content),
      ...(await slack.shown()).map(({ text }) => text),
    ];
    assert.ok(
      after.every((text) => !text.includes('role')),
      'nobody was told who they are',
    );
    assert.equal((await slack.shown()).length, slacks + 1);
  }),
  hostileCase('C-09', 'approving, as somebody who may talk and is no owner, and in a group', async (platforms) => {
    const { telegram } = platforms;
    const chatId = platforms.person();
    const where = [
      { chatId, text: '/pair approve ABCD-EFGH' },
      { chatId: group, fromId: chatId, text: '/pair@clanker_test_bot approve ABCD-EFGH' },
    ];
    for (const message of where) {
      telegram.inject(message);
      await telegram.until(() => telegram.messages(message.chatId).length > 0);
      assert.match(telegram.messages(message.chatId).at(-1)?.text ?? '', /owner|direct/i);
    }
  }),
  hostileCase('C-11', 'somebody who is let in alone does what only owners may, in a group', async (platforms) => {
    const { telegram } = platforms;
    const fromId = platforms.person();
    const count = telegram.messages(group).length;
    telegram.inject({ chatId: group, fromId, text: '/whoami@clanker_test_bot' });
    await telegram.until(() => telegram.messages(group).length > count);
    assert.match(telegram.messages(group).at(-1)?.text ?? '', /role member/);
    // The same person in a group that nobody listed is nobody.
    const elsewhere = -1_002_000_099;
    telegram.inject({ chatId: elsewhere, fromId, text: '/whoami@clanker_test_bot' });
    await telegramAnswers(platforms);
    assert.deepEqual(telegram.messages(elsewhere), []);
  }),
];
