/**
 * The promises every channel keeps, held against its platform through a Counterpart. A channel that does not pass is
 * not shipped. Connection drops per channel: CONFORMANCE_DROPS (default 6; `npm run prove` takes 50).
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMarkdown } from '../../src/adapters/markdown/index.ts';
import { systemClock } from '../../src/adapters/system/index.ts';
import type { OutboundBody } from '../../src/core/message.ts';
import type { Channel, OutboundPart, SendOutcome } from '../../src/core/ports/channel.ts';
import { plainText } from '../../src/core/rich-text.ts';
import { splitRich } from '../../src/core/split.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { Listener } from './listener.ts';
import { messagePath } from './message-path.ts';
import { finish, start as begins, text as says, usage } from './scripted-provider.ts';

const drops = Number(process.env['CONFORMANCE_DROPS'] ?? 6);
const forever = new AbortController().signal;
const markdown = createMarkdown();

/** What models write and platforms read as markup, mentions or entities. */
const hostile = [
  'not *bold* _not_ ~struck~ `nor code` __nor__ **this** ||hidden||',
  '[a](http://example.org) <http://example.org> <@U123> <!channel> <#C1|x> @everyone @here @all @channel',
  '&lt;b&gt; <b>tag</b> & <script>alert(1)</script> \\* back\\slash "quotes" \'single\'',
  '# no heading\n> no quote\n- no list\n1. no list\n``` no fence',
  'emoji 👩‍👩‍👧‍👦 🇩🇪 é and עברית',
];

const formatted = `# Title

Some **bold**, *italic*, ~~struck~~ and \`inline_code *with* stars\`, a [link](https://example.org/a_b?c=d&e=f) and **bold _nested_ end**.

> quoted words

- first item
- second item

\`\`\`ts
const x = "<tag> & *stars*";
\`\`\`

last words`;

const shownWords = [
  'Title',
  'bold',
  'italic',
  'struck',
  'inline_code *with* stars',
  'link',
  'nested',
  'quoted words',
  'first item',
  'second item',
  'const x = "<tag> & *stars*";',
  'last words',
];

