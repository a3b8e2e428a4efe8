/** Markdown → RichText with markdown-it: the only place where Markdown is understood. */
import MarkdownIt from 'markdown-it';
import type { Token } from 'markdown-it';
import { plainText } from '../../core/rich-text.ts';
import type { Markdown, RichText, SpanStyle } from '../../core/rich-text.ts';
import { RichWriter } from './rich-writer.ts';
import { alignTable } from './table.ts';

/** Longer texts stay as they were written. */
const maxLength = 200_000;
/** Where lists and quotes go deeper the parser would leave out what is inside, so the text stays as it was written. */
const maxNesting = 64;
const maxLanguage = 32;

const linkable = /^(https?:\/\/|mailto:|tg:\/\/)/i;

const inlineStyles: Record<string, SpanStyle> = {
  strong_open: 'bold',
  em_open: 'italic',
  s_open: 'strike',
  heading_open: 'heading',
  blockquote_open: 'quote',
};

/**
 * CommonMark with tables and strikethrough. Raw HTML and links of other schemes than http, https, mailto and tg stay
 * literal text. Line breaks are kept, as in a chat. Never throws.
 */
export function createMarkdown(): Markdown {
  const parser = new MarkdownIt({ html: false, linkify: false, typographer: false, maxNesting });
  // A definition nobody refers to would vanish; as text it is read, and its address is found all the same.
  parser.disable('reference');
  parser.validateLink = (url) => linkable.test(url);
  return {
    parse(source) {
      if (source.length > maxLength) return plainText(source);
      try {
        const tokens = parser.parse(source, {});
        if (tokens.some((token) => token.level >= maxNesting - 1)) return plainText(source);
        return new Rendering().render(tokens);
      } catch {
        // Whatever the parser stumbles over, the person gets the words.
        return plainText(source);
      }
    },
  };
}

interface List {
  /** The number of the next item, or null for bullets. */
  next: number | null;
  indent: string;
}

class Rendering {
  readonly #out = new RichWriter();
  readonly #lists: List[] = [];
  /** The cells of the table that is being read. */
  #rows: string[][] | null = null;

  render(tokens: readonly Token[]): RichText {
    for (const token of tokens) this.#block(token);
    return this.#out.finish();
  }

  #block(token: Token): void {
    const out = this.#out;
    switch (token.type) {
      case 'inline':
        if (this.#rows === null) this.#inline(token.children ?? []);
        else this.#rows.at(-1)?.push(plainOf(token.children ?? []));
        break;
      case 'paragraph_open':
      case 'paragraph_close':
        out.break(token.hidden ? 1 : 2);
        break;
      case 'heading_open':
      case 'blockquote_open':
        out.break(2);
        out.open({ style: inlineStyles[token.type] ?? 'quote' });
        break;
      case 'heading_close':
      case 'blockquote_close':
        out.close();
        out.break(2);
        break;
      case 'fence':
      case 'code_block':
        this.#code(token.content, token.info);
        break;
      case 'hr':
        out.break(2);
        out.write('———');
        out.break(2);
        break;
      case 'bullet_list_open':
      case 'ordered_list_open':
        out.break(this.#lists.length === 0 ? 2 : 1);
        this.#lists.push({
          next: token.type === 'bullet_list_open' ? null : Number(token.attrGet('start') ?? 1),
          indent: out.indent,
        });
        break;
      case 'bullet_list_close':
      case 'ordered_list_close':
        this.#lists.pop();
        out.break(this.#lists.length === 0 ? 2 : 1);
        break;
      case 'list_item_open':
        this.#item();
        break;
      case 'list_item_close':
        out.break(1);
        out.indent = this.#lists.at(-1)?.indent ?? '';
        break;
      case 'table_open':
        this.#rows = [];
        break;
      case 'tr_open':
        this.#rows?.push([]);
        break;
      case 'table_close':
        this.#table(this.#rows ?? []);
        this.#rows = null;
        break;
      default:
    }
  }

  #item(): void {
    const list = this.#lists.at(-1);
    if (list === undefined) return;
    const marker = list.next === null ? '• ' : `${list.next++}. `;
    this.#out.indent = list.indent;
    this.#out.mark(marker);
    this.#out.indent = list.indent + ' '.repeat(marker.length);
  }

  #code(content: string, info: string): void {
    const out = this.#out;
    const language = info.trim().split(/\s/, 1)[0]?.slice(0, maxLanguage) ?? '';
    const { indent } = out;
    out.indent = ''; // Inside of code every space counts.
    out.break(this.#lists.length === 0 ? 2 : 1);
    out.open({ style: 'pre', ...(language === '' ? {} : { language }) });
    out.write(content.replace(/\n$/, ''));
    out.close();
    out.break(this.#lists.length === 0 ? 2 : 1);
    out.indent = indent;
  }

  #table(rows: readonly string[][]): void {
    const aligned = alignTable(rows);
    if (aligned !== null) return this.#code(aligned, '');
    this.#out.break(2);
    for (const [index, row] of rows.entries()) {
      if (index === 0) this.#out.open({ style: 'bold' });
      this.#out.write(row.join(' | '));
      if (index === 0) this.#out.close();
      this.#out.break(1);
    }
    this.#out.break(2);
  }

  #inline(tokens: readonly Token[]): void {
    const out = this.#out;
    for (const [index, token] of tokens.entries()) {
      if (token.type === 'softbreak' || token.type === 'hardbreak') {
        out.newline();
      } else if (token.type === 'code_inline') {
        out.open({ style: 'code' });
        out.write(token.content);
        out.close();
      } else if (token.type === 'link_open') {
        const url = attribute(token, 'href');
        out.open({ style: 'link', url });
        if (tokens[index + 1]?.type === 'link_close') out.write(url);
      } else if (token.type === 'image') {
        const url = attribute(token, 'src');
        out.open({ style: 'link', url });
        out.write(plainOf(token.children ?? []) || url);
        out.close();
      } else if (token.nesting === 1) {
        out.open({ style: inlineStyles[token.type] ?? 'bold' });
      } else if (token.nesting === -1) {
        out.close();
      } else {
        out.write(token.content);
      }
    }
  }
}

const attribute = (token: Token, name: string): string => String(token.attrGet(name) ?? '');

/** The words without any formatting. */
const plainOf = (tokens: readonly Token[]): string =>
  tokens
    .map((token) => {
      if (token.type === 'image') return plainOf(token.children ?? []);
      return token.type === 'softbreak' || token.type === 'hardbreak' ? ' ' : token.content;
    })
    .join('');
