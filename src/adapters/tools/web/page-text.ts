/**
 * What a person would read of a web page: its main content as lines of text, links with their addresses, and nothing of
 * scripts, menus and what is hidden. A page is parsed in slices, so that the largest does not hold up anything else.
 */
import { setImmediate } from 'node:timers/promises';
import { Parser } from 'htmlparser2';
import { readable } from './readable.ts';

export interface PageText {
  title: string;
  text: string;
  /** Why something is missing, in words; null when nothing is. */
  cut: string | null;
}

/** A millisecond or two of parsing. */
const sliceBytes = 16 * 1024;
/** Pages of people have a few dozen; the parser's work for an element grows with its depth. */
const maxDepth = 400;
const maxTextLength = 1_000_000;
const maxLinks = 1000;
const maxLinkLength = 300;
/** So much of it makes an article what the page is about. */
const minMainLength = 200;

/** Reads `bytes`, which came from `url`, as HTML in the encoding of `decoder`. */
export async function pageText(
  bytes: readonly Uint8Array[],
  decoder: TextDecoder,
  url: string,
  signal: AbortSignal,
): Promise<PageText> {
  const page = new Page(url);
  const parser = new Parser(page);
  try {
    for (const chunk of bytes) {
      for (let at = 0; at < chunk.length; at += sliceBytes) {
        parser.write(decoder.decode(chunk.subarray(at, at + sliceBytes), { stream: true }));
        await setImmediate();
        signal.throwIfAborted();
      }
    }
    parser.end(decoder.decode());
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
    page.cut = error.message;
  }
  return page.result();
}

/** Ends the parsing from inside a callback. */
class Enough extends Error {}

/** Elements of which nothing is read. */
const skipped = new Set(
  'script style template noscript svg canvas audio video iframe object embed nav menu dialog select button head'.split(
    ' ',
  ),
);
/** Beside the main content they are menus and small print, inside of it a part of it. */
const marginal = new Set(['aside', 'footer']);
const skippedRoles = new Set([
  'navigation',
  'banner',
  'contentinfo',
  'search',
  'menu',
  'menubar',
  'dialog',
  'alertdialog',
]);
/** Elements that begin a line of their own. */
const blocks = new Set(
  (
    'address article aside blockquote body br caption center dd details div dl dt fieldset figcaption figure footer ' +
    'form h1 h2 h3 h4 h5 h6 header hgroup hr li main ol p pre section summary table tbody tfoot thead tr ul'
  ).split(' '),
);
const hiddenStyle =
  /(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:opacity|font-size|max-height)\s*:\s*0(?:\.0+)?(?:px|em|rem|%)?\s*(?:[;!]|$))/i;
const maxStyleLength = 1000;

interface Open {
  name: string;
  /** Nothing of it is read. */
  skips: boolean;
  main: boolean;
  pre: boolean;
  /** Where a link leads; null when it is none that is shown. */
  href: string | null;
  /** How much of the page had been read when it began. */
  begin: number;
}

/** The callbacks of the parser. */
class Page {
  cut: string | null = null;
  readonly #open: Open[] = [];
  readonly #lines: { text: string; main: boolean }[] = [];
  #line: string[] = [];
  #prefix = '';
  #length = 0;
  #links = 0;
  #skips = 0;
  #main = 0;
  #pre = 0;
  #title = '';
  #inTitle = false;
  #description = '';
  #base: string;

  constructor(url: string) {
    this.#base = url;
  }

  result(): PageText {
    this.#endLine();
    const main = this.#lines.filter((line) => line.main);
    const mainLength = main.reduce((sum, { text }) => sum + text.length, 0);
    const lines = (mainLength >= minMainLength ? main : this.#lines).map(({ text }) => text);
    const title = this.#title.replaceAll(/\s+/g, ' ').trim().slice(0, maxLinkLength);
    return { title, text: lines.join('\n') || this.#description.slice(0, maxLinkLength), cut: this.cut };
  }

  onopentag(name: string, attributes: Record<string, string>): void {
    if (this.#open.length >= maxDepth) throw new Enough('the rest of the page is nested too deeply');
    const isMain = name === 'main' || name === 'article' || attributes['role'] === 'main';
    const skips = isSkipped(name, attributes) || (marginal.has(name) && this.#main === 0);
    const open = { name, skips, main: isMain, pre: name === 'pre', href: null as string | null, begin: this.#length };
    this.#open.push(open);
    if (name === 'title' && this.#title === '') this.#inTitle = true;
    if (name === 'base' || name === 'meta') this.#readHead(name, attributes);
    if (blocks.has(name)) this.#endLine();
    if (skips) this.#skips++;
    if (isMain) this.#main++;
    if (open.pre) this.#pre++;
    if (this.#skips > 0) return;
    if (name === 'a') open.href = this.#shownLink(attributes['href']);
    else if (name === 'li') this.#prefix = '- ';
    else if (/^h[1-6]$/.test(name)) this.#prefix = `${'#'.repeat(Number(name[1]))} `;
    else if ((name === 'td' || name === 'th') && this.#line.length > 0) this.#line.push(' | ');
    else if (name === 'img' && attributes['alt']) this.#say(`(image: ${attributes['alt'].slice(0, maxLinkLength)}) `);
  }

  ontext(text: string): void {
    if (this.#inTitle && this.#title.length < maxLinkLength) this.#title += readable(text);
    else if (this.#skips === 0) this.#say(text);
  }

  onclosetag(name: string): void {
    const open = this.#open.pop();
    if (name === 'title') this.#inTitle = false;
    if (open === undefined) return;
    if (open.href !== null && this.#length > open.begin) {
      this.#links++;
      this.#say(` <${open.href}>`);
    }
    if (blocks.has(name)) this.#endLine();
    if (open.skips) this.#skips--;
    if (open.main) this.#main--;
    if (open.pre) this.#pre--;
  }

  #readHead(name: string, { href, content, name: of }: Record<string, string>): void {
    if (name === 'base' && href !== undefined) this.#base = URL.parse(href, this.#base)?.href ?? this.#base;
    if (name === 'meta' && of === 'description') this.#description ||= readable(content ?? '');
  }

  #say(text: string): void {
    const clean = this.#pre > 0 ? readable(text) : readable(text).replaceAll(/\s+/g, ' ');
    if (clean === '' || (clean === ' ' && (this.#line.at(-1) ?? ' ').endsWith(' '))) return;
    this.#length += clean.length;
    if (this.#length > maxTextLength) throw new Enough('the rest of the page is left out');
    this.#line.push(clean);
  }

  #endLine(): void {
    const text = this.#line.join('');
    const shown = this.#pre > 0 ? text.trimEnd() : text.replaceAll(/ {2,}/g, ' ').trim();
    this.#line = [];
    if (shown.trim() === '') return;
    this.#lines.push({ text: this.#prefix + shown, main: this.#main > 0 });
    this.#prefix = '';
  }

  #shownLink(href: string | undefined): string | null {
    if (href === undefined || href.startsWith('#') || href.length > 4 * maxLinkLength || this.#links >= maxLinks)
      return null;
    const url = URL.parse(href, this.#base);
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
    return url.href.length > maxLinkLength ? null : url.href;
  }
}

function isSkipped(name: string, attributes: Record<string, string>): boolean {
  if (skipped.has(name) || attributes['hidden'] !== undefined || attributes['aria-hidden'] === 'true') return true;
  if (skippedRoles.has(attributes['role'] ?? '')) return true;
  return hiddenStyle.test((attributes['style'] ?? '').slice(0, maxStyleLength));
}
