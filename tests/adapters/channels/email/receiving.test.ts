import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import tls from 'node:tls';
import type { EmailChannelOptions } from '../../../../src/adapters/channels/email/index.ts';
import type { Channel } from '../../../../src/core/ports/channel.ts';
import { EmailCounterpart } from '../../../support/email-counterpart.ts';
import type { ImapServerOptions } from '../../../support/imap-server.ts';
import { HurriedClock, recordingLog, TestSink } from '../../../support/telegram-rig.ts';
import { valid } from '../../http-client/certificates.ts';

interface Rig {
  counterpart: EmailCounterpart;
  channel: Channel;
  sink: TestSink;
  log: string[];
  /** Resolves when health says so. */
  state: (state: string, detail?: RegExp) => Promise<void>;
}

const day = 86_400_000;

async function rig(
  t: TestContext,
  options: Partial<EmailChannelOptions> = {},
  server: Partial<ImapServerOptions> = {},
  before: (counterpart: EmailCounterpart) => Promise<unknown> = () => Promise.resolve(),
): Promise<Rig> {
  const counterpart = await EmailCounterpart.start(options, server);
  t.after(() => counterpart.close());
  await before(counterpart);
  return listen(t, counterpart);
}

async function listen(
  t: TestContext,
  counterpart: EmailCounterpart,
  sink = new TestSink(),
  options: Partial<EmailChannelOptions> = {},
): Promise<Rig> {
  const channel = await counterpart.channel(options);
  const log: string[] = [];
  const stop = new AbortController();
  // Backoffs and watchdogs pass in a hundredth of their time.
  const context = { signal: stop.signal, cursors: new Map(sink.cursors), clock: new HurriedClock() };
  channel.start(sink, { ...context, log: recordingLog(log) });
  t.after(async () => {
    stop.abort();
    await channel.stop(2000);
  });
  return {
    counterpart,
    channel,
    sink,
    log,
    async state(state, detail = /^/) {
      const giveUp = performance.now() + 60_000;
      while (channel.health().state !== state || !detail.test(channel.health().detail)) {
        if (performance.now() > giveUp) throw new Error(`still ${JSON.stringify(channel.health())}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
  };
}

test('mail from before the first start is never answered, whatever becomes of the numbering', async (t) => {
  const { counterpart, sink } = await rig(t, {}, {}, async (platform) => {
    await platform.write({ text: 'years old', receivedAt: new Date(Date.now() - 1000 * day) });
    await platform.write({ text: 'of this morning', receivedAt: new Date(Date.now() - 3_600_000) });
  });
  await counterpart.write({ text: 'new' });
  await sink.until(() => sink.events.size === 1);
  // Somebody moves an old mail into the folder: its number is new, it is not.
  await counterpart.write({ text: 'put back', receivedAt: new Date(Date.now() - 1000 * day) });
  counterpart.imap.renumber();
  counterpart.imap.drop('reset');
  await counterpart.write({ text: 'newer' });
  await sink.until(() => sink.events.size === 2);
  assert.deepEqual(sink.texts(), ['new', 'newer']);
  assert.deepEqual(counterpart.imap.violations, []);
});

test('a mailbox that was numbered anew is read again and gives nothing twice', async (t) => {
  const { counterpart, sink } = await rig(t);
  for (const text of ['one', 'two', 'three']) await counterpart.write({ text });
  await sink.until(() => sink.events.size === 3);
  const before = sink.cursors.get('inbox');
  counterpart.imap.renumber();
  counterpart.imap.drop('bye');
  await counterpart.write({ text: 'four' });
  await sink.until(() => sink.events.size === 4);
  assert.deepEqual(sink.texts(), ['one', 'two', 'three', 'four']);
  assert.notEqual(sink.cursors.get('inbox')?.split(':')[0], before?.split(':')[0]);
});

test('a mail is marked as seen only after its commit', async (t) => {
  const { counterpart, sink, state } = await rig(t);
  await state('connected');
  sink.broken = 2;
  const held = Promise.withResolvers<void>();
  sink.held = held.promise;
  await counterpart.write({ text: 'keep me' });
  await sink.until(() => sink.commits === 2);
  const flags = (): string[] => [...(counterpart.imap.folder('INBOX').mails[0]?.flags ?? [])];
  assert.deepEqual(flags(), []);
  held.resolve();
  await state('degraded', /cannot be stored/);
  await sink.until(() => sink.events.size === 1);
  while (flags().length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.deepEqual(flags(), ['\\Seen']);
});

test('a forged sender is turned away and said so; with the rule switched off it is believed', async (t) => {
  const forged = 'mx.example.org; spf=pass smtp.mailfrom=evil.example; dmarc=fail header.from=people.example';
  const { counterpart, sink } = await rig(t);
  await counterpart.write({ text: 'let me in', authenticated: forged });
  await counterpart.write({ text: 'genuine' });
  await sink.until(() => sink.events.size === 1);
  assert.deepEqual(sink.texts(), ['genuine']);
  assert.match(sink.malformedDetails.join(), /not proved that anna@people\.example wrote it \(dmarc=fail\)/);
  const lenient = await rig(t, { requireAuthentication: false });
  await lenient.counterpart.write({ text: 'believed', authenticated: forged });
  await lenient.sink.until(() => lenient.sink.events.size === 1);
});

test('a server that says nothing of senders is named in health and log; with a trusted name its mail is turned away', async (t) => {
  const { counterpart, sink, state, log } = await rig(t);
  await counterpart.write({ text: 'who knows', authenticated: null });
  await sink.until(() => sink.events.size === 1);
  await state('connected', /does not say whether senders are genuine/);
  assert.ok(log.some((line) => line.includes('a forged one would be believed')));
  const strict = await rig(t, { authservId: 'mx.example.org' });
  await strict.counterpart.write({ text: 'no proof', authenticated: null });
  await strict.counterpart.write({ text: 'proof' });
  await strict.sink.until(() => strict.sink.events.size === 1);
  assert.deepEqual(strict.sink.texts(), ['proof']);
});

test('our own mail is passed over and mail of programs is told as such, so that no loop begins', async (t) => {
  const { counterpart, sink } = await rig(t);
  await counterpart.write({ from: 'bot@example.org', text: 'myself' });
  await counterpart.write({ text: 'I am away', headers: { 'Auto-Submitted': 'auto-replied' } });
  await counterpart.write({ text: 'from a person' });
  await sink.until(() => sink.events.size === 2);
  const [away, person] = [...sink.events.values()];
  assert.deepEqual([away?.sender.isBot, away?.text, person?.sender.isBot], [true, '', false]);
});

test('one sender that writes without end is not answered any more, and another one is', async (t) => {
  const { counterpart, sink, log } = await rig(t);
  for (let n = 0; n < 90; n++) await counterpart.write({ text: `again ${n}` });
  await counterpart.write({ from: 'ben@people.example', text: 'and me?' });
  await sink.until(() => sink.texts().includes('and me?'));
  assert.ok(sink.events.size >= 61 && sink.events.size <= 81, String(sink.events.size));
  assert.ok(log.some((line) => line.includes('writes too much')));
});

test('nobody is silenced by automatic mail that others forge in their name', async (t) => {
  const forged = {
    authenticated: 'mx.example.org; spf=pass smtp.mailfrom=evil.example; dmarc=fail header.from=people.example',
    headers: { 'Auto-Submitted': 'auto-replied' },
  };
  const { counterpart, sink } = await rig(t);
  for (let n = 0; n < 90; n++) await counterpart.write({ text: `away ${n}`, ...forged });
  await counterpart.write({ text: 'it is really me' });
  await counterpart.write({ from: 'ben@people.example', text: 'and me' });
  await sink.until(() => sink.texts().includes('and me'));
  assert.ok(sink.texts().includes('it is really me'));
});

test('without IDLE the mailbox is looked at every so often', async (t) => {
  const { counterpart, sink, state } = await rig(t, { pollMs: 2000 }, { idle: false });
  await state('connected');
  await counterpart.write({ text: 'found by looking' });
  await sink.until(() => sink.events.size === 1);
  assert.ok(!counterpart.imap.commands.includes('IDLE'));
});

test('a server that falls silent is given up, and what came meanwhile is not lost', async (t) => {
  const { counterpart, sink, state } = await rig(t, { pollMs: 2000 });
  await state('connected');
  counterpart.imap.silent = true;
  await counterpart.write({ text: 'behind the silence' });
  await state('degraded', /silent for 90 s/);
  counterpart.imap.silent = false;
  await sink.until(() => sink.events.size === 1);
  await state('connected');
});

test('a refused login is fatal, speaks of app passwords, shows no secret, and may yet be accepted', async (t) => {
  const { counterpart, channel, state, log } = await rig(t, {}, {}, (platform) => {
    platform.imap.refusal = 'NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)';
    return Promise.resolve();
  });
  await state('fatal', /app password.*password/);
  const words = `${log.join()}${JSON.stringify(channel.health())}`;
  for (const secret of counterpart.secrets) assert.ok(!words.includes(secret));
  counterpart.imap.refusal = null;
});

test('a server that is merely busy at login is tried again', async (t) => {
  const { counterpart, state } = await rig(t, {}, {}, (platform) => {
    platform.imap.refusal = 'NO [UNAVAILABLE] too many connections';
    return Promise.resolve();
  });
  await state('degraded', /too many connections/);
  counterpart.imap.refusal = null;
  await state('connected');
});

test('a folder that is not there is fatal and named', async (t) => {
  const { state } = await rig(t, { folder: 'Assistant' });
  await state('fatal', /folder "Assistant" cannot be opened.*folder/);
});

test('a mail that breaks the connection again and again is passed over, and those behind it arrive', async (t) => {
  const { counterpart, sink } = await rig(t, {}, {}, async (platform) => {
    await platform.write({ text: 'one' });
    platform.imap.poison = await platform.write({ text: 'poison' });
    await platform.write({ text: 'three' });
  });
  await sink.until(() => sink.texts().includes('three'));
  assert.deepEqual(sink.texts(), ['one', 'three']);
  assert.deepEqual(sink.malformedDetails, [`mail ${counterpart.imap.poison} cannot be read and is passed over`]);
});

test('a certificate nobody vouches for, or none at all, ends the attempt before the password is sent', async (t) => {
  for (const mode of ['implicit', 'starttls', null] as const) {
    const counterpart = await EmailCounterpart.start({}, mode === null ? {} : { tls: { ...valid, mode } });
    t.after(() => counterpart.close());
    const imap = { host: 'localhost', port: counterpart.imap.port, tls: mode ?? 'starttls' } as const;
    const { state } = await listen(t, counterpart, new TestSink(), { imap });
    await state('degraded', mode === null ? /cannot be protected.*STARTTLS/ : /cannot be protected.*SELF_SIGNED/);
    assert.ok(!counterpart.imap.commands.some((name) => /LOGIN|AUTH/.test(name)));
  }
});

test('a certificate that is vouched for is accepted, from the first byte or after STARTTLS', async (t) => {
  const usual = tls.getCACertificates();
  tls.setDefaultCACertificates([...usual, valid.cert]);
  t.after(() => tls.setDefaultCACertificates(usual));
  for (const mode of ['implicit', 'starttls'] as const) {
    const counterpart = await EmailCounterpart.start({}, { tls: { ...valid, mode } });
    t.after(() => counterpart.close());
    const imap = { host: 'localhost', port: counterpart.imap.port, tls: mode };
    const smtp = { host: 'localhost', port: counterpart.smtp.port, tls: mode };
    const { state, channel, sink } = await listen(t, counterpart, new TestSink(), { imap, smtp });
    await state('connected');
    await counterpart.say('under cover');
    await sink.until(() => sink.events.size === 1);
    const body = { text: 'an answer', spans: [] };
    const part = { idempotencyKey: 'k', conversation: counterpart.conversation(), body };
    const sent = await channel.send(part, new AbortController().signal);
    assert.ok(sent.ok, JSON.stringify(sent));
  }
});

test('subject, plain and HTML words, charset and files of a mail arrive as its reader sees them', async (t) => {
  const { counterpart, sink } = await rig(t);
  await counterpart.write({
    subject: 'Grüße aus Köln',
    text: 'Was steht im Anhang? 😀\n\n-- \nAnna',
    html: '<p>not this</p>',
    file: Buffer.from('bytes'),
  });
  await counterpart.write({
    from: 'ben@people.example',
    html: '<p>Only <b>HTML</b></p><img src="http://x.example/p.gif">',
  });
  await counterpart.write({
    subject: 'Re: x',
    text: 'Yes.\n\nOn 21.11.2026 Bot wrote:\n> Sure?',
    references: ['<1@x>'],
  });
  await counterpart.write({ subject: 'Stop it', text: '/stop' });
  await sink.until(() => sink.events.size === 4);
  assert.deepEqual(sink.texts(), ['Grüße aus Köln\n\nWas steht im Anhang? 😀', 'Only HTML', 'Yes.', '/stop']);
  const [first] = sink.events.values();
  assert.deepEqual(
    first?.attachments.map(({ mimeType, name }) => [mimeType, name]),
    [['application/octet-stream', 'notes.bin']],
  );
});

test('a file of a mailbox that was numbered anew is refused rather than mistaken for another', async (t) => {
  const { counterpart, sink, channel, state } = await rig(t);
  await counterpart.write({ text: 'see', file: Buffer.from('bytes') });
  await sink.until(() => sink.events.size === 1);
  const [attachment] = [...sink.events.values()][0]?.attachments ?? [];
  assert.ok(attachment !== undefined && channel.fetchAttachment !== undefined);
  counterpart.imap.renumber();
  counterpart.imap.drop('reset');
  await state('degraded');
  await state('connected');
  const bytes = channel.fetchAttachment(attachment, new AbortController().signal);
  await assert.rejects(async () => {
    for await (const _ of bytes) assert.fail('there are none');
  }, /numbered anew/);
});
