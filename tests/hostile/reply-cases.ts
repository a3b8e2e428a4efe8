/** C-22 to C-25: what a model says in chats, and chats that change under it. */
import assert from 'node:assert/strict';
import { read } from '../support/discord-markdown.ts';
import { directId } from '../support/discord-server.ts';
import { newMarker } from '../support/mock-openai.ts';
import type { ServerAnswer } from '../support/provider-fault-server.ts';
import { hostileCase, type HostileCase } from './case.ts';
import { movedGroup, movingGroup, type Platforms } from './platforms.ts';
import { allAnswer, telegramAnswers, telegramAnswersTo } from './talk.ts';

/** Each on a line of its own; none of it may call, format, hide or break anything. */
const hostileLines = [
  '@everyone @here <@&900000000000000099> <@900000000000000021> <@!1> <#900000000000000002>',
  '<!channel> <!here> <!everyone> <@U0000000001> <!subteam^S1> <#C0000000001>',
  '<script>alert(1)</script> <img src=x onerror=alert(1)> &lt;b&gt; &amp;',
  '\u202egnp.exe\u202c and \u2066this\u2069',
  'discord.gg/x https://discord.gg/abc https://t.me/+abc tg://user?id=1',
  '(unbalanced [brackets]( and a\\ backslash ~ > # + - = | { } . !',
  'a_b_c 2*3*4 snake_case_name __init__ ||x|| ~~',
];

/** Somebody asks for a reply by its name, and again something plain. Resolves with all that was shown for the first. */
async function telegramReply(platforms: Platforms, name: string, answer: Partial<ServerAnswer>): Promise<string[]> {
  const { telegram, replies } = platforms;
  replies.set(name, answer);
  const chatId = platforms.person();
  telegram.inject({ chatId, text: `[reply=${name}]` });
  await telegram.until(() => telegram.messages(chatId).length > 0);
  await telegramAnswersTo(platforms, { chatId });
  return telegram
    .messages(chatId)
    .map(({ text }) => text)
    .slice(0, -1);
}

