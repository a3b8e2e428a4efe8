import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { OutboundBody, OutboundFile } from '../../../../src/core/message.ts';
import type { Channel, OutboundPart, SendOutcome } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { telegramRig } from '../../../support/telegram-rig.ts';
import { startTelegramServer } from '../../../support/telegram-server.ts';
import type { TelegramServer } from '../../../support/telegram-server.ts';

const forever = new AbortController().signal;

async function line(t: TestContext): Promise<{ server: TelegramServer; channel: Channel }> {
  const server = await startTelegramServer();
  const rig = telegramRig(server);
  t.after(async () => {
    await rig.close();
    await server.close();
  });
  return { server, channel: rig.channel };
}

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);

function carrying(channel: Channel, file: Uint8Array, described: Partial<OutboundFile>, text = ''): OutboundPart {
  const body = { ...plainText(text), file: { id: 'file_1', mimeType: 'image/png', size: file.length, ...described } };
  return { idempotencyKey: 'k', conversation: channel.conversation('7'), body, file };
}

const codeOf = (outcome: SendOutcome): string =>
  outcome.ok ? 'sent' : outcome.kind === 'refused' ? outcome.code : outcome.kind;

test('each file is sent as what people can look at or listen to, with its bytes, name and caption', async (t) => {
  const { server, channel } = await line(t);
  const kinds: [Partial<OutboundFile>, string, string][] = [
    [{ mimeType: 'image/png', name: 'a.png' }, 'photo', 'a.png'],
    [{ mimeType: 'image/gif', name: 'moving.gif' }, 'document', 'moving.gif'],
    [{ mimeType: 'audio/ogg' }, 'voice', 'file.ogg'],
    [{ mimeType: 'application/pdf', name: 'ein "Bericht" ü.pdf' }, 'document', 'ein "Bericht" ü.pdf'],
  ];
  for (const [described] of kinds) {
    const part = carrying(channel, bytes(3000), described, ' a caption 😀 ');
    assert.equal(codeOf(await channel.send({ ...part, replyTo: '33' }, forever)), 'sent');
  }
  const shown = server.messages(7);
  assert.deepEqual(
    shown.map(({ file, text, replyTo }) => [file?.kind, file?.name, text, replyTo]),
    kinds.map(([, kind, name]) => [kind, name, 'a caption 😀', 33]),
  );
  for (const { file } of shown) assert.deepEqual(file?.bytes, bytes(3000));
  assert.deepEqual(server.violations, []);
});

test('a photo that is too large or of a wrong shape goes as a document, shown once', async (t) => {
  const { server, channel } = await line(t);
  await channel.send(carrying(channel, bytes(10_000_001), {}), forever);
  server.chats.badPhotos = true;
  await channel.send(carrying(channel, bytes(100), {}, 'odd'), forever);
  assert.deepEqual(
    server.messages(7).map(({ file, text }) => [file?.kind, text]),
    [
      ['document', ''],
      ['document', 'odd'],
    ],
  );
});

test('a caption that is too long is refused by name, and the capabilities tell the limits', async (t) => {
  const { channel } = await line(t);
  assert.deepEqual(channel.capabilities.files, { maxBytes: 50_000_000, maxCaption: 1024 });
  const part = carrying(channel, bytes(10), {}, 'x'.repeat(1025));
  assert.equal(codeOf(await channel.send(part, forever)), 'too_long');
});

test('an upload whose answer is lost is ambiguous, and its caption can be edited', async (t) => {
  const { server, channel } = await line(t);
  server.fail(1, { mode: 'lost' }, 'sendPhoto');
  assert.equal(codeOf(await channel.send(carrying(channel, bytes(10), {}), forever)), 'ambiguous');
  assert.equal(server.messages(7).length, 1);
  const part = carrying(channel, bytes(10), {}, 'one');
  const sent = await channel.send(part, forever);
  assert.ok(sent.ok);
  const message = { conversation: part.conversation, native: sent.ref };
  const body = { ...part.body, text: 'two' };
  assert.deepEqual(await channel.edit?.(message, { body, final: true }, forever), sent);
  assert.deepEqual(await channel.edit?.(message, { body, final: true }, forever), sent);
  assert.equal(server.messages(7)[1]?.text, 'two');
});

const asking = (...commands: string[]): OutboundBody => ({
  ...plainText('Which?'),
  buttons: commands.map((command) => ({ label: `Do ${command}`, command })),
});

test('buttons stand under their message, and an edit without them takes them away', async (t) => {
  const { server, channel } = await line(t);
  const conversation = channel.conversation('7');
  const body = asking('/approve 1', '/deny 1', '/why 1', '/help');
  const sent = await channel.send({ idempotencyKey: 'k', conversation, body }, forever);
  assert.ok(sent.ok);
  const buttons = (): string[] => server.messages(7)[0]?.buttons ?? [];
  assert.deepEqual(buttons(), ['/approve 1', '/deny 1', '/why 1', '/help']);
  const message = { conversation, native: sent.ref };
  await channel.edit?.(message, { body: asking('/undo'), final: true }, forever);
  assert.deepEqual(buttons(), ['/undo']);
  await channel.edit?.(message, { body: plainText('Which?'), final: true }, forever);
  assert.deepEqual(buttons(), []);
});

test('a button that says more than fits does not cost the message or the other buttons', async (t) => {
  const { server, channel } = await line(t);
  const conversation = channel.conversation('7');
  const body = asking(`/x ${'ü'.repeat(40)}`, '/ok');
  assert.equal(codeOf(await channel.send({ idempotencyKey: 'k', conversation, body }, forever)), 'sent');
  assert.deepEqual(server.messages(7)[0]?.buttons, ['/ok']);
});

test('the general topic is written to without a topic, and is the chat itself', async (t) => {
  const { server, channel } = await line(t);
  assert.deepEqual(channel.conversation('-1005', '1'), channel.conversation('-1005'));
  const conversation = { ...channel.conversation('-1005'), thread: '1' };
  assert.equal(
    codeOf(await channel.send({ idempotencyKey: 'k', conversation, body: plainText('x') }, forever)),
    'sent',
  );
  assert.equal(server.messages(-1005)[0]?.threadId, null);
});

test('a draft is one draft at every change, makes no message, and is for private chats only', async (t) => {
  const { server, channel } = await line(t);
  const draft = (text: string, chat = '7', key = 'run:0'): Promise<SendOutcome> | undefined =>
    channel.draft?.({ idempotencyKey: key, conversation: channel.conversation(chat), body: plainText(text) }, forever);
  for (const text of ['Once', 'Once upon', 'Once upon a time']) assert.ok((await draft(text))?.ok);
  assert.ok((await draft('Another', '7', 'other:0'))?.ok);
  assert.deepEqual(
    server.chats.drafts.map(({ texts }) => texts),
    [['Once', 'Once upon', 'Once upon a time'], ['Another']],
  );
  assert.deepEqual(server.messages(7), []);
  const refused = await draft('x', '-5');
  assert.equal(refused && codeOf(refused), 'not_direct');
  assert.equal(server.calls('sendMessageDraft').length, 4);
  server.fail(1, { mode: 'lost' }, 'sendMessageDraft');
  const lost = await draft('y');
  assert.equal(lost && codeOf(lost), 'transient', 'a draft can always be shown again');
});
