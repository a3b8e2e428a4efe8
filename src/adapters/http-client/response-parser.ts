/**
 * Answers of HTTP/1.1 (RFC 9112) from bytes, however they are cut. As strict as Node's own parser, against which it is
 * tested: what two readers could understand differently is an error.
 */

/** The whole head, the same for trailers. */
const maxHeadBytes = 32 * 1024;
/** Heads that come before the answer's own, such as 103 Early Hints. */
const maxInterim = 16;
/** A chunk larger than 2^52 bytes is none. */
const maxSizeDigits = 13;
const maxExtensionBytes = 4096;

/** Why bytes are no answer; `code` is what Node's parser calls it. */
export class ParseError extends Error {
  override readonly name = 'ParseError';
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export interface ResponseHead {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
}

/** Who hears of an answer: its head, pieces of its body as parts of the bytes that came, its end. */
export interface ResponseListener {
  onHead(head: ResponseHead): void;
  onBody(piece: Uint8Array): void;
  onEnd(): void;
}

type State =
  | 'head'
  | 'length'
  | 'until_close'
  | 'chunk_size'
  | 'chunk_extension'
  | 'chunk_line_end'
  | 'chunk'
  | 'chunk_end_cr'
  | 'chunk_end_lf'
  | 'trailers'
  | 'over';

const cr = 0x0d;
const lf = 0x0a;
const semicolon = 0x3b;
const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const printable = /^[\t\x20-\x7e\x80-\xff]*$/;
const beginning = 'HTTP/1.';
/** Of headers that come twice: of these the first counts, all others are joined. As in Node's documentation. */
const single = new Set([
  'age',
  'authorization',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'location',
  'retry-after',
  'server',
]);

export class ResponseParser {
  readonly #listener: ResponseListener;
  #state: State = 'over';
  #head: Buffer | null = null;
  #interim = 0;
  /** Bytes of the body or chunk that are still to come. */
  #left = 0;
  #digits = 0;
  #extension = 0;
  /** With the line end before them. */
  #trailers = '';
  /** After this answer the connection may carry another one. */
  reusable = false;
  /** How long the server keeps an idle connection, in milliseconds; null: it did not say. */
  keptMs: number | null = null;

  constructor(listener: ResponseListener) {
    this.#listener = listener;
  }

  /** An answer is expected. */
  begin(): void {
    this.#state = 'head';
    this.#head = null;
    this.#interim = 0;
  }

  get over(): boolean {
    return this.#state === 'over';
  }

