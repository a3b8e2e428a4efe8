import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import test from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import PostalMime from 'postal-mime';
import type { Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { composeMail } from '../../../../src/adapters/channels/email/message.ts';
import { renderHtml, renderPlain } from '../../../../src/adapters/channels/email/render.ts';
import { systemClock } from '../../../../src/adapters/system/index.ts';
import type { Channel, OutboundPart } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { EmailCounterpart } from '../../../support/email-counterpart.ts';
import { recordingLog, TestSink } from '../../../support/telegram-rig.ts';

const forever = new AbortController().signal;

async function listening(t: TestContext, channel: Channel, sink = new TestSink()): Promise<TestSink> {
  const stop = new AbortController();
  const context = { signal: stop.signal, cursors: new Map(sink.cursors), clock: systemClock };
  channel.start(sink, { ...context, log: recordingLog([]) });
  t.after(async () => {
    stop.abort();
    await channel.stop(2000);
  });
  return sink;
}

const header = (mail: Email, name: string): string | undefined => mail.headers.find(({ key }) => key === name)?.value;

async function lastMail(counterpart: EmailCounterpart): Promise<Email> {
  return PostalMime.parse(counterpart.smtp.mails.at(-1)?.raw ?? '');
}

test('an answer belongs to its question: subject, In-Reply-To, References, one Message-ID per part', async (t) => {
  const counterpart = await EmailCounterpart.start();
  t.after(() => counterpart.close());
  const channel = await counterpart.channel();
  const sink = await listening(t, channel);
  await counterpart.write({
    subject: 'AW: Re: Tomorrow',
    text: 'And then?',
    messageId: '<3@people.example>',
    references: ['<1@people.example>', '<2@people.example>'],
  });
  await sink.until(() => sink.events.size === 1);
  const [event] = sink.events.values();
  assert.ok(event !== undefined);
  const { conversation, native } = event;
  const part = { idempotencyKey: 'run_1:0', conversation, replyTo: native, body: plainText('Then we go.') };
  const sent = await channel.send(part, forever);
  assert.ok(sent.ok, JSON.stringify(sent));
  const mail = await lastMail(counterpart);
  assert.equal(mail.subject, 'Re: Tomorrow');
  assert.equal(mail.inReplyTo, '<3@people.example>');
  assert.equal(mail.references, '<1@people.example> <2@people.example> <3@people.example>');
  assert.equal(mail.messageId, sent.ref);
  assert.equal(header(mail, 'auto-submitted'), 'auto-replied');
  assert.equal(mail.from?.address, 'bot@example.org');
  assert.deepEqual(await channel.send(part, forever), sent);
  const other = await channel.send({ ...part, idempotencyKey: 'run_1:1' }, forever);
  assert.ok(other.ok && other.ref !== sent.ref);
  assert.deepEqual(counterpart.smtp.violations, []);
});

test('after a restart the thread of an answer is read from the mailbox', async (t) => {
  const counterpart = await EmailCounterpart.start();
  t.after(() => counterpart.close());
  const first = await counterpart.channel();
  const sink = await listening(t, first);
  await counterpart.write({ subject: 'Long ago', text: 'x', messageId: '<1@people.example>' });
  await counterpart.write({ subject: 'Another', text: 'y', messageId: '<2@people.example>' });
  await sink.until(() => sink.events.size === 2);
  await first.stop(2000);
  const [event] = sink.events.values();
  const second = await counterpart.channel();
  await listening(t, second, sink);
  while (second.health().state !== 'connected') await new Promise((resolve) => setTimeout(resolve, 2));
  assert.ok(event !== undefined);
  const part = { idempotencyKey: 'k', conversation: event.conversation, body: plainText('Here.') };
  assert.ok((await second.send(part, forever)).ok);
  const mail = await lastMail(counterpart);
  assert.deepEqual([mail.subject, mail.inReplyTo], ['Re: Long ago', '<1@people.example>']);
});

test('a mail of our own accord begins with its first words and says that a program wrote it', async (t) => {
  const counterpart = await EmailCounterpart.start();
  t.after(() => counterpart.close());
  const channel = await counterpart.channel();
  const conversation = channel.conversation('Anna@People.Example');
  assert.equal(conversation.native, 'anna@people.example');
  const body = plainText(`Your reminder for today, which is rather long, as reminders go, and goes on\nand on`);
  assert.ok((await channel.send({ idempotencyKey: 'k', conversation, body }, forever)).ok);
  const mail = await lastMail(counterpart);
  assert.equal(mail.subject, 'Your reminder for today, which is rather long, as reminders go, and…');
  assert.equal(header(mail, 'auto-submitted'), 'auto-generated');
  assert.equal(mail.inReplyTo, undefined);
  for (const bad of ['anna', '', 'a@b\r\nRCPT TO:<c@d>', 'a@b,c@d']) assert.throws(() => channel.conversation(bad));
  assert.throws(() => channel.conversation('a@b.example', 'no-thread'));
});

test('no word of a mail can add a line to the header of its answer', async (t) => {
  const counterpart = await EmailCounterpart.start();
  t.after(() => counterpart.close());
  const channel = await counterpart.channel();
  const sink = await listening(t, channel);
  await counterpart.write({
    headers: { Subject: '=?utf-8?Q?x=0D=0ABcc:_evil@evil.example=0D=0A=0D=0Abody?=' },
    text: 'hi',
    messageId: '<1@people.example>',
  });
  await sink.until(() => sink.events.size === 1);
  const [event] = sink.events.values();
  assert.ok(event !== undefined);
  const body = {
    ...plainText('answer\r\n.\r\nRCPT TO:<evil@evil.example>\n.\n..'),
    file: { id: 'f', mimeType: 'text/plain\r\nX-Evil: 1', size: 3, name: 'a"\r\nX-Evil: 1\r\n\r\n/../b' },
  };
  const file = Buffer.from('abc');
  const sent = await channel.send({ idempotencyKey: 'k', conversation: event.conversation, body, file }, forever);
  assert.ok(sent.ok, JSON.stringify(sent));
  const taken = counterpart.smtp.mails.at(-1);
  const mail = await lastMail(counterpart);
  assert.deepEqual(taken?.to, ['anna@people.example']);
  assert.equal(header(mail, 'bcc'), undefined);
  assert.doesNotMatch(taken?.raw.toString() ?? '', /^X-Evil/m);
  assert.match(mail.subject ?? '', /^Re: x/);
  assert.equal(mail.text?.replaceAll('\r\n', '\n').trim(), 'answer\n.\nRCPT TO:<evil@evil.example>\n.\n..');
  assert.deepEqual(counterpart.smtp.violations, []);
});

test('whatever the words, the header of a mail has our lines and no others', async () => {
  const nasty = fc.array(
    fc.constantFrom('\r\n', '\n', '\r', '\u0000', '\u2028', ': ', 'Bcc', '<a@b>', '"', 'é', ' ', '😀', '\ud800', '.'),
    {
      maxLength: 30,
    },
  );
  await fc.assert(
    fc.asyncProperty(nasty, nasty, nasty, async (subject, text, name) => {
      const body = {
        ...plainText(text.join('') || 'x'),
        file: { id: 'f', mimeType: 'text/plain', size: 1, name: name.join('') },
      };
      const part: OutboundPart = {
        idempotencyKey: 'k',
        conversation: { channel: 'email', account: 'main', native: 'anna@people.example' },
        body,
        file: Buffer.from('x'),
      };
      const answered = { messageId: '<1@x.example>', references: [], subject: subject.join('') };
      const frame = { from: 'bot@example.org', messageId: '<2@example.org>', answered, now: 0 };
      const { headers, attachments } = await PostalMime.parse(await composeMail(part, frame));
      const expected = ['from', 'to', 'subject', 'message-id', 'date', 'in-reply-to', 'references', 'auto-submitted'];
      const names = [...expected, 'x-auto-response-suppress', 'mime-version', 'content-type'];
      assert.deepEqual(
        headers.map(({ key }) => key).filter((key) => !names.includes(key)),
        [],
      );
      assert.equal(attachments.length, 1);
    }),
    { numRuns: 200 },
  );
});

test('the HTML form shows every word, runs nothing, loads nothing, and its links go only where links may go', () => {
  const markdown = createMarkdown();
  const html = renderHtml(
    markdown.parse(
      '**b** [x](https://a.example/?q="><script>) <img src=x onerror=y> ![p](http://t.example/p.gif) `<i>`',
    ),
  );
  assert.doesNotMatch(html, /<(script|img|i)\b/i);
  const link = (url: string): string =>
    renderHtml({ text: 'x', spans: [{ style: 'link', offset: 0, length: 1, url }] });
  assert.match(link('https://a.example/b'), /href="https:\/\/a\.example\/b"/);
  for (const url of ['javascript:alert(1)', 'data:text/html,x', 'https://a.example/"onclick="x', ' https://x', ''])
    assert.match(link(url), /href="#"/, url);
  const linked = {
    text: 'see this',
    spans: [{ style: 'link' as const, offset: 4, length: 4, url: 'https://a.example/' }],
  };
  assert.equal(renderPlain(linked), 'see this <https://a.example/>');
});

test('an attempt that takes too long is ambiguous only when the mail may have been taken', async (t) => {
  const counterpart = await EmailCounterpart.start();
  t.after(() => counterpart.close());
  const channel = await counterpart.channel();
  const part = { idempotencyKey: 'k', conversation: channel.conversation('a@people.example'), body: plainText('x') };
  const gone = await channel.send(part, AbortSignal.abort());
  assert.ok(!gone.ok && gone.kind === 'unreachable', JSON.stringify(gone));
  counterpart.smtp.faults.push({ at: 'mail', cut: 'lost' });
  const early = await channel.send(part, forever);
  assert.ok(!early.ok && early.kind === 'transient', JSON.stringify(early));
  counterpart.smtp.faults.push({ at: 'end', cut: 'lost' });
  const late = await channel.send(part, forever);
  assert.ok(!late.ok && late.kind === 'ambiguous', JSON.stringify(late));
});

test('a relay that asks for no password gets none, and one without the lookup folder claims none', async (t) => {
  const counterpart = await EmailCounterpart.start({ sentFolder: null });
  t.after(() => counterpart.close());
  counterpart.smtp.options.auth = false;
  const channel = await counterpart.channel();
  assert.equal(channel.capabilities.idempotentSend, 'none');
  const part = { idempotencyKey: 'k', conversation: channel.conversation('a@people.example'), body: plainText('x') };
  const sent = await channel.send(part, forever);
  assert.ok(sent.ok, JSON.stringify(sent));
  assert.equal(await channel.findSent?.(part, forever), null);
});

interface Hoodiecrow {
  server: { address(): AddressInfo; close(done: () => void): void };
  listen(port: number, done: () => void): void;
  appendMessage(folder: string, flags: string[], date: false, raw: string): void;
}

test('a mail goes in and its answer goes out through servers that others wrote', async (t) => {
  const require = createRequire(import.meta.url);
  const hoodiecrow = require('hoodiecrow-imap') as (options: object) => Hoodiecrow;
  const password = 'correct-horse-battery';
  const imap = hoodiecrow({
    plugins: ['IDLE', 'SASL-IR', 'AUTH-PLAIN', 'ID', 'NAMESPACE'],
    users: { 'bot@example.org': { password } },
    storage: { INBOX: { messages: [] }, '': {} },
  });
  await new Promise<void>((resolve) => imap.listen(0, resolve));
  const taken: string[] = [];
  const smtp = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: (auth, _session, done) =>
      auth.password === password ? done(null, { user: auth.username }) : done(new Error('no')),
    onData(stream, _session, done) {
      let raw = '';
      stream.on('data', (chunk: Buffer) => (raw += chunk.toString()));
      stream.on('end', () => {
        taken.push(raw);
        done();
      });
    },
  });
  const listener = smtp.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const counterpart = await EmailCounterpart.start();
  t.after(async () => {
    await counterpart.close();
    await new Promise<void>((resolve) => smtp.close(() => resolve()));
    imap.server.close(() => undefined);
  });
  const channel = await counterpart.channel({
    imap: { host: '127.0.0.1', port: imap.server.address().port, tls: 'none' },
    smtp: { host: '127.0.0.1', port: (listener.address() as AddressInfo).port, tls: 'none' },
    password: new Secret(password),
  });
  const sink = await listening(t, channel);
  while (channel.health().state !== 'connected') await new Promise((resolve) => setTimeout(resolve, 2));
  const raw =
    'From: Anna <anna@people.example>\r\nSubject: Hello\r\nMessage-ID: <1@people.example>\r\n\r\nAre you there?';
  imap.appendMessage('INBOX', [], false, raw);
  await sink.until(() => sink.events.size === 1);
  assert.deepEqual(sink.texts(), ['Hello\n\nAre you there?']);
  const [event] = sink.events.values();
  assert.ok(event !== undefined);
  const part = { idempotencyKey: 'k', conversation: event.conversation, body: plainText('Yes.') };
  const sent = await channel.send(part, forever);
  assert.ok(sent.ok, JSON.stringify(sent));
  assert.match(taken.join(), /^Subject: Re: Hello\r?$/m);
});
