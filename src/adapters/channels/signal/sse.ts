/** Server-sent events from bytes. https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */

/** An envelope holds no files; what is longer is none. */
const maxEventLength = 4_000_000;

export interface SentEvent {
  id: string | null;
  data: string;
}

export class SentEvents {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #data: string[] = [];
  #length = 0;
  #id: string | null = null;

  /** The events that are whole with these bytes. Throws when one is longer than any can be. */
  push(bytes: Uint8Array): SentEvent[] {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    this.#length += lines.reduce((sum, { length }) => sum + length, 0);
    const events = lines.flatMap((line) => this.#take(line) ?? []);
    if (this.#length + this.#rest.length > maxEventLength) throw new Error('an event of the daemon is too long');
    return events;
  }

  #take(line: string): SentEvent | null {
    if (line === '') {
      const data = this.#data.join('\n');
      this.#data = [];
      this.#length = 0;
      return data === '' ? null : { id: this.#id, data };
    }
    const [, name, value = ''] = /^([^:]+)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === 'data') this.#data.push(value);
    else {
      // A comment, which keeps the line alive, or a field nobody needs.
      this.#length -= line.length;
      if (name === 'id') this.#id = value;
    }
    return null;
  }
}
