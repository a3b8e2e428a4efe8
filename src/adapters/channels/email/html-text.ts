/**
 * HTML of a mail → the text its reader sees, without the history that mail programs quote. One pass over the source,
 * linear also on hostile input; nothing is loaded or run, and nothing makes it fail.
 */

/** A piece of markup that does not end within this is text. */
const maxTag = 16_384;
/** Of elements that quote or hide; deeper ones are no deeper. */
const maxHidden = 1000;

const invisible = /^(script|style|head|title|template|svg|noscript|object|iframe)$/;
const paragraphs = /^(p|h[1-6]|ul|ol|table|pre|blockquote|dl|hr)$/;
const lines = /^(div|li|tr|br|dt|dd|section|article|header|footer|address)$/;
const empty = /^(br|hr|img|input|meta|link|area|base|col|embed|source|track|wbr)$/;
/** How Gmail, Apple, Yahoo, Thunderbird and Outlook mark what they quote. */
const quoting =
  /\bclass\s*=\s*["']?[^"'>]*\b(gmail_quote|gmail_attr|yahoo_quoted|moz-cite-prefix)\b|\btype\s*=\s*["']?cite\b/i;

export function htmlText(html: string): string {
  const out = new Lines();
  /** The element whose content is left out, and how many of its name are open in it. */
  let hidden: { name: string; depth: number } | null = null;
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open === -1) {
      if (hidden === null) out.text(html.slice(at));
      break;
    }
    if (hidden === null) out.text(html.slice(at, open));
    if (html.startsWith('<!--', open)) {
      const end = html.indexOf('-->', open + 4);
      at = end === -1 ? html.length : end + 3;
      continue;
    }
    const end = tagEnd(html, open);
    const tag = end === -1 ? null : /^<(\/?)([a-z][a-z0-9:-]{0,30})/i.exec(html.slice(open, open + 34));
    if (tag === null) {
      const known = end !== -1 && /^<[!?]/.test(html.slice(open, open + 2));
      if (hidden === null && !known) out.text('<');
      at = known ? end : open + 1;
      continue;
    }
    at = end;
    const closing = tag[1] === '/';
    const name = (tag[2] ?? '').toLowerCase();
    if (hidden !== null) {
      if (name === hidden.name && hidden.depth < maxHidden) hidden.depth += closing ? -1 : 1;
      if (hidden.depth === 0) hidden = null;
      continue;
    }
    const whole = html.slice(open, end);
    if (!closing && !empty.test(name) && !whole.endsWith('/>') && (invisible.test(name) || quoting.test(whole))) {
      hidden = { name, depth: 1 };
    } else if (paragraphs.test(name)) out.breakTo(2);
    else if (name === 'br') out.newLine();
    else if (lines.test(name)) out.breakTo(1);
    if (name === 'li' && !closing) out.text('- ');
    if (/^t[dh]$/.test(name) && closing) out.text(' ');
    if (name === 'pre') out.verbatim = !closing;
  }
  return out.toString();
}

/** Behind the `>` that ends a tag; one inside quotes does not. -1 when the tag has no end in reach. */
function tagEnd(html: string, open: number): number {
  let quote = '';
  const last = Math.min(html.length, open + maxTag);
  for (let i = open + 1; i < last; i++) {
    const char = html.charAt(i);
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '>') return i + 1;
    else if ((char === '"' || char === "'") && html.charAt(i - 1) === '=') quote = char;
    else if (char === '<') return -1;
  }
  return -1;
}

/** Text in lines, with the whitespace of HTML: any run of it is one space. */
class Lines {
  readonly #parts: string[] = [];
  /** Line breaks at the end; at the beginning there is nothing to break. */
  #breaks = 2;
  #space = true;
  verbatim = false;

  text(source: string): void {
    let text = decodeEntities(source);
    if (!this.verbatim) {
      text = text.replaceAll(/[ \t\r\n\f]+/g, ' ');
      if (this.#space && text.startsWith(' ')) text = text.slice(1);
    }
    if (text === '') return;
    this.#parts.push(text);
    this.#breaks = 0;
    this.#space = text.endsWith(' ');
  }

  newLine(): void {
    this.#parts.push('\n');
    this.#breaks++;
    this.#space = true;
  }

  breakTo(count: number): void {
    while (this.#breaks < count) this.newLine();
  }

  toString(): string {
    return this.#parts
      .join('')
      .replaceAll('\u00a0', ' ')
      .replaceAll(/[ \t]+\n/g, '\n')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trim();
  }
}

/** U+00A0 to U+00FF in order. */
const latin =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'.split(
    ' ',
  );
const named = new Map<string, string>([
  ...latin.map((name, i): [string, string] => [name, String.fromCharCode(0xa0 + i)]),
  ...Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", ndash: '–', mdash: '—', hellip: '…' }),
  ...Object.entries({ lsquo: '‘', rsquo: '’', sbquo: '‚', ldquo: '“', rdquo: '”', bdquo: '„', euro: '€', bull: '•' }),
  ...Object.entries({ trade: '™', zwnj: '', zwj: '\u200d', rarr: '→', larr: '←', ensp: ' ', emsp: ' ', thinsp: ' ' }),
]);

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(/&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,10});/gi, (whole: string, entity: string) => {
    if (!entity.startsWith('#')) return named.get(entity) ?? whole;
    const code = /^#x/i.test(entity) ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
    const valid = code > 8 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return valid ? String.fromCodePoint(code) : '\ufffd';
  });
}
