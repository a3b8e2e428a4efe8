/** From the text of a mail to what was newly said. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { htmlText } from '../../../../src/adapters/channels/email/html-text.ts';
import { newWords } from '../../../../src/adapters/channels/email/reply-text.ts';

const cut = (lines: string[]): string => newWords(lines.join('\r\n'));

test('the quoted mail below an answer is left out, however the program announces it', () => {
  for (const history of [
    ['On Sat, 21 Nov 2026 at 10:00, Bot <bot@example.org> wrote:', '', '> Hello', '>> older'],
    ['On Sat, 21 Nov 2026 at 10:00, A Very Long Name', '<bot@example.org> wrote:', '> Hello'],
    ['Am 21.11.2026 um 10:00 schrieb Bot:', '> Hallo'],
    ['Le sam. 21 nov. 2026 à 10:00, Bot <bot@example.org> a écrit :', '> Bonjour'],
    ['-----Original Message-----', 'From: Bot', 'Sent: today', '', 'Hello'],
    ['-----Ursprüngliche Nachricht-----', 'Von: Bot', 'Hallo'],
    ['________________________________', 'From: Bot <bot@example.org>', 'Sent: Saturday', 'Hello'],
    ['From: Bot <bot@example.org>', 'Sent: Saturday, November 21, 2026', 'To: Anna', 'Subject: Re: x', '', 'Hello'],
    ['Von: Bot <bot@example.org>', 'Gesendet: Samstag', 'An: Anna', '', 'Hallo'],
    ['> only', '> a quotation'],
  ]) {
    assert.equal(
      cut(['Thanks, and what', 'about tomorrow?', '', ...history]),
      'Thanks, and what\nabout tomorrow?',
      history.join(),
    );
  }
});

test('a signature is left out, also one above the quotation', () => {
  assert.equal(cut(['Yes.', '', '-- ', 'Anna', 'Example Ltd']), 'Yes.');
  assert.equal(cut(['Yes.', '-- ', 'Anna', '', 'On 21.11.2026 Bot wrote:', '> Hello']), 'Yes.');
});

test('answers between quotations keep them, and only the rest at the end goes', () => {
  const text = ['On 21.11. you wrote:', '> First?', 'Yes.', '> Second?', 'No.', '', '> Regards'];
  assert.equal(cut(text), 'On 21.11. you wrote:\n> First?\nYes.\n> Second?\nNo.');
});

test('what only looks like history stays', () => {
  for (const text of [
    'I asked what he wrote:',
    'Look at this:\n---------- Forwarded message ---------\nFrom: Carl\n\nHi',
    'a\n--\nb',
    'From: is a word\nthat begins lines',
    '> all of it is quoted',
    'x > y and y < z',
  ]) {
    assert.equal(newWords(text), text);
  }
});

test('any text leaves something to read, and none takes long', () => {
  const line = fc.constantFrom(
    '',
    '> q',
    'word',
    '-- ',
    'On 1.1. x wrote:',
    'From: a',
    'Sent: b',
    '_'.repeat(12),
    '  ',
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      const text = lines.join('\n');
      assert.equal(newWords(text) === '', text.trim() === '');
    }),
  );
  for (const piece of [
    '>',
    '> \n',
    'wrote: ',
    'On 1 wrote:\n',
    '\n',
    '_'.repeat(20),
    `${'_'.repeat(12)}\n`,
    'From: x\n',
  ])
    newWords(piece.repeat(100_000 / piece.length));
});

test('HTML becomes what its reader sees', () => {
  const html = `<!DOCTYPE html><html><head><title>no</title><style>p{color:red}</style></head><body>
    <p>Hello&nbsp;<b>Bot</b>,</p><div>one<br>two</div><ul><li>first</li><li>second &amp; last</li></ul>
    <script>alert("<p>no</p>")</script><!-- no --><table><tr><td>a</td><td>b</td></tr></table>
    <pre>x
  y</pre>&lt;tag&gt; &#228;&#x1F600;&unknown; 1 < 2</body></html>`;
  assert.equal(
    htmlText(html),
    'Hello Bot,\n\none\ntwo\n\n- first\n- second & last\n\na b\n\nx\n  y\n\n<tag> ä😀&unknown; 1 < 2',
  );
});

test('what mail programs quote in HTML is left out', () => {
  for (const quoted of [
    '<div class="gmail_quote gmail_quote_container"><div>On … wrote:</div><div>old</div></div>',
    '<blockquote type="cite"><blockquote>older</blockquote>old</blockquote>',
    '<div class="moz-cite-prefix">On … wrote:</div><blockquote type=cite>old</blockquote>',
  ]) {
    assert.equal(htmlText(`<p>new</p>${quoted}<p>end</p>`), 'new\n\nend', quoted);
  }
});

test('hostile HTML is converted in linear time and never throws', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('<', '>', '<p', '</', '<!--', '-->', '"', '=', 'a', '&', '<script>', ';')),
      (pieces) => {
        htmlText(pieces.join(''));
      },
    ),
  );
  for (const piece of ['<', '<a ', '<!--', '<div class="gmail_quote">', '&', '<p "', '<x="', '</p>', '<script>'])
    htmlText(piece.repeat(300_000 / piece.length));
});
