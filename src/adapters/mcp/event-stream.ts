/** Server-sent events as the HTML standard has them: only what MCP uses of an event. */
import { linesOf } from './lines.ts';
import type { Pace } from './pace.ts';

export interface StreamEvent {
  type: string;
  data: string;
}

/** Ends with the stream. An event larger than `maxBytes` is left out. */
export async function* eventsOf(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  pace: Pace,
): AsyncGenerator<StreamEvent> {
  let type = '';
  let data: string[] = [];
  let size = 0;
  for await (const line of linesOf(chunks, maxBytes, pace)) {
    if ('tooLong' in line) {
      size = Number.POSITIVE_INFINITY;
      continue;
    }
    if (line.text === '') {
      if (data.length > 0 && size <= maxBytes) yield { type: type === '' ? 'message' : type, data: data.join('\n') };
      [type, data, size] = ['', [], 0];
      continue;
    }
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line.text) ?? [];
    if (field === 'event') type = value;
    if (field !== 'data') continue;
    size += value.length;
    if (size <= maxBytes) data.push(value);
    else data = [];
  }
}