export function conformance(name: string, start: (t: TestContext) => Promise<Counterpart>): void {
  const listening = async (t: TestContext): Promise<Listener> => {
    const counterpart = await start(t);
    t.after(() => counterpart.close());
    return new Listener(t, counterpart);
  };
  const sending = async (
    t: TestContext,
  ): Promise<{ channel: Channel; counterpart: Counterpart; listener: Listener }> => {
    const listener = await listening(t);
    const channel = await listener.begin();
    // Some platforms only let a bot answer who wrote first.
    await listener.counterpart.say('hello');
    await listener.message('hello');
    return { channel, counterpart: listener.counterpart, listener };
  };

  describe(`${name} keeps the promises of every channel`, () => {
    it('a message that could not be committed comes again under the same key, and is then there once', async (t) => {
      const listener = await listening(t);
      listener.failures = 1;
      await listener.begin();
      await listener.counterpart.say('first words');
      const event = await listener.message('first words');
      const offered = listener.offered.filter(({ text }) => text === 'first words');
      assert.ok(offered.length >= 2, 'it was offered again');
      assert.deepEqual(new Set(offered.map(({ dedupe }) => dedupe)).size, 1);
      assert.equal(event.chat.type, 'direct');
      assert.equal(event.chat.addressed, true);
      assert.equal(event.sender.isBot, false);
      assert.deepEqual(event.conversation, listener.counterpart.conversation());
      await listener.counterpart.say('second words');
      await listener.message('second words');
      assert.equal(listener.kept('first words').length, 1);
    });

    it('an event that the platform tells twice has one key', async (t) => {
      const { counterpart, listener } = await sending(t);
      await counterpart.say('only once');
      await listener.message('only once');
      await counterpart.repeatLast();
      await counterpart.say('after it');
      await listener.message('after it');
      assert.equal(listener.kept('only once').length, 1);
    });

    it('what is said while the gateway is away arrives after its restart, and nothing twice', async (t) => {
      const { counterpart, listener } = await sending(t);
      await counterpart.say('before');
      await listener.message('before');
      await listener.end();
      const away = [counterpart.say('while away 1'), counterpart.say('while away 2')];
      await Promise.all(away.map((said) => Promise.race([said, sleep(50)])));
      await listener.begin();
      await listener.message('while away 1');
      await listener.message('while away 2');
      await Promise.all(away);
      await counterpart.say('after');
      await listener.message('after');
      for (const text of ['before', 'while away 1', 'while away 2', 'after'])
        assert.equal(listener.kept(text).length, 1, text);
    });

    it('in a group it tells whether the bot was addressed, and the mention is not part of the text', async (t) => {
      const listener = await listening(t);
      if (!listener.counterpart.groups) return t.diagnostic(`${name} knows no groups`);
      await listener.begin();
      await listener.counterpart.say('to everybody', { chat: 'group', addressed: false });
      await listener.counterpart.say('to the bot', { chat: 'group' });
      const addressed = await listener.message('to the bot');
      assert.equal(addressed.chat.type, 'group');
      assert.equal(addressed.chat.addressed, true);
      const others = listener.committed.filter(({ text }) => text === 'to everybody');
      assert.ok(others.every(({ chat }) => !chat.addressed));
      assert.equal(addressed.conversation.native, listener.counterpart.conversation({ chat: 'group' }).native);
    });

    it('a part becomes one message, and an edit changes that message', async (t) => {
      const { channel, counterpart } = await sending(t);
      const sent = await send(channel, counterpart, plainText('An answer'));
      assert.ok(sent.ok, JSON.stringify(sent));
      assert.deepEqual(texts(await counterpart.shown()), ['An answer']);
      if (channel.edit === undefined || !channel.capabilities.edit.supported) return;
      const message = { conversation: counterpart.conversation(), native: sent.ref };
      for (const final of [false, true, true]) {
        const edited = await channel.edit(message, { body: plainText('A better answer'), final }, forever);
        assert.ok(edited.ok, JSON.stringify(edited));
      }
      assert.deepEqual(texts(await counterpart.shown()), ['A better answer']);
    });

    it('a growing reply ends as one message with its last text', async (t) => {
      const { channel, counterpart } = await sending(t);
      if (channel.edit === undefined || !channel.capabilities.edit.supported) return;
      const sent = await send(channel, counterpart, plainText('Once'), { growing: true });
      assert.ok(sent.ok, JSON.stringify(sent));
      const message = { conversation: counterpart.conversation(), native: sent.ref };
      for (const text of ['Once upon', 'Once upon a time', 'Twice upon a time']) {
        const edited = await channel.edit(message, { body: plainText(text), final: text.startsWith('Twice') }, forever);
        assert.ok(edited.ok, JSON.stringify(edited));
      }
      assert.deepEqual(texts(await counterpart.shown()), ['Twice upon a time']);
    });

    for (const text of hostile) {
      it(`text that looks like markup is read as it was written: ${text.slice(0, 24)}…`, async (t) => {
        const { channel, counterpart } = await sending(t);
        const sent = await send(channel, counterpart, plainText(text));
        assert.ok(sent.ok, JSON.stringify(sent));
        assert.deepEqual(texts(await counterpart.shown()), [text]);
      });
    }

    it('formatted text loses no word, in order', async (t) => {
      const { channel, counterpart } = await sending(t);
      const sent = await send(channel, counterpart, markdown.parse(formatted));
      assert.ok(sent.ok, JSON.stringify(sent));
      const [text = ''] = texts(await counterpart.shown());
      let at = 0;
      for (const word of shownWords) {
        const found = text.indexOf(word, at);
        assert.notEqual(found, -1, `"${word}" is missing in ${JSON.stringify(text)}`);
        at = found + word.length;
      }
    });

    it('the longest part it promises is taken, markup and all', async (t) => {
      const { channel, counterpart } = await sending(t);
      const source = markdown.parse('Some **bold** and `code` & *more* <words> _here_. '.repeat(4000));
      const [part] = splitRich(source, channel.capabilities.text);
      assert.ok(part !== undefined);
      const sent = await send(channel, counterpart, part);
      assert.ok(sent.ok, JSON.stringify(sent));
      assert.deepEqual(texts(await counterpart.shown()), [part.text.trim()]);
    });

    const outcomes: Record<Fault, (outcome: SendOutcome) => boolean> = {
      rate_limited: (o) => !o.ok && o.kind === 'rate_limited' && o.retryAfterMs >= 900,
      server_error: (o) => !o.ok && (o.kind === 'transient' || o.kind === 'ambiguous'),
      answer_lost: (o) => !o.ok && o.kind === 'ambiguous',
      forbidden: (o) => !o.ok && o.kind === 'refused' && o.code !== 'bad_token',
      bad_token: (o) => !o.ok && o.kind === 'refused' && o.code === 'bad_token',
    };
    for (const [fault, fits] of Object.entries(outcomes) as [Fault, (outcome: SendOutcome) => boolean][]) {
      it(`a send that ends in ${fault} is one attempt with the right outcome`, async (t) => {
        const { channel, counterpart, listener } = await sending(t);
        if (!counterpart.fault(fault)) return t.diagnostic(`${name} never answers a send with ${fault}`);
        const before = counterpart.sends();
        const outcome = await send(channel, counterpart, plainText('under fault'));
        assert.ok(fits(outcome), JSON.stringify(outcome));
        assert.equal(counterpart.sends() - before, 1);
        noSecrets(counterpart, [outcome, channel.health(), listener.log.lines]);
      });
    }

    it('a send whose answer was lost shows once when it is repeated or looked up', async (t) => {
      const { channel, counterpart } = await sending(t);
      const { idempotentSend } = channel.capabilities;
      if (idempotentSend === 'none' || !counterpart.fault('answer_lost')) return;
      const outcome = await send(channel, counterpart, plainText('once, please'));
      assert.ok(!outcome.ok && outcome.kind === 'ambiguous', JSON.stringify(outcome));
      if (idempotentSend === 'native') {
        const again = await send(channel, counterpart, plainText('once, please'));
        assert.ok(again.ok, JSON.stringify(again));
      } else {
        const part = partOf(counterpart, plainText('once, please'));
        assert.notEqual((await channel.findSent?.(part, forever)) ?? null, null);
        const other = { ...part, idempotencyKey: 'run_other:0' };
        assert.equal((await channel.findSent?.(other, forever)) ?? null, null);
      }
      assert.deepEqual(texts(await counterpart.shown()), ['once, please']);
    });

    it(`${drops} lost connections: nothing is lost, and there are never more than two`, async (t) => {
      const { counterpart, listener } = await sending(t);
      let most = 0;
      const watch = setInterval(() => (most = Math.max(most, counterpart.connections())), 5);
      t.after(() => clearInterval(watch));
      for (let n = 0; n < drops; n++) {
        await counterpart.dropConnections();
        await counterpart.say(`after drop ${n}`);
        await listener.message(`after drop ${n}`);
      }
      for (let n = 0; n < drops; n++) assert.equal(listener.kept(`after drop ${n}`).length, 1);
      assert.ok(most <= 2, `${most} connections at once`);
    });

    it('it stops by its deadline and hears nothing more', async (t) => {
      const { channel, counterpart, listener } = await sending(t);
      await channel.stop(1000);
      await channel.stop(1000);
      const before = listener.committed.length;
      await Promise.race([counterpart.say('too late'), sleep(100)]);
      assert.equal(listener.committed.length, before);
    });

    it('a file of a person can be fetched', async (t) => {
      const { channel, counterpart, listener } = await sending(t);
      if (channel.fetchAttachment === undefined) return t.diagnostic(`${name} fetches no files`);
      const bytes = Uint8Array.from({ length: 3000 }, (_, i) => i % 251);
      await counterpart.say('see this', {}, bytes);
      const event = await listener.event(({ attachments }) => attachments.length > 0, 'a message with a file');
      const [attachment] = event.attachments;
      assert.ok(attachment !== undefined);
      const chunks: Uint8Array[] = [];
      for await (const chunk of channel.fetchAttachment(attachment, forever)) chunks.push(chunk);
      assert.deepEqual(new Uint8Array(Buffer.concat(chunks)), bytes);
      noSecrets(counterpart, listener.committed);
    });

    it('a file of ours arrives with its bytes', async (t) => {
      const { channel, counterpart } = await sending(t);
      if (channel.capabilities.files === null) return t.diagnostic(`${name} sends no files`);
      const file = Uint8Array.from({ length: 3000 }, (_, i) => i % 249);
      const described = { id: 'file_1', mimeType: 'application/pdf', size: file.length, name: 'a report.pdf' };
      const sent = await send(channel, counterpart, { ...plainText('the report'), file: described }, { file });
      assert.ok(sent.ok, JSON.stringify(sent));
      const carrying = (await counterpart.shown()).filter((message) => message.file !== undefined);
      assert.deepEqual(carrying.length, 1);
      assert.deepEqual(carrying[0]?.file, file);
    });

    it('a whole turn: what is asked is answered once, a long answer in parts without loss', async (t) => {
      const counterpart = await start(t);
      t.after(() => counterpart.close());
      const long = Array.from({ length: 300 }, (_, n) => `Sentence number ${n} of the answer.`).join(' ');
      const channel = await counterpart.channel();
      const places: Place[] = counterpart.groups ? [{}, { chat: 'group' }] : [{}];
      const chats = new Set(places.map((place) => counterpart.conversation(place).native));
      const path = await messagePath(t, [[begins, says(long), usage, finish]], {
        channel,
        policy: { users: new Set(), chats },
      });
      const stop = new AbortController();
      t.after(async () => {
        await channel.stop(2000);
        stop.abort(new Error('over'));
      });
      const { log } = path;
      channel.start(path.ingress.sinkFor(channel.type, channel.account), {
        signal: stop.signal,
        cursors: new Map(),
        clock: systemClock,
        log,
      });
      path.attach();
      await counterpart.say('tell me');
      const finished = await path.event('run.finished');
      assert.equal(finished.answer.reply.text, long);
      const joined = await eventually(async () => {
        const text = texts(await counterpart.shown()).join(' ');
        return text.includes('Sentence number 299 of') ? text : null;
      });
      assert.equal(joined.replaceAll(/\s+/g, ' '), long);
      assert.equal(path.provider.hits, 1);
      noSecrets(counterpart, log.lines);
    });
  });
}

const partOf = (counterpart: Counterpart, body: OutboundBody): OutboundPart => ({
  idempotencyKey: 'run_conformance:0',
  conversation: counterpart.conversation(),
  body,
});

const send = (
  channel: Channel,
  counterpart: Counterpart,
  body: OutboundBody,
  more: Partial<OutboundPart> = {},
): Promise<SendOutcome> => channel.send({ ...partOf(counterpart, body), ...more }, forever);

/** As read: characters of no width, which keep a mention from being one, are not seen. */
const texts = (shown: readonly Shown[]): string[] =>
  shown.map(({ text }) => text.replaceAll(/[\u200B\u2060\uFEFF]/g, '').trim());

function noSecrets(counterpart: Counterpart, where: unknown): void {
  const text = JSON.stringify(where);
  for (const secret of counterpart.secrets) assert.ok(!text.includes(secret), 'a secret shows');
}

/** For what only the platform knows and does not announce. */
async function eventually<T>(look: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 2400; tries++) {
    const found = await look();
    if (found !== null) return found;
    await sleep(25);
  }
  throw new Error('it did not happen in time');
}