  /** Throws a ParseError. What follows the end of an answer is not one: nothing was asked. */
  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#state) {
        case 'head':
          at = this.#readHead(bytes, at);
          break;
        case 'length':
        case 'chunk':
          at = this.#readPart(bytes, at);
          break;
        case 'until_close':
          this.#listener.onBody(at === 0 ? bytes : bytes.subarray(at));
          return;
        case 'over':
          throw new ParseError('HPE_CLOSED_CONNECTION');
        default:
          this.#readFraming(bytes[at] as number);
          at++;
      }
    }
  }

  /** No more bytes come: whether what came is whole. */
  finish(): boolean {
    if (this.#state === 'until_close') this.#end();
    return this.#state === 'over';
  }

  #readHead(bytes: Buffer, from: number): number {
    const before = this.#head;
    // Some servers end a body with a line of its own.
    if (before === null && (bytes[from] === cr || bytes[from] === lf)) return from + 1;
    const fresh = from === 0 ? bytes : bytes.subarray(from);
    const all = before === null ? fresh : Buffer.concat([before, fresh]);
    const length = all.indexOf('\r\n\r\n', 0, 'latin1');
    if (length > maxHeadBytes || (length === -1 && all.length > maxHeadBytes))
      throw new ParseError('HPE_HEADER_OVERFLOW');
    if (!all.toString('latin1', 0, beginning.length).startsWith(beginning.slice(0, all.length)))
      throw new ParseError('HPE_INVALID_CONSTANT');
    if (length === -1) {
      this.#head = all;
      return bytes.length;
    }
    this.#head = null;
    this.#take(all.toString('latin1', 0, length));
    return from + length + 4 - (before?.length ?? 0);
  }

  #take(text: string): void {
    const lines = text.split('\r\n');
    const matched = statusLine.exec(lines[0] ?? '');
    if (matched === null) throw new ParseError('HPE_INVALID_STATUS');
    const status = Number(matched[2]);
    const headers = headersOf(lines);
    if (status < 200) {
      if (status < 100) throw new ParseError('HPE_INVALID_STATUS');
      if (status === 101) throw new ParseError('HPE_PAUSED_UPGRADE');
      if (++this.#interim > maxInterim) throw new ParseError('HPE_HEADER_OVERFLOW');
      return;
    }
    const framed = this.#frame(status, headers);
    this.reusable = framed && staysOpen(matched[1] === '1', headers['connection']);
    this.keptMs = keptMsOf(headers['keep-alive']);
    this.#listener.onHead({ status, headers });
    if (this.#state === 'length' && this.#left === 0) this.#end();
  }

  /** How the body ends (RFC 9112, section 6.3); false when only with the connection. */
  #frame(status: number, { 'transfer-encoding': coding, 'content-length': length }: ResponseHead['headers']): boolean {
    if (coding !== undefined && length !== undefined) throw new ParseError('HPE_INVALID_TRANSFER_ENCODING');
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new ParseError('HPE_INVALID_CONTENT_LENGTH');
    const bodiless = status === 204 || status === 304;
    const inChunks = coding !== undefined && /(?:^|,)[ \t]*chunked[ \t]*$/i.test(coding);
    this.#left = bodiless ? 0 : Number(length ?? 0);
    this.#digits = 0;
    if (bodiless || length !== undefined) this.#state = 'length';
    else this.#state = inChunks ? 'chunk_size' : 'until_close';
    return this.#state !== 'until_close';
  }

  #readPart(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#left -= to - from;
    this.#listener.onBody(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
    if (this.#left === 0) {
      if (this.#state === 'chunk') this.#state = 'chunk_end_cr';
      else this.#end();
    }
    return to;
  }

  /** One byte of what stands around chunks. */
  #readFraming(byte: number): void {
    switch (this.#state) {
      case 'chunk_size':
        this.#readSize(byte);
        break;
      case 'chunk_extension':
        if (byte === cr) this.#state = 'chunk_line_end';
        else if (byte === lf || ++this.#extension > maxExtensionBytes) throw new ParseError('HPE_INVALID_CHUNK_SIZE');
        break;
      case 'chunk_line_end':
        expect(byte, lf);
        this.#state = this.#left === 0 ? 'trailers' : 'chunk';
        this.#trailers = '\r\n';
        break;
      case 'chunk_end_cr':
        expect(byte, cr);
        this.#state = 'chunk_end_lf';
        break;
      case 'chunk_end_lf':
        expect(byte, lf);
        this.#state = 'chunk_size';
        this.#digits = 0;
        break;
      default:
        this.#trailers += String.fromCharCode(byte);
        if (this.#trailers.length > maxHeadBytes) throw new ParseError('HPE_HEADER_OVERFLOW');
        if (!this.#trailers.endsWith('\r\n\r\n')) return;
        // Nobody wants them, but what they are in must be well-formed.
        headersOf(this.#trailers.slice(0, -4).split('\r\n'));
        this.#end();
    }
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > maxSizeDigits) throw new ParseError('HPE_INVALID_CHUNK_SIZE');
      this.#left = (this.#digits === 1 ? 0 : this.#left) * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw new ParseError('HPE_INVALID_CHUNK_SIZE');
    if (byte === cr) this.#state = 'chunk_line_end';
    else if (byte === semicolon) this.#state = 'chunk_extension';
    else throw new ParseError('HPE_INVALID_CHUNK_SIZE');
    this.#extension = 0;
  }

  #end(): void {
    this.#state = 'over';
    this.#listener.onEnd();
  }
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let n = 1; n < lines.length; n++) {
    const line = lines[n] as string;
    const colon = line.indexOf(':');
    const written = colon === -1 ? '' : line.slice(0, colon);
    if (!token.test(written)) throw new ParseError('HPE_INVALID_HEADER_TOKEN');
    const value = trimmed(line, colon + 1);
    if (!printable.test(value)) throw new ParseError('HPE_INVALID_HEADER_TOKEN');
    const name = written.toLowerCase();
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (before === undefined) headers[name] = value;
    else if (name === 'content-length') throw new ParseError('HPE_UNEXPECTED_CONTENT_LENGTH');
    else if (!single.has(name)) headers[name] = `${before}, ${value}`;
  }
  return headers;
}

/** By hand: a pattern would look at a long run of spaces within a value once for each of them. */
function trimmed(line: string, from: number): string {
  let to = line.length;
  while (isBlank(line[from])) from++;
  while (to > from && isBlank(line[to - 1])) to--;
  return line.slice(from, to);
}

const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t';

function staysOpen(newer: boolean, connection = ''): boolean {
  if (/(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(connection)) return false;
  return newer || /(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/i.test(connection);
}

function keptMsOf(hint: string | undefined): number | null {
  const seconds = hint === undefined ? null : /(?:^|[,;\s])timeout=(\d{1,6})/i.exec(hint);
  return seconds === null ? null : Number(seconds[1]) * 1000;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function expect(byte: number, wanted: number): void {
  if (byte !== wanted) throw new ParseError(wanted === lf ? 'HPE_LF_EXPECTED' : 'HPE_STRICT');
}
