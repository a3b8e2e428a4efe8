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
  /** The dialect's terminal evidence was seen: what may follow are counts and the mark of the end. */
  readonly ending: boolean;
  /** One frame of the stream; `event` is its SSE name. A `finish` ends the call. */
  frame(data: string, event: string): ModelEvent[];
  /** The whole answer, where a server answers with plain JSON although a stream was asked for. */
  whole(answer: JsonObject): ModelEvent[];
  /** The bytes are over: the last events with `finish` if the dialect's terminal evidence was seen, else none. */
  end(): ModelEvent[];
}

export type Framing = 'sse' | 'ndjson';

/** From bytes to events. Each is emitted before the next frame is read, so a fault never takes earlier ones with it. */
export interface FrameReader {
  /** See the translator's. */
  readonly ending: boolean;
  push(chunk: Uint8Array): void;
  /** `lost`: the connection broke, so what is missing is not the provider's fault. */
  end(lost: boolean): void;
}

type Emit = (event: ModelEvent) => void;

/**
 * What a server says about the type of its answer is often wrong: plain JSON comes as `text/event-stream` or without a
 * type, events as `application/json` or `text/html`. The first byte that is no space does not lie.
 */
export function frameReader(framing: Framing, translator: Translator, emit: Emit): FrameReader {
  return new SniffingReader((first) => {
    if (first === '<') throw badResponse('The answer is a web page; is base_url right?');
    const whole = framing === 'sse' && first === '{';
    return whole ? new WholeReader(translator, emit) : new StreamReader(framing, translator, emit);
  });
}

class SniffingReader implements FrameReader {
  readonly #choose: (first: string) => FrameReader;
  #chosen: FrameReader | null = null;

  constructor(choose: (first: string) => FrameReader) {
    this.#choose = choose;
  }

  get ending(): boolean {
    return this.#chosen?.ending ?? false;
  }

  push(chunk: Uint8Array): void {
    if (this.#chosen === null) {
      const first = firstCharacter(chunk);
      if (first === undefined) return;
      this.#chosen = this.#choose(first);
    }
    this.#chosen.push(chunk);
  }

  end(lost: boolean): void {
    this.#chosen ??= this.#choose('');
    this.#chosen.end(lost);
  }
}

/** The first one that is neither a space nor a byte order mark, if it is ASCII; only whether it is one of few matters. */
function firstCharacter(chunk: Uint8Array): string | undefined {
  const marked = chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
  const first = chunk.subarray(marked ? 3 : 0).find((byte) => byte > 0x20);
  return first === undefined ? undefined : String.fromCharCode(first);
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

  get ending(): boolean {
    return this.#translator.ending;
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
  readonly ending = false;
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
    const answer = tryParseObject(
      Buffer.concat(this.#chunks)
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    );
    if (answer === null)
      throw badResponse(this.#bytes === 0 ? 'The answer is empty.' : 'The answer is not valid JSON.');
    for (const event of this.#translator.whole(answer)) this.#emit(event);
  }
}
