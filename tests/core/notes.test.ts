import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkMetadata,
  maxMetadataLength,
  maxNoteLength,
  maxTitleLength,
  parseNoteText,
  parseTitle,
  searchText,
  searchWords,
  similarTitles,
  titleKey,
} from '../../src/core/notes.ts';

test('titles that look the same to a reader are the same, and nothing else is', () => {
  const same = [
    ['Straße', 'STRASSE'],
    ['Café', 'CAFE\u0301'],
    ['wifi', 'ｗｉｆｉ'],
    ['to do', '  to \n do '],
    ['to do', 'to\u200B do\u2060'],
    ['a b', 'a\u00A0b'],
    ['İstanbul', 'i\u0307stanbul'],
  ];
  for (const [a = '', b = ''] of same) assert.equal(titleKey(parseTitle(a)), titleKey(parseTitle(b)), `${a} ${b}`);
  const different = [
    ['cafe', 'café'],
    ['paypal', 'pаypal'],
    ['a b', 'ab'],
  ];
  for (const [a = '', b = ''] of different) assert.notEqual(titleKey(a), titleKey(b), `${a} ${b}`);
});

test('a title is one line that cannot act on where it is shown', () => {
  assert.equal(parseTitle(' two\tlines\r\nhere '), 'two lines here');
  assert.equal(parseTitle('a\u202Eb\u001B[2J\0c'), 'ab[2Jc');
  assert.equal(parseTitle('👨‍👩‍👧 list'), '👨‍👩‍👧 list');
  assert.equal(parseTitle('x'.repeat(maxTitleLength)).length, maxTitleLength);
  for (const bad of ['', ' \n ', '\u200B', '\u202E', '\uD800', 'x'.repeat(maxTitleLength + 1)]) {
    assert.throws(() => parseTitle(bad), { code: 'bad_title' }, JSON.stringify(bad));
  }
});

test('texts and metadata have their bounds', () => {
  assert.equal(parseNoteText('a\0b\uD800\n'), 'ab\uFFFD\n');
  for (const bad of ['', ' \n', 'x'.repeat(maxNoteLength + 1)]) {
    assert.throws(() => parseNoteText(bad), { code: 'bad_note' });
  }
  checkMetadata({ key: 'x'.repeat(maxMetadataLength - 10) });
  assert.throws(() => checkMetadata({ key: 'x'.repeat(maxMetadataLength) }), { code: 'bad_metadata' });
});

test('a search has few words, each once, without case, accents and signs', () => {
  assert.equal(searchText('Grüße, O’Neil! x_1'), ' grusse o neil x 1');
  assert.equal(searchText('…'), '');
  assert.deepEqual(searchWords('Tea tea TÉA "OR" 1=1; %_*'), ['tea', 'or', '1']);
  assert.equal(searchWords('a b c d e f g h i j k').length, 8);
  assert.ok(searchWords('x'.repeat(100_000)).join('').length <= 500);
  assert.deepEqual(searchWords('買い物'), ['買い物']);
});

test('of titles those are suggested that may have been meant, the most alike first', () => {
  const titles = ['Shopping list', 'Shop hours', 'Wifi password', 'WLAN', 'Lisbon flight', 'list'];
  const table: [string, string[]][] = [
    ['shoping list', ['Shopping list', 'list', 'Shop hours']],
    ['wifi', ['Wifi password']],
    ['pasword wifi', ['Wifi password']],
    ['lisboa flight', ['Lisbon flight', 'list']],
    ['einkaufen', []],
    ['', []],
    ['!!!', []],
  ];
  for (const [wanted, expected] of table) assert.deepEqual(similarTitles(wanted, titles), expected, wanted);
  assert.equal(
    similarTitles(
      'note',
      Array.from({ length: 50 }, (_, i) => `note ${i}`),
    ).length,
    3,
  );
});
