import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import type { Channel, OutboundPart, SendOutcome } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import type { RichText } from '../../../../src/core/rich-text.ts';
import { splitRich } from '../../../../src/core/split.ts';
import { startFaultProxy } from '../../../support/fault-proxy.ts';
import type { Fault, FaultProxy } from '../../../support/fault-proxy.ts';
import { telegramRig } from '../../../support/telegram-rig.ts';
import { startTelegramServer } from '../../../support/telegram-server.ts';
import type { TelegramServer } from '../../../support/telegram-server.ts';

const forever = new AbortController().signal;
const markdown = createMarkdown();

interface Line {
  server: TelegramServer;
  proxy: FaultProxy;
  channel: Channel;
}

async function line(t: TestContext): Promise<Line> {
  const server = await startTelegramServer();
  const proxy = await startFaultProxy(server.port);
  const rig = telegramRig({ apiRoot: proxy.url, botToken: server.botToken });
  t.after(async () => {
    await rig.close();
    await proxy.close();
    await server.close();
  });
  return { server, proxy, channel: rig.channel };
}

function part(channel: Channel, body: RichText | string, extra: Partial<OutboundPart> = {}): OutboundPart {
  const rich = typeof body === 'string' ? plainText(body) : body;
  return { idempotencyKey: 'k', conversation: channel.conversation('7'), body: rich, ...extra };
}

async function edit(channel: Channel, ref: string, text: string, chat = '7'): Promise<SendOutcome> {
  const message = { conversation: channel.conversation(chat), native: ref };
  const outcome = await channel.edit?.(message, { body: plainText(text), final: true }, forever);
  assert.ok(outcome !== undefined);
  return outcome;
}

const kindOf = (outcome: SendOutcome): string => (outcome.ok ? 'sent' : outcome.kind);

test('formatted text arrives as text and entities, as an answer, in its topic', async (t) => {
  const { server, channel } = await line(t);
  const asked = { conversation: channel.conversation('-1005', '9'), replyTo: '33' };
  const sent = await channel.send(part(channel, markdown.parse('**hi** `there`'), asked), forever);
  const [shown] = server.messages(-1005);
  assert.deepEqual(sent, { ok: true, ref: String(shown?.messageId) });
  assert.deepEqual([shown?.text, shown?.threadId, shown?.replyTo], ['hi there', 9, 33]);
  assert.deepEqual(
    shown?.entities.map((each) => each.type),
    ['bold', 'code'],
  );
  const { params } = server.calls('sendMessage')[0] ?? {};
  assert.deepEqual(params?.['link_preview_options'], { is_disabled: true });
  assert.deepEqual(params?.['reply_parameters'], { message_id: 33, allow_sending_without_reply: true });
});

test('C-14: a very long answer arrives whole, in order, every part taken', async (t) => {
  const { server, channel } = await line(t);
  const source = Array.from(
    { length: 400 },
    (_, i) => `**Point ${i}** says 😀 \`x${i}\` and [more](https://e.example/${i}).`,
  );
  const whole = markdown.parse(source.join('\n\n'));
  for (const body of splitRich(whole, channel.capabilities.text)) {
    assert.equal(kindOf(await channel.send(part(channel, body), forever)), 'sent');
  }
  const words = (text: string): string => text.replace(/\s+/g, ' ').trim();
  assert.equal(
    words(
      server
        .messages(7)
        .map((each) => each.text)
        .join(' '),
    ),
    words(whole.text),
  );
  assert.deepEqual(server.violations, []);
});

test('an edit replaces the text, and an edit to the same text is done', async (t) => {
  const { server, channel } = await line(t);
  const sent = await channel.send(part(channel, 'one'), forever);
  assert.ok(sent.ok);
  assert.deepEqual(await edit(channel, sent.ref, 'two'), sent);
  assert.deepEqual(await edit(channel, sent.ref, 'two'), sent);
  assert.deepEqual(
    server.messages(7).map(({ text, history }) => [text, history]),
    [['two', ['one']]],
  );
  server.chats.remove(7, Number(sent.ref));
  const gone = await edit(channel, sent.ref, 'three');
  assert.ok(!gone.ok && gone.kind === 'refused' && gone.code === 'edit_gone');
});

/** What one attempt through each fault comes to, and how many messages the person sees. */
const faults: [Fault, string, string, number][] = [
  [{ mode: 'reset' }, 'ambiguous', 'transient', 0],
  [{ mode: 'lost' }, 'ambiguous', 'transient', 1],
  [{ mode: 'late_502' }, 'ambiguous', 'transient', 1],
  [{ mode: 'cut', bytes: 8 }, 'ambiguous', 'transient', 1],
  [{ mode: 'cut', bytes: 8, reset: true }, 'ambiguous', 'transient', 1],
  [{ mode: 'garbage' }, 'ambiguous', 'transient', 0],
  [{ mode: 'status', status: 502, body: '<html></html>' }, 'ambiguous', 'transient', 0],
  [{ mode: 'status', status: 413, body: 'too large' }, 'transient', 'transient', 0],
  [{ mode: 'status', status: 200, body: 'null' }, 'ambiguous', 'transient', 0],
  [{ mode: 'trickle', bytes: 9, ms: 1 }, 'sent', 'sent', 1],
  [{ mode: 'latency', ms: 20 }, 'sent', 'sent', 1],
];
test('B-25: what may have arrived is ambiguous, and an edit can always be done again', async (t) => {
  const { server, proxy, channel } = await line(t);
  for (const [index, [fault, sendKind, editKind, shown]] of faults.entries()) {
    const name = JSON.stringify(fault);
    const conversation = channel.conversation(String(100 + index));
    proxy.next(1, fault, /sendMessage/);
    assert.equal(kindOf(await channel.send(part(channel, 'x', { conversation }), forever)), sendKind, name);
    assert.equal(server.messages(100 + index).length, shown, name);
    const sent = await channel.send(part(channel, 'y', { conversation }), forever);
    assert.ok(sent.ok, name);
    proxy.next(1, fault, /editMessageText/);
    assert.equal(kindOf(await edit(channel, sent.ref, 'z', conversation.native)), editKind, name);
  }
});

