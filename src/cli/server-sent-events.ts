/** Reads `text/event-stream` (WHATWG HTML, "Server-sent events") as far as the gateway writes it. */
export interface ServerSentEvent {
  event: string;
  data: string;
  /** Of the last event that had one; null: none had. */
  id: string | null;
}

/** Characters one event may have; the gateway's largest answer is far below. */
const maxEventLength = 16 * 1024 * 1024;

/** Events as they become complete; comments are skipped, an unfinished event at the end is dropped. */
export async function* serverSentEvents(pieces: AsyncIterable<string>): AsyncGenerator<ServerSentEvent> {
  let rest = '';
  let event = 'message';
  let id: string | null = null;
  let data: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    rest += piece;
    length += piece.length;
    if (length > maxEventLength) throw new Error('the gateway sent an event that is too long');
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') {
        if (data.length > 0) yield { event, data: data.join('\n'), id };
        event = 'message';
        data = [];
        length = 0;
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') event = value;
      else if (field === 'id') id = value;
      else if (field === 'data') data.push(value);
    }
  }
}
