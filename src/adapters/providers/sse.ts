import { badResponse } from './fault.ts';
import { tryParseObject } from './json.ts';
import { LineDecoder, maxFrameLength } from './lines.ts';

export interface SseEvent {
  /** `message` when the stream named none. */
  event: string;
  data: string;
  /** The last id seen in the stream. */
  id: string;
}

/**
 * Server-sent events as the WHATWG HTML standard (section 9.2.6) reads them: any line end, several `data` lines joined
 * by LF, comments and unknown fields skipped, events without data dropped. One leniency: at the end of the bytes an
 * event is delivered although its blank line is missing, which some servers leave out, and even its last line end where
 * that line holds a whole JSON object or `[DONE]`.
 */
export class SseDecoder {
  readonly #lines = new LineDecoder((line) => this.#line(line));
  readonly #onEvent: (event: SseEvent) => void;
  #event = '';
  #data: string | null = null;
  #id = '';

  constructor(onEvent: (event: SseEvent) => void) {
    this.#onEvent = onEvent;
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  end(): void {
    const tail = this.#lines.end();
    const data = /^data: ?(.*)$/.exec(tail)?.[1];
    if (data !== undefined && (data === '[DONE]' || tryParseObject(data) !== null)) this.#line(tail);
    this.#dispatch();
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
      if (this.#data.length > maxFrameLength)
        throw badResponse(`The answer holds an event longer than ${maxFrameLength} characters.`);
    } else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }

  #dispatch(): void {
    const event = this.#event || 'message';
    const data = this.#data;
    this.#event = '';
    this.#data = null;
    if (data !== null) this.#onEvent({ event, data, id: this.#id });
  }
}
