import type { RichText, Span } from '../../core/rich-text.ts';

/**
 * Writes RichText from front to back. Line breaks wait until something follows them and a span begins with its first
 * character, so no span starts or ends in a break and nothing trails at the end.
 */
export class RichWriter {
  #text = '';
  /** In the order of opening, which is by offset, the outer first. `offset` is -1 until something was written. */
  readonly #spans: Span[] = [];
  readonly #open: Span[] = [];
  #breaks = 0;
  /** A marker was just written: what it marks begins on its line. */
  #marked = false;
  /** What every new line begins with, as inside a list. */
  indent = '';

  write(text: string): void {
    if (text === '') return;
    if (this.#text !== '' && this.#breaks > 0) this.#text += '\n'.repeat(this.#breaks) + this.indent;
    this.#breaks = 0;
    this.#marked = false;
    for (const span of this.#open) if (span.offset === -1) span.offset = this.#text.length;
    this.#text += text;
  }

  /** The bullet or number of a list item, on a line of its own. */
  mark(marker: string): void {
    this.#marked = false;
    this.break(1);
    this.write(marker);
    this.#marked = true;
  }

  /** At least `count` line breaks before whatever comes next. */
  break(count: number): void {
    if (!this.#marked) this.#breaks = Math.max(this.#breaks, count);
  }

  /** One more line break, on top of those that wait. */
  newline(): void {
    this.#breaks++;
  }

  open(span: Omit<Span, 'offset' | 'length'>): void {
    const opened = { ...span, offset: -1, length: 0 };
    this.#spans.push(opened);
    this.#open.push(opened);
  }

  close(): void {
    const span = this.#open.pop();
    if (span !== undefined && span.offset !== -1) span.length = this.#text.length - span.offset;
  }

  finish(): RichText {
    while (this.#open.length > 0) this.close();
    return { text: this.#text, spans: this.#spans.filter((span) => span.length > 0) };
  }
}