export const replyCases: readonly HostileCase<Platforms>[] = [
  hostileCase(
    'C-22',
    'a reply of everything that is markup somewhere calls nobody and arrives as it was written',
    async (platforms) => {
      const { telegram, discord, slack, replies } = platforms;
      const marker = newMarker();
      // In a code block nothing is markup to us, so that every sign is to be read.
      const wanted = hostileLines.join('\n');
      replies.set('hostile', { text: `${marker}\n\n\`\`\`\n${wanted}\n\`\`\`\n\nend of it`, deltas: 20 });
      replies.set('bare', { text: `${marker}\n\n${hostileLines.join('\n\n')}\n\nend of it`, deltas: 20 });
      const chatId = platforms.person();
      const calls = slack.server.calls.length;
      for (const name of ['hostile', 'bare']) {
        telegram.inject({ chatId, text: `[reply=${name}]` });
        discord.say(`[reply=${name}]`);
        await slack.say(`[reply=${name}]`);
      }
      const telegrams = (): string[] => telegram.messages(chatId).map(({ text }) => text);
      const discords = (): string[] => discord.shown(directId).map(({ content }) => read(content));
      const slacks = async (): Promise<string[]> => (await slack.shown()).map(({ text }) => text);
      const arrived = (texts: string[]): boolean =>
        texts.filter((text) => text.includes(marker) && text.endsWith('end of it')).length === 2;
      await platforms.until(
        'both replies stand on each platform',
        async () => arrived(telegrams()) && arrived(discords()) && arrived(await slacks()),
      );
      for (const texts of [telegrams(), discords(), await slacks()]) {
        const [coded = '', bare = ''] = texts.filter((text) => text.includes(marker));
        for (const line of hostileLines) assert.ok(coded.includes(line), `in a code block: ${line} in ${coded}`);
        for (const word of [
          '@everyone',
          '@here',
          '<!channel>',
          '<@U0000000001>',
          '<script>alert(1)</script>',
          'snake_case_name',
        ])
          assert.ok(bare.includes(word), `${word} in ${bare}`);
      }
      for (const { method, params } of slack.server.calls.slice(calls)) {
        if (!method.startsWith('chat.')) continue;
        for (const text of [params['text'], params['markdown_text']])
          assert.doesNotMatch(text ?? '', /<[!@#][A-Za-z0-9]/, `${method} would call somebody`);
        assert.doesNotMatch(params['blocks'] ?? '', /"type":"(broadcast|usergroup|user|channel)"/);
      }
    },
  ),
  hostileCase('C-22', 'formatting that Telegram does not take is sent once more without', async (platforms) => {
    const { telegram } = platforms;
    const description = "Bad Request: can't parse entities: unsupported start tag";
    const marker = newMarker();
    platforms.replies.set('formatted', { text: `**${marker}** is *formatted*`, deltas: 1 });
    const chatId = platforms.person();
    const before = telegram.calls().length;
    telegram.fail(1, { mode: 'code', code: 400, description }, 'sendMessage');
    telegram.inject({ chatId, text: '[reply=formatted]' });
    await telegram.until(() => telegram.messages(chatId).some(({ text }) => text === `${marker} is formatted`));
    const sends = telegram
      .calls()
      .slice(before)
      .filter(({ params, method }) => params['chat_id'] === chatId && method === 'sendMessage');
    assert.equal(sends.length, 2);
  }),
  ...(
    [
      ['nothing', { text: '' }],
      ['blanks', { text: ' \n\u00a0\t ', deltas: 3 }],
      ['invisible', { text: '\u200b\u200b\ufeff' }],
      ['tools', { text: '', toolCalls: [{ id: 'call_1', name: 'rm_rf', args: '{"x":' }] }],
      ['surrogates', { text: 'a\ud800b \udc00 end', deltas: 9 }],
      ['controls', { text: '\u0000\u0001\u001b[2J\u0007 end', deltas: 9 }],
    ] as [string, Partial<ServerAnswer>][]
  ).map(([name, answer]) =>
    hostileCase<Platforms>(
      'C-23',
      `a reply of ${name} is a notice or its words, and nothing is stuck`,
      async (platforms) => {
        const shown = await telegramReply(platforms, name, answer);
        assert.ok(shown.length >= 1 && shown.every((text) => /[^\s\p{C}]/u.test(text)), JSON.stringify(shown));
      },
    ),
  ),
  hostileCase(
    'C-23',
    'a reply of two megabytes holds up nobody else, and its chat can be stopped',
    async (platforms) => {
      const { telegram, replies } = platforms;
      replies.set('huge', { text: 'word '.repeat(400_000), deltas: 500 });
      const chatId = platforms.person();
      telegram.inject({ chatId, text: '[reply=huge]' });
      await telegram.until(() => telegram.messages(chatId).length > 0);
      await Promise.all([telegramAnswers(platforms), telegramAnswers(platforms)]);
      await allAnswer(platforms);
      assert.ok(telegram.messages(chatId).every(({ text }) => text.length <= 4096));
    },
  ),
  hostileCase(
    'C-25',
    'two topics of a group do not hear of each other, and a group that moves keeps its history',
    async (platforms) => {
      const { telegram, model } = platforms;
      const fromId = platforms.person();
      const say = async (more: { chatId: number; threadId?: number; chatType?: 'group' }): Promise<string> => {
        const marker = newMarker();
        const count = telegram.messages(more.chatId).length;
        telegram.inject({ ...more, fromId, text: `@clanker_test_bot ${marker}` });
        await telegram.until(
          () =>
            telegram.messages(more.chatId).length > count &&
            telegram.messages(more.chatId).some(({ text }) => text.includes(marker)),
        );
        return marker;
      };
      const asked = (marker: string): string =>
        JSON.stringify(model.ledger.find(({ body }) => JSON.stringify(body).includes(marker))?.body);
      const first = await say({ chatId: movingGroup, threadId: 7, chatType: 'group' });
      const second = await say({ chatId: movingGroup, threadId: 8, chatType: 'group' });
      assert.ok(!asked(second).includes(first));
      const main = await say({ chatId: movingGroup, chatType: 'group' });
      assert.ok(!asked(main).includes(first) && !asked(main).includes(second));
      telegram.migrate(movingGroup, movedGroup);
      const after = await say({ chatId: movedGroup });
      assert.ok(asked(after).includes(main), 'the session went along');
      assert.ok(!asked(after).includes(first));
    },
  ),
];
