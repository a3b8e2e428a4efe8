import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import * as fc from 'fast-check';
import { convert, decode, decodeStream, encode } from '../../../../src/adapters/channels/email/charsets.ts';

test('folder names are written as IMAP wants them', () => {
  for (const [name, written] of [
    ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'], // the example of RFC 3501
    ['Entwürfe', 'Entw&APw-rfe'],
    ['Q&A', 'Q&-A'],
    ['INBOX', 'INBOX'],
    ['😀', '&2D3eAA-'],
  ] as const) {
    assert.equal(encode(name, 'utf-7-imap').toString(), written);
    assert.equal(decode(Buffer.from(written), 'utf-7-imap'), name);
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const written = encode(name, 'utf-7-imap');
      assert.match(written.toString(), /^[\u0020-\u007e]*$/);
      assert.equal(decode(written, 'utf-7-imap'), name);
    }),
  );
});

test('charsets of old mail are read, also in pieces, and an unknown one leaves what is ASCII', async () => {
  assert.equal(decode(Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65]), 'ISO-8859-1'), 'Grüße');
  assert.equal(decode(Buffer.from('\u001b$BF|K\\8l\u001b(B', 'latin1'), 'iso-2022-jp'), '日本語');
  assert.equal(convert(Buffer.from([0x93, 0xfa, 0x96, 0x7b]), { from: 'SJIS' }), '日本');
  assert.equal(decode(Buffer.from('plain'), 'x-nobody-knows'), 'plain');
  const pieces = [...Buffer.from('Grüße 😀')].map((byte) => Buffer.from([byte]));
  const whole = await buffer(Readable.from(pieces).pipe(decodeStream('utf-8')));
  assert.equal(whole.toString(), 'Grüße 😀');
});
