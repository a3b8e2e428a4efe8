import { StringDecoder } from 'node:string_decoder';
import { badResponse } from './fault.ts';

/** The longest line or event a stream may hold, in UTF-16 units; nothing honest comes near it. */
export const maxFrameLength = 1_048_576;

/**
 * Bytes in, whole lines out, however the bytes were cut: inside a character, between CR and LF, anywhere. Lines end
 * with LF, CRLF or CR; a byte order mark at the very start is dropped. This is all that NDJSON needs, and what SSE is
 * read from. Throws a bad_response fault when a line outgrows `maxFrameLength`.
 */
export class LineDecoder {
  readonly #utf8 = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #rest = '';
  #atStart = true;
  #afterCr = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Uint8Array): void {
    let text = this.#utf8.write(chunk);
    if (text === '') return;
    if (this.#atStart) {
      this.#atStart = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    let from = 0;
    if (this.#afterCr && text.length > 0) {
      this.#afterCr = false;
      if (text.startsWith('\n')) from = 1;
    }
    let lf = text.indexOf('\n', from);
    let cr = text.indexOf('\r', from);
    while (lf !== -1 || cr !== -1) {
      const end = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr;
      this.#onLine(this.#take(text.slice(from, end)));
      from = end + 1;
      if (end === cr) {
        if (lf === from) from++;
        else if (from === text.length) this.#afterCr = true;
        cr = text.indexOf('\r', from);
      }
      if (lf !== -1 && lf < from) lf = text.indexOf('\n', from);
    }
    this.#rest += text.slice(from);
    if (this.#rest.length > maxFrameLength) throw tooLong();
  }

  /** The bytes are over: what stands after the last line end. */
  end(): string {
    return this.#take(this.#utf8.end());
  }

  #take(piece: string): string {
    const line = this.#rest + piece;
    this.#rest = '';
    if (line.length > maxFrameLength) throw tooLong();
    return line;
  }
}

const tooLong = (): Error => badResponse(`The answer holds a line longer than ${maxFrameLength} characters.`);
