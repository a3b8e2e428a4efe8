/** Which mails are answered, what they belong to, and what becomes of attempts to answer. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { addressProblem, plainAddress } from '../../../../src/adapters/channels/email/address.ts';
import { automaticReason, SenderBreaker } from '../../../../src/adapters/channels/email/automatic.ts';
import { advance, readCursor, writeCursor } from '../../../../src/adapters/channels/email/cursor.ts';
import { endpointOf, endpointProblem } from '../../../../src/adapters/channels/email/endpoint.ts';
import { readHeaders, writerOf } from '../../../../src/adapters/channels/email/headers.ts';
import type { Headers } from '../../../../src/adapters/channels/email/headers.ts';
import { failedOutcome } from '../../../../src/adapters/channels/email/outcome.ts';
import type { SmtpResult } from '../../../../src/adapters/channels/email/smtp.ts';
import { contentsOf } from '../../../../src/adapters/channels/email/structure.ts';
import type { Outline } from '../../../../src/adapters/channels/email/structure.ts';
import { digest, ownMessageId, threadingOf } from '../../../../src/adapters/channels/email/threads.ts';

const headers = (lines: string[]): Promise<Headers> => readHeaders(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));

test('the sender is the one plain address behind From, or nobody', async () => {
  const writer = async (...lines: string[]): Promise<string | undefined> => writerOf(await headers(lines))?.address;
  assert.equal(await writer('From: "Anna, A." <Anna@People.Example>'), 'anna@people.example');
  assert.equal(await writer('From: anna@people.example'), 'anna@people.example');
  assert.equal(await writer('From: =?utf-8?q?bot=40example=2Eorg?= <evil@evil.example>'), 'evil@evil.example');
  assert.equal(await writer('From: "anna@people.example" <evil@evil.example>'), 'evil@evil.example');
  for (const lines of [
    [],
    ['From: Anna'],
    ['From: anna@people.example, evil@evil.example'],
    ['From: anna@people.example', 'From: evil@evil.example'],
    ['From: =?utf-8?q?anna=40people=2Eexample?='],
    ['From: anna@people.example@evil.example'],
    ['From: Team: anna@people.example, evil@evil.example;'],
    ['From: <>'],
  ]) {
    assert.equal(await writer(...lines), undefined, lines.join());
  }
});

test('ids are addresses in their plain form', () => {
  assert.equal(plainAddress(' Anna+x@People.Example '), 'anna+x@people.example');
  for (const bad of [
    '',
    'anna',
    '@x',
    'a@',
    'a b@c',
    'a@b\r\nBcc: c@d',
    'a@b,c@d',
    '<a@b>',
    `${'a'.repeat(250)}@b.example`,
  ])
    assert.equal(plainAddress(bad), null, bad);
  assert.match(addressProblem('anna') ?? '', /no|not/);
});

test('mail of programs is told apart from mail of people', async () => {
  for (const line of [
    'Auto-Submitted: auto-replied',
    'Auto-Submitted: auto-generated; x=y',
    'Precedence: bulk',
    'Precedence: auto_reply',
    'List-Id: <news.example>',
    'X-Auto-Response-Suppress: All',
    'X-Autoreply: yes',
    'Return-Path: <>',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=x',
  ]) {
    assert.notEqual(automaticReason(await headers([line]), 'anna@people.example'), null, line);
  }
  const ordinary = await headers([
    'Auto-Submitted: no',
    'Precedence: first-class',
    'Return-Path: <anna@people.example>',
  ]);
  assert.equal(automaticReason(ordinary, 'anna@people.example'), null);
  for (const from of ['mailer-daemon@x.example', 'no-reply@x.example', 'noreply+1@x.example', 'postmaster@x.example'])
    assert.notEqual(automaticReason(ordinary, from), null, from);
  assert.equal(automaticReason(ordinary, 'noreen@x.example'), null);
});

test('a loop without any mark ends when one sender writes too much, and other senders are not held up', () => {
  const breaker = new SenderBreaker();
  for (let n = 0; n < 60; n++) {
    assert.equal(breaker.isOpen('a@x.example', n), false);
    breaker.note('a@x.example', n);
  }
  assert.equal(breaker.isOpen('a@x.example', 100), true);
  assert.equal(breaker.isOpen('b@x.example', 100), false);
  assert.equal(breaker.isOpen('a@x.example', 3_700_000), false);
  for (let n = 0; n < 1500; n++) breaker.note(`c${n}@x.example`, 100);
  assert.equal(breaker.isOpen('a@x.example', 100), false);
});

test('a thread is named by its first mail, through answers of ours and programs that keep one reference only', async () => {
  const threading = async (...lines: string[]) => threadingOf(await headers(lines), 'example.org', '<f@x>', 's');
  const root = digest('<root@x>');
  assert.equal((await threading('Message-ID: <root@x>')).thread, root);
  assert.equal((await threading('Message-ID: <2@x>', 'References: <root@x> <1@x>', 'In-Reply-To: <1@x>')).thread, root);
  const ours = ownMessageId('key', root, 'example.org');
  assert.equal((await threading('Message-ID: <3@x>', `In-Reply-To: ${ours}`)).thread, root);
  const forged = ours.replace('example.org', 'evil.example');
  assert.notEqual((await threading('Message-ID: <3@x>', `In-Reply-To: ${forged}`)).thread, root);
  const unasked = ownMessageId('key', undefined, 'example.org');
  assert.equal((await threading('Message-ID: <4@x>', `In-Reply-To: ${unasked}`)).thread, undefined);
  assert.equal((await threading('Subject: no id at all')).thread, digest('<f@x>'));
  const many = Array.from({ length: 5000 }, (_, n) => `<${n}@x>`).join(' ');
  assert.ok((await threading(`References: ${many}`)).references.length <= 101);
});

test('a Message-ID of ours is the same for the same part and no other', () => {
  assert.equal(ownMessageId('k', 't', 'd.example'), ownMessageId('k', 't', 'd.example'));
  assert.notEqual(ownMessageId('k', 't', 'd.example'), ownMessageId('l', 't', 'd.example'));
});

test('the cursor survives as text, never goes back, and a rubbish one begins anew without answering old mail', () => {
  const first = readCursor(undefined, 1_000_000_000);
  assert.deepEqual(first, { uidValidity: '', uid: 0, since: 999_880_000 });
  const next = advance(first, '7', [{ uid: 5, receivedAt: 2_000_000_000 }], 3_000_000_000);
  assert.deepEqual(readCursor(writeCursor(next), 0), next);
  assert.equal(next.since, 2_000_000_000 - 7 * 86_400_000 > first.since ? next.since : first.since);
  assert.equal(advance(next, '7', [{ uid: 3, receivedAt: 0 }], 3_000_000_000).uid, 5);
  assert.equal(advance(next, '8', [{ uid: 3, receivedAt: 0 }], 3_000_000_000).uid, 3);
  assert.ok(advance(next, '7', [{ uid: 6, receivedAt: 9e12 }], 3_000_000_000).since <= 3_000_000_000);
  for (const rubbish of ['', 'x', '1:2', '1:2:3:4', '1:-2:3']) assert.equal(readCursor(rubbish, 5).uid, 0);
});

test('servers are talked to under TLS unless they are on this machine', () => {
  assert.deepEqual(endpointOf('imaps://mail.example.org'), { host: 'mail.example.org', port: 993, tls: 'implicit' });
  assert.deepEqual(endpointOf('smtp://mail.example.org:587'), { host: 'mail.example.org', port: 587, tls: 'starttls' });
  assert.deepEqual(endpointOf('imap://127.0.0.1:1143'), { host: '127.0.0.1', port: 1143, tls: 'none' });
  assert.deepEqual(endpointOf('smtp://[::1]:25'), { host: '::1', port: 25, tls: 'none' });
  assert.equal(endpointProblem('imap', 'imaps://mail.example.org'), null);
  for (const bad of [
    'mail.example.org',
    'https://x',
    'smtps://x',
    'imaps://u:p@x',
    'imaps://x/INBOX',
    'imaps://169.254.169.254',
  ])
    assert.notEqual(endpointProblem('imap', bad), null, bad);
});

test('words and files are told apart in the outline, and a bomb of an outline is cut short', () => {
  const plain: Outline = { part: '1', type: 'text/plain', parameters: { charset: 'iso-8859-1' }, encoding: 'BASE64' };
  const html: Outline = { part: '2', type: 'text/html' };
  const alternative: Outline = { type: 'multipart/alternative', childNodes: [plain, html] };
  const pdf: Outline = {
    part: '3',
    type: 'application/pdf',
    disposition: 'attachment',
    dispositionParameters: { filename: '../../etc/passwd\u0000.pdf' },
    encoding: 'base64',
    size: 7800,
  };
  const { texts, files } = contentsOf({ type: 'multipart/mixed', childNodes: [alternative, pdf] });
  assert.deepEqual(
    texts.map(({ part, kind, charset, encoding }) => [part, kind, charset, encoding]),
    [['1', 'plain', 'iso-8859-1', 'BASE64']],
  );
  assert.deepEqual(files, [{ part: '3', mimeType: 'application/pdf', size: 5700, name: 'passwd.pdf' }]);
  assert.deepEqual(
    contentsOf({ type: 'multipart/alternative', childNodes: [html] }).texts.map(({ kind }) => kind),
    ['html'],
  );
  const attached: Outline = { ...plain, disposition: 'attachment' };
  assert.deepEqual([contentsOf(attached).texts.length, contentsOf(attached).files.length], [0, 1]);
  const injected: Outline = { type: 'text/plain', parameters: { charset: 'x\r\nBcc: a' }, encoding: '7bit\r\nX: y' };
  assert.deepEqual(contentsOf(injected).texts[0], {
    part: '1',
    kind: 'plain',
    charset: 'utf-8',
    encoding: '7bit',
    flowed: false,
    delSp: false,
  });
  let bomb: Outline = plain;
  for (let depth = 0; depth < 5000; depth++) bomb = { type: 'multipart/mixed', childNodes: [bomb] };
  assert.deepEqual(contentsOf(bomb), { texts: [], files: [] });
  const wide = contentsOf({ type: 'multipart/mixed', childNodes: Array.from({ length: 5000 }, () => pdf) });
  assert.equal(wide.files.length, 20);
});

test('every end of a transaction has its one meaning', () => {
  const failure = (part: Partial<Exclude<SmtpResult, { ok: true }>>) =>
    failedOutcome({ ok: false, phase: 'envelope', status: null, code: '', detail: 'words', ...part });
  const table: [Parameters<typeof failure>[0], string, string?][] = [
    [{ phase: 'connect', code: 'ECONNREFUSED' }, 'unreachable'],
    [{ phase: 'connect', code: 'ETIMEDOUT' }, 'unreachable'],
    [{ phase: 'connect', status: 554, detail: '554 no service here' }, 'transient'],
    [{ phase: 'connect', code: 'ETLS', detail: 'self-signed certificate' }, 'refused', 'bad_token'],
    [{ phase: 'connect', code: 'ETLS', detail: 'socket disconnected before secure TLS' }, 'transient'],
    [{ phase: 'login', status: 535, code: 'EAUTH' }, 'refused', 'bad_token'],
    [{ phase: 'login', status: 454, detail: '454 4.7.0 temporary' }, 'transient'],
    [{ phase: 'envelope', status: 530 }, 'refused', 'bad_token'],
    [{ phase: 'envelope', status: 421 }, 'rate_limited'],
    [{ phase: 'envelope', status: 450 }, 'rate_limited'],
    [{ phase: 'envelope', status: 451, detail: '451 4.7.1 greylisted' }, 'rate_limited'],
    [{ phase: 'envelope', status: 451, detail: '451 4.3.0 broken' }, 'transient'],
    [{ phase: 'envelope', status: 452 }, 'transient'],
    [{ phase: 'envelope', status: 550, detail: '550 5.1.1 unknown' }, 'refused', 'no_such_address'],
    [{ phase: 'envelope', code: 'ECONNECTION' }, 'transient'],
    [{ phase: 'envelope', code: 'EENVELOPE' }, 'refused', 'bad_address'],
    [{ phase: 'data', status: 552 }, 'refused', 'too_long'],
    [{ phase: 'data', status: 554, detail: '554 5.7.1 spam' }, 'refused', 'rejected'],
    [{ phase: 'data', status: 451 }, 'transient'],
    [{ phase: 'data', code: 'ECONNECTION' }, 'ambiguous'],
    [{ phase: 'data', code: 'ABORTED' }, 'ambiguous'],
  ];
  for (const [part, kind, code] of table) {
    const outcome = failure(part);
    assert.ok(!outcome.ok);
    assert.equal(outcome.kind, kind, JSON.stringify(part));
    if (code !== undefined) assert.equal(outcome.kind === 'refused' && outcome.code, code, JSON.stringify(part));
  }
});
