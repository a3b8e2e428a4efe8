import type { JsonObject } from '../../core/message.ts';
import type { ModelEvent, Usage } from '../../core/ports/provider.ts';
import { badResponse } from './fault.ts';
import { tryParseObject } from './json.ts';
import { LineDecoder } from './lines.ts';
import { SseDecoder } from './sse.ts';

/** The largest answer that came whole although a stream was asked for. */
const maxWholeAnswerBytes = 8 * 1024 * 1024;

/** Turns a dialect's frames into events; one per call. Its methods may throw a FaultError. */
export interface Translator {
  /** What the provider reported so far. */
  readonly usage: Usage | null;
  /** One frame of the stream; `event` is its SSE name. A `finish` ends the call. */
  frame(data: string, event: string): ModelEvent[];
  /** The whole answer, where a server answers with plain JSON although a stream was asked for. */
  whole(answer: JsonObject): ModelEvent[];
  /** The bytes are over: the last events with `finish` if the dialect's terminal evidence was seen, else none. */
  end(): ModelEvent[];
}

export type Framing = 'sse' | 'ndjson' | 'whole';

/** From bytes to events. Each is emitted before the next frame is read, so a fault never takes earlier ones with it. */
export interface FrameReader {
  push(chunk: Uint8Array): void;
  /** `lost`: the connection broke, so what is missing is not the provider's fault. */
  end(lost: boolean): void;
}

type Emit = (event: ModelEvent) => void;

export function frameReader(framing: Framing, translator: Translator, emit: Emit): FrameReader {
  return framing === 'whole' ? new WholeReader(translator, emit) : new StreamReader(framing, translator, emit);
}

class StreamReader implements FrameReader {
  readonly #translator: Translator;
  readonly #decoder: { push(chunk: Uint8Array): void; end(): unknown };
  readonly #emit: Emit;
  #bytes = 0;
  #frames = 0;

  constructor(framing: 'sse' | 'ndjson', translator: Translator, emit: Emit) {
    this.#translator = translator;
    this.#emit = emit;
    this.#decoder =
      framing === 'sse'
        ? new SseDecoder(({ data, event }) => this.#frame(data, event))
        : new LineDecoder((line) => this.#frame(line, ''));
  }

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    this.#decoder.push(chunk);
  }

  end(lost: boolean): void {
    const tail = this.#decoder.end();
    // A last line without its line end may be whole (some servers) or cut (then the answer is incomplete, not bad).
    if (typeof tail === 'string' && tryParseObject(tail) !== null) this.#frame(tail, '');
    if (!lost && this.#frames === 0)
      throw badResponse(this.#bytes === 0 ? 'The answer is empty.' : 'The answer is not a stream of events.');
    for (const event of this.#translator.end()) this.#emit(event);
  }

  #frame(data: string, event: string): void {
    if (data.trim() === '') return;
    this.#frames++;
    for (const translated of this.#translator.frame(data, event)) this.#emit(translated);
  }
}

class WholeReader implements FrameReader {
  readonly #translator: Translator;
  readonly #emit: Emit;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(translator: Translator, emit: Emit) {
    this.#translator = translator;
    this.#emit = emit;
  }

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes > maxWholeAnswerBytes) throw badResponse(`The answer is larger than ${maxWholeAnswerBytes} bytes.`);
    this.#chunks.push(chunk);
  }

  end(lost: boolean): void {
    if (lost) return;
    const answer = tryParseObject(Buffer.concat(this.#chunks).toString('utf8'));
    if (answer === null)
      throw badResponse(this.#bytes === 0 ? 'The answer is empty.' : 'The answer is not valid JSON.');
    for (const event of this.#translator.whole(answer)) this.#emit(event);
  }
}
