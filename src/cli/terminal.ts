/** The terminal a command writes to. All text that came from outside passes `EscapeFilter`, so it cannot drive it. */
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  readonly input: Readable;
  /** True when a person sits at both ends. */
  readonly interactive: boolean;
  /** Writes text as it is, filtered; adds no line break. */
  write(text: string): void;
  /** Writes one line, filtered. */
  line(text: string): void;
  /** Writes one JSON value and a line break, all control characters escaped. */
  json(value: unknown): void;
  /** One line on the error stream; a list of problems is one line each. */
  complain(text: string): void;
}

export class ProcessTerminal implements Terminal {
  readonly interactive: boolean;
  readonly #input: () => Readable;
  readonly #out: Writable;
  readonly #err: Writable;
  readonly #filter = new EscapeFilter();

  constructor(input: () => Readable, out: Writable, err: Writable, interactive: boolean) {
    this.#input = input;
    this.interactive = interactive;
    this.#out = out;
    this.#err = err;
  }

  get input(): Readable {
    return this.#input();
  }

  write(text: string): void {
    this.#out.write(this.#filter.push(text));
  }

  line(text: string): void {
    this.#out.write(`${printable(text)}\n`);
  }

  json(value: unknown): void {
    this.#out.write(`${jsonText(value)}\n`);
  }

  complain(text: string): void {
    this.#err.write(`${printable(text)}\n`);
  }
}

/** Pretty JSON in which no character can act on a terminal. */
export const jsonText = (value: unknown, indent = 2): string =>
  JSON.stringify(value, null, indent).replaceAll(
    acting,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Characters past ASCII that act: C1 controls and those that reorder what a person reads. */
const acting = /[\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g;

/** The text without anything a terminal would obey. Line breaks and tabs stay. */
export const printable = (text: string): string => new EscapeFilter().push(text);

/** Characters of one escape sequence that are swallowed; what never ends is shown from there on. */
const maxSequenceLength = 4096;

/**
 * Removes terminal control from text that comes in pieces: whole escape sequences (ECMA-48: CSI, OSC, DCS and kin),
 * other control characters but line feed and tab, and bidirectional overrides. A line feed ends every sequence, so an
 * unfinished one cannot hide what follows.
 */
export class EscapeFilter {
  #state: 'text' | 'escape' | 'csi' | 'string' = 'text';
  #length = 0;

  push(text: string): string {
    let shown = '';
    for (const character of text) shown += this.#take(character);
    return shown;
  }

  #take(character: string): string {
    const code = character.codePointAt(0) ?? 0;
    this.#length += 1;
    if (this.#state !== 'text' && (character === '\n' || this.#length > maxSequenceLength)) this.#state = 'text';
    if (code === 0x1b) return this.#enter('escape');
    if (code === 0x9b) return this.#enter('csi');
    if (code === 0x90 || code === 0x98 || (code >= 0x9d && code <= 0x9f)) return this.#enter('string');
    switch (this.#state) {
      case 'escape':
        if (character === '[') return this.#enter('csi');
        if (']PX^_'.includes(character)) return this.#enter('string');
        // Intermediate bytes (such as those that pick a character set) lead to one final byte.
        if (code < 0x20 || code > 0x2f) this.#state = 'text';
        return '';
      case 'csi':
        if (code >= 0x40 && code <= 0x7e) this.#state = 'text';
        return '';
      case 'string':
        // BEL, CAN, SUB or the one-byte terminator; ESC \ passes through `escape`.
        if (code === 0x07 || code === 0x18 || code === 0x1a || code === 0x9c) this.#state = 'text';
        return '';
      default:
        if (code < 0x20) return character === '\n' || character === '\t' ? character : '';
        return character.search(acting) < 0 ? character : '';
    }
  }

  #enter(state: 'escape' | 'csi' | 'string'): string {
    this.#state = state;
    this.#length = 0;
    return '';
  }
}