test('a wait that is told in words only is waited for, too', async (t) => {
  const { proxy, channel } = await line(t);
  const body = JSON.stringify({ ok: false, error_code: 429, description: 'Too Many Requests: retry after 37' });
  proxy.next(1, { mode: 'status', status: 429, body }, /sendMessage/);
  const limited = await channel.send(part(channel, 'x'), forever);
  assert.ok(!limited.ok && limited.kind === 'rate_limited' && limited.retryAfterMs === 37_000, JSON.stringify(limited));
});

test('nothing listening is certainly not delivered', async (t) => {
  const { proxy, channel } = await line(t);
  await proxy.refuse();
  assert.equal(kindOf(await channel.send(part(channel, 'x'), forever)), 'unreachable');
});

test('a send that is cut short from here is ambiguous once it was under way, and not before', async (t) => {
  const { server, proxy, channel } = await line(t);
  proxy.next(1, { mode: 'unanswered' }, /sendMessage/);
  const patience = new AbortController();
  const sending = channel.send(part(channel, 'x'), patience.signal);
  await server.until(() => server.messages(7).length === 1);
  patience.abort();
  assert.equal(kindOf(await sending), 'ambiguous');
  assert.equal(kindOf(await channel.send(part(channel, 'x'), patience.signal)), 'unreachable');
  assert.equal(server.messages(7).length, 1);
});

test('an attempt that is never answered ends by itself, as ambiguous', async (t) => {
  const { proxy, channel } = await line(t);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  proxy.next(1, { mode: 'unanswered' }, /sendMessage/);
  const sending = channel.send(part(channel, 'x'), forever);
  while (proxy.met.unanswered === undefined) await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(30_000);
  assert.equal(kindOf(await sending), 'ambiguous');
});

test('B-23: a limit in one chat is told exactly and leaves the others alone, and typing keeps quiet there', async (t) => {
  const { server, channel } = await line(t);
  server.chats.limit(7, 37);
  const limited = await channel.send(part(channel, 'x'), forever);
  assert.ok(!limited.ok && limited.kind === 'rate_limited' && limited.retryAfterMs === 37_000, JSON.stringify(limited));
  assert.equal(limited.scope, 'conversation');
  await channel.typing?.(channel.conversation('7'), forever);
  await channel.typing?.(channel.conversation('8'), forever);
  assert.equal(
    kindOf(await channel.send(part(channel, 'x', { conversation: channel.conversation('8') }), forever)),
    'sent',
  );
  assert.deepEqual([server.calls('sendChatAction').length, server.violations], [1, []]);
});

test('a group that moved tells where to', async (t) => {
  const { server, channel } = await line(t);
  server.migrate(-55, -10055);
  const moved = await channel.send(part(channel, 'x', { conversation: channel.conversation('-55') }), forever);
  assert.ok(!moved.ok && moved.kind === 'moved' && moved.native === '-10055');
});

test('a person who blocked the bot is told apart from a broken line', async (t) => {
  const { server, channel } = await line(t);
  server.chats.forbid(7, 403, 'Forbidden: bot was blocked by the user');
  const refused = await channel.send(part(channel, 'x'), forever);
  assert.ok(!refused.ok && refused.kind === 'refused' && refused.code === 'blocked');
});

test('the token never shows in an outcome, also when the other side repeats it', async (t) => {
  const { server, channel } = await line(t);
  server.fail(1, { mode: 'code', code: 400, description: `Bad Request: /bot${server.botToken}/sendMessage` });
  const refused = await channel.send(part(channel, 'x'), forever);
  assert.ok(!refused.ok && !JSON.stringify(refused).includes(server.botToken));
});

test('a file is fetched as it comes, and one that is gone is an error in words', async (t) => {
  const { server, channel } = await line(t);
  server.addFile('f1', Buffer.from('0123456789'));
  const file = { native: 'f1', mimeType: 'text/plain' };
  const fetched = async (native: string): Promise<string> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of channel.fetchAttachment?.({ ...file, native }, forever) ?? []) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  assert.equal(await fetched('f1'), '0123456789');
  await assert.rejects(fetched('f2'), /not to be had/);
  server.fail(1, { mode: 'code', code: 400, description: 'Bad Request: file is too big' }, 'getFile');
  await assert.rejects(fetched('f1'), { code: 'too_large' });
});

test('a chat is named by number or @name, and anything else is refused with how to write it', async (t) => {
  const { channel } = await line(t);
  assert.deepEqual(channel.conversation('@my_channel'), {
    channel: 'telegram',
    account: 'main',
    native: '@my_channel',
  });
  for (const target of ['', 'bob', '@x', '0', '-0', '1e5', '12345678901234567890', '@a b', '7 ', '../x']) {
    assert.throws(() => channel.conversation(target), { kind: 'invalid_input' }, target);
  }
  assert.throws(() => channel.conversation('7', 'general'), { kind: 'invalid_input' });
  const typeOf = (target: string): string => channel.chatType(channel.conversation(target));
  assert.deepEqual(['7', '-7', '@my_channel'].map(typeOf), ['direct', 'group', 'group']);
});
