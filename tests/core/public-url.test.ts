import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeUrl, type UrlRules } from '../../src/core/public-url.ts';

const rules: UrlRules = { ports: [8443], allowHosts: [], denyHosts: [], allowPrivate: [] };
const verdict = (text: string, more: Partial<UrlRules> = {}, mayReachPrivate = false): string => {
  const judged = judgeUrl(text, { ...rules, ...more }, mayReachPrivate);
  return 'code' in judged ? judged.code : judged.private ? 'private' : 'public';
};

test('the web as people write it is public', () => {
  for (const url of [
    'http://example.com',
    'https://example.com:443/a?b=c#d',
    'HTTPS://Example.COM/',
    'https://bücher.example.com/ä?ö=ü',
    'https://xn--bcher-kva.example.com/',
    'http://93.184.215.14:80/',
    'http://[2606:4700:4700::1111]/',
    'https://example.com:8443/',
    'https://example.com?q=user@host',
    'https://example.com/@somebody/100%',
    'https://example.com./',
  ])
    assert.equal(verdict(url), 'public', url);
});

test('addresses in disguise are refused even when they are public', () => {
  for (const url of ['http://1572394766/', 'http://0x5d.184.215.14/', 'http://93.184.215.14./', 'http://93.184.55054/'])
    assert.equal(verdict(url), 'invalid_url', url);
});

test('what a reader and a parser may understand differently is refused', () => {
  for (const url of [
    'http://a@example.com/',
    'http://:b@example.com/',
    'http://@example.com/',
    'http://example.com\\.evil.example/',
    'http://exa%6dple.com/',
    'http://example.com /',
    'http://exam\tple.com/',
    'http:/example.com',
    'example.com',
    '',
    '//example.com/',
    'http://',
    'http://[::1',
    'javascript:alert(1)',
    `http://example.com/${'x'.repeat(4096)}`,
  ])
    assert.equal(verdict(url), 'invalid_url', url);
});

test('names of local networks and clouds are refused', () => {
  for (const name of [
    'localhost',
    'router',
    'x.local',
    'x.internal',
    'x.lan',
    'metadata.goog',
    'x.home.arpa',
    'LOCAL.',
  ])
    assert.equal(verdict(`http://${name}/`), 'blocked_host', name);
});

test('a listed private service is for those who may, at exactly its port, and never metadata', () => {
  const listed = { allowPrivate: ['192.168.1.5:8080', 'nas.local:80', '[fd12::5]:8080', '169.254.169.254:80'] };
  assert.equal(verdict('http://192.168.1.5:8080/x', listed, true), 'private');
  assert.equal(verdict('http://nas.local/', listed, true), 'private');
  assert.equal(verdict('http://[fd12::5]:8080/', listed, true), 'private');
  assert.equal(verdict('http://192.168.1.5:8080/x', listed, false), 'blocked_port');
  assert.equal(verdict('http://192.168.1.5/', listed, true), 'not_public');
  assert.equal(verdict('https://nas.local/', listed, true), 'blocked_host');
  assert.equal(verdict('http://169.254.169.254/', listed, true), 'blocked_host');
  assert.equal(verdict('http://nas.local/', { ...listed, denyHosts: ['nas.local'] }, true), 'blocked_host');
});
