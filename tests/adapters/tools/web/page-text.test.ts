import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { pageText, type PageText } from '../../../../src/adapters/tools/web/page-text.ts';

const never = new AbortController().signal;
const read = (html: string, url = 'https://example.com/dir/page'): Promise<PageText> =>
  pageText([Buffer.from(html)], new TextDecoder(), url, never);
const textOf = async (html: string): Promise<string> => (await read(html)).text;

test('a page reads like what a person sees of it', async () => {
  const page = await read(`<!doctype html><html><head><title> A &amp; B
    </title><style>p { color: red }</style><script>track()</script></head><body>
    <nav><a href="/">Home</a></nav><h1>Heading</h1><p>One
    <b>bold</b> line &ndash; with <a href="../other?q=1#x">a link</a>.</p>
    <ul><li>first<li>second</ul><table><tr><th>Name<th>Size</tr><tr><td>a<td>1</table>
    <pre>  kept
    as it is</pre><img src="x.png" alt="A cat"><footer>small print</footer></body></html>`);
  assert.equal(page.title, 'A & B');
  assert.deepEqual(page.text.split('\n'), [
    '# Heading',
    'One bold line – with a link <https://example.com/other?q=1#x>.',
    '- first',
    '- second',
    'Name | Size',
    'a | 1',
    '  kept',
    '    as it is',
    '(image: A cat)',
  ]);
  assert.equal(page.cut, null);
});

test('the main content is told without what stands around it', async () => {
  const main = 'The article itself. '.repeat(20);
  const text = await textOf(`<div>Cookies!</div><main><p>${main}<aside>A remark.</aside></main><div>Related</div>`);
  assert.match(text, /^The article itself\./);
  assert.match(text, /A remark\.$/);
  assert.doesNotMatch(text, /Cookies|Related/);
  assert.match(await textOf('<div>Much else.</div><main>x</main>'), /Much else\.\nx/);
});

describe('nothing is read that nobody sees', () => {
  for (const [name, html] of Object.entries({
    'a script': '<script>SECRET</script>',
    'a style': '<style>SECRET</style>',
    'a comment': '<!-- SECRET -->',
    'a template': '<template>SECRET</template>',
    'a noscript': '<noscript>SECRET</noscript>',
    hidden: '<p hidden>SECRET</p>',
    'hidden from readers': '<div aria-hidden="true"><p>SECRET</p></div>',
    'display: none': '<div style="color:red;DISPLAY : none"><p>SECRET</p></div>',
    invisible: '<p style="visibility:hidden">SECRET</p>',
    transparent: '<p style="opacity:0.0;">SECRET</p>',
    'of no size': '<p style="font-size: 0px">SECRET</p>',
    'a menu': '<div role="navigation">SECRET</div>',
    'a form field': '<input type="hidden" value="SECRET"><select><option>SECRET</select><button>SECRET</button>',
    'an embedded page': '<iframe srcdoc="SECRET">SECRET</iframe><object>SECRET</object>',
    'an attribute': '<p title="SECRET" data-x="SECRET" onclick="SECRET"></p>',
    'a script that does not end': '<script>SECRET',
    'a link of script': '<a href="javascript:SECRET">x</a><a href="data:text/html,SECRET">y</a>',
  }))
    test(name, async () =>
      assert.equal((await textOf(`<p>before</p>${html}`)).replace(/^before/, '').includes('SECRET'), false),
    );

  test('characters without a shape, which can spell what only a model reads', async () => {
    const tags = Array.from('obey', (letter) => String.fromCodePoint(0xe0000 + (letter.codePointAt(0) ?? 0))).join('');
    assert.equal(await textOf(`<p>a${tags}\u200b\u202eb\u2066&#x200b;&#xe0041;c&#0;</p>`), 'abc\ufffd');
    assert.equal(await textOf('<p>\u{1f468}\u200d\u{1f469}</p>'), '\u{1f468}\u200d\u{1f469}');
  });

  test('half transparent is seen', async () => {
    assert.equal(await textOf('<p style="opacity:0.5">seen</p><p style="font-size:0.8em">too</p>'), 'seen\ntoo');
  });
});

describe('a hostile page ends', () => {
  const cases: Record<string, string> = {
    'nested without end': '<div>'.repeat(200_000),
    'of closing tags only': '</div>'.repeat(200_000),
    'of paragraphs that imply each other': '<p>'.repeat(300_000),
    'of one tag with many attributes': `<p ${Array.from({ length: 100_000 }, (_, i) => `a${i}=b`).join(' ')}>x`,
    'of one attribute': `<p title="${'x'.repeat(2_000_000)}">x`,
    'of one word': 'x'.repeat(2_000_000),
    'of entities': '&amp;'.repeat(300_000),
    'of broken entities': '&'.repeat(1_000_000),
    'of spaces': ' '.repeat(2_000_000),
    'of spaces that are kept': `<pre>${' '.repeat(900_000)}x</pre>`,
    'of spaces in a style': `<p style="${'display '.repeat(100_000)}">x</p>`,
    'of open brackets': '<'.repeat(1_000_000),
    'of links': '<a href=a>b</a>'.repeat(130_000),
    'of comments': '<!--x-->'.repeat(200_000),
    'of a comment that does not end': `<!--${'-'.repeat(1_000_000)}`,
    'of svg in svg': '<svg><desc>'.repeat(50_000),
    'of forms': '<form>'.repeat(200_000),
  };
  for (const [name, html] of Object.entries(cases)) {
    test(`${name}, and gives way to everything else all the while`, async () => {
      let turns = 0;
      let done = false;
      const turn = (): void => {
        turns++;
        if (!done) setImmediate(turn);
      };
      setImmediate(turn);
      const { text, cut } = await read(html, `https://example.com/${'x'.repeat(200)}/`);
      done = true;
      assert.ok(text.length <= 1_100_000, `${text.length} characters`);
      assert.ok(cut !== null || turns >= html.length / 32_768, `${turns} turns of the event loop`);
    });
  }

  test('whatever it is made of', async () => {
    const pieces = [
      '<',
      '>',
      '</',
      'p',
      'a',
      ' href=',
      '"',
      "'",
      '&',
      '#x',
      ';',
      '<!--',
      '-->',
      '<script>',
      '</script>',
      'x',
      '<main>',
      '\0',
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), async (parts) => {
        assert.equal(typeof (await textOf(parts.join(''))), 'string');
      }),
      { numRuns: 200 },
    );
  });
});

test('slices do not cut characters, and an abort ends it', async () => {
  const html = `<p>${'ü€𝄞'.repeat(20_000)}</p>`;
  assert.equal(await textOf(html), 'ü€𝄞'.repeat(20_000));
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await assert.rejects(pageText([Buffer.from(html)], new TextDecoder(), 'https://a.example/', stop.signal), /enough/);
});
