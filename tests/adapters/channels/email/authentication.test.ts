import assert from 'node:assert/strict';
import test from 'node:test';
import { authenticity } from '../../../../src/adapters/channels/email/authentication.ts';

const from = 'anna@people.example';
const verdict = (headers: string[], trusted: string | null = null, of = from): string =>
  authenticity({ headers, from: of, trusted }).verdict;

test('what Gmail, Microsoft and Postfix write of a genuine mail is understood', () => {
  for (const header of [
    'mx.google.com; dkim=pass header.i=@people.example header.s=s1 header.b=abc; spf=pass (google.com: domain of anna@people.example designates 192.0.2.1 as permitted sender) smtp.mailfrom=anna@people.example; dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=people.example',
    'spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=people.example; dkim=pass (signature was verified) header.d=people.example;dmarc=pass action=none header.from=people.example;compauth=pass reason=100',
    'mail.example.org; dmarc=pass (p=reject dis=none) header.from=people.example',
    'mail.example.org 1; dkim=pass (2048-bit key; unprotected) header.d=people.example header.i=@people.example',
    'mail.example.org; auth=pass smtp.auth=anna@people.example smtp.mailfrom=anna@people.example',
    'mail.example.org; spf=pass smtp.mailfrom="bounce@news.people.example"',
    'mail.example.org; DKIM = PASS header.d=People.Example',
  ]) {
    assert.equal(verdict([header]), 'genuine', header);
  }
});

test('a mail that failed, or was checked for another domain only, is doubtful', () => {
  for (const header of [
    'mx.google.com; dmarc=fail (p=NONE) header.from=people.example',
    // A pass of the forger's own domain.
    'mx.google.com; spf=pass smtp.mailfrom=evil.example; dkim=pass header.d=evil.example; dmarc=fail header.from=people.example',
    'mx.google.com; spf=pass smtp.mailfrom=evil.example; dkim=pass header.d=evil.example',
    'mx.google.com; dmarc=pass header.from=evil.example',
    'mx.google.com; dkim=pass header.d=notpeople.example',
    'mx.google.com; dkim=pass header.d=example',
    'mx.google.com; spf=softfail smtp.mailfrom=people.example',
    'mx.google.com; none',
    'mx.google.com; auth=pass smtp.auth=mallory@people.example',
    '',
  ]) {
    assert.equal(verdict([header]), 'doubtful', header);
  }
});

test('words inside comments and quotes are no results', () => {
  for (const header of [
    'mx.example; spf=fail (dmarc=pass header.from=people.example) smtp.mailfrom=evil.example',
    'mx.example; spf=fail ("; dmarc=pass header.from=people.example;") smtp.mailfrom=evil.example',
    'mx.example; spf=fail smtp.mailfrom="x; dmarc=pass header.from=people.example"',
    'mx.example; spf=fail smtp.mailfrom="x dmarc=pass"; dkim=none',
    'mx.example; spf=fail (((( dmarc=pass',
    'mx.example; dkim=pass header.d=evil.example header.d=people.example',
  ]) {
    assert.equal(verdict([header]), 'doubtful', header);
  }
});

test('a header that the sender brought along stands below and does not count', () => {
  const forged = 'mx.example.org; dmarc=pass header.from=people.example';
  assert.equal(verdict(['mx.example.org; dmarc=fail header.from=people.example', forged]), 'doubtful');
  assert.equal(verdict(['mx.example.org; spf=none', forged]), 'doubtful');
});

test('with a trusted name only its word counts, and silence is no proof', () => {
  const trusted = 'mx.example.org';
  assert.equal(verdict([], trusted), 'doubtful');
  assert.equal(verdict(['evil.example; dmarc=pass header.from=people.example'], trusted), 'doubtful');
  const split = [
    'filter.example; x=pass',
    'MX.example.org; spf=none',
    'mx.example.org; dmarc=pass header.from=people.example',
  ];
  assert.equal(verdict(split, trusted), 'genuine');
});

test('without any header and any trusted name nothing is known', () => {
  assert.equal(verdict([]), 'unknown');
});

test('hostile headers end quickly', () => {
  for (const piece of ['(', ';', '"', 'a=b ', '= ', '\\']) {
    assert.equal(verdict(Array.from({ length: 500 }, () => piece.repeat(100_000))), 'doubtful');
  }
});
