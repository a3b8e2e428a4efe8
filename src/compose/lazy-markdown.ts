import { plainText, type Markdown } from '../core/rich-text.ts';

/** Markdown is parsed only for channels; a gateway without one never loads the parser. */
export class LazyMarkdown implements Markdown {
  #parser: Markdown | null = null;

  async load(): Promise<void> {
    this.#parser ??= (await import('../adapters/markdown/index.ts')).createMarkdown();
  }

  parse(source: string): ReturnType<Markdown['parse']> {
    return this.#parser?.parse(source) ?? plainText(source);
  }
}
