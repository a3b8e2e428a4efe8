import { createHash, randomBytes } from 'node:crypto';
import type { JsonObject } from '../../core/message.ts';
import type { ModelEvent } from '../../core/ports/provider.ts';
import { badResponse } from './fault.ts';
import { isObject, tryParseObject } from './json.ts';
import { maxFrameLength } from './lines.ts';

/** More calls than this in one answer is a model gone astray. */
const maxCalls = 128;

interface OpenCall {
  id: string;
  name: string;
  raw: string;
}

/**
 * The tool calls of one answer while they are written. Arguments are parsed once, strictly, when the finish reason is
 * known: text that was cut by the length limit may parse by luck and must never be executed.
 */
export class ToolCalls {
  readonly #calls = new Map<string | number, OpenCall>();
  readonly #newest = new Map<number, number>();

  get size(): number {
    return this.#calls.size;
  }

  /** In the order the calls were opened. */
  get keys(): (string | number)[] {
    return [...this.#calls.keys()];
  }

  /**
   * The key of a call that is numbered by its server. Some number all calls 0, or none: then a name under another id
   * opens a further call, or, where there are no ids either, a name with arguments after others that are whole. What
   * else comes under that number belongs to it, even under an id that was never heard of (some change it on the way).
   */
  keyFor(index: number, id: string | undefined, name: string | undefined, args: string): string {
    const newest = this.#newest.get(index) ?? 0;
    const known = this.#calls.get(`${index}.${newest}`);
    if (id) {
      for (let at = newest; at >= 0; at--) if (this.#calls.get(`${index}.${at}`)?.id === id) return `${index}.${at}`;
    }
    const begins = Boolean(name) && (Boolean(id) || (args !== '' && tryParseObject(known?.raw ?? '') !== null));
    if (known === undefined || !begins) return `${index}.${newest}`;
    this.#newest.set(index, newest + 1);
    return `${index}.${newest + 1}`;
  }

  /** Opens a call, or completes the id and name of one that came in pieces. Returns it. */
  open(key: string | number, id: string | undefined, name: string | undefined): OpenCall {
    const known = this.#calls.get(key);
    if (known !== undefined) {
      if (known.name === '' && name !== undefined) known.name = name;
      return known;
    }
    if (this.#calls.size >= maxCalls) throw badResponse(`The answer holds more than ${maxCalls} tool calls.`);
    const call = { id: id || mintCallId(), name: name ?? '', raw: '' };
    this.#calls.set(key, call);
    return call;
  }

  /** Adds a piece of the arguments; null when there is nothing to show. */
  append(key: string | number, text: string): ModelEvent | null {
    const call = this.#calls.get(key);
    if (call === undefined || text === '') return null;
    call.raw += text;
    if (call.raw.length > maxFrameLength) throw badResponse('The arguments of a tool call are too long.');
    return { type: 'tool_delta', id: call.id, name: call.name, text };
  }

  /** Replaces what was collected by the provider's own final form. */
  settle(key: string | number, raw: string): void {
    const call = this.#calls.get(key);
    if (call !== undefined) call.raw = raw;
  }

  /** All calls in the order they were opened. `cut`: the answer ended at its length limit. */
  close(cut: boolean): ModelEvent[] {
    const events = [...this.#calls.values()].map((call) => outcome(call, cut));
    this.#calls.clear();
    return events;
  }
}

/** The arguments in a piece of a call as text: some servers write them as an object. */
export function argumentsIn(written: JsonObject | undefined): string {
  const args = written?.['arguments'] ?? '';
  return typeof args === 'string' ? args : JSON.stringify(args);
}

function outcome({ id, name, raw }: OpenCall, cut: boolean): ModelEvent {
  const invalid = (reason: string): ModelEvent => ({ type: 'tool_invalid', id, name, raw, reason });
  if (cut) return invalid('The answer reached its length limit before the arguments were complete.');
  if (name === '') return invalid('The call names no tool.');
  try {
    // A call without arguments is written as nothing at all by some models.
    const args: unknown = raw.trim() === '' ? {} : JSON.parse(raw);
    return isObject(args) ? { type: 'tool_call', id, name, args } : invalid('The arguments are not a JSON object.');
  } catch (error) {
    return invalid(`The arguments are not valid JSON: ${(error as Error).message}`);
  }
}

/** An id for a call whose provider gives none; unique over restarts because history keeps it. */
const mintCallId = (): string => `call_${randomBytes(12).toString('hex')}`;

/**
 * An id that every provider takes back, whichever one minted it: 1 to 64 of `[A-Za-z0-9_-]` (Anthropic's alphabet,
 * OpenAI's length). Deterministic, so a call and its result stay a pair.
 */
export function portableCallId(id: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(id)) return id;
  return `call_${createHash('sha256').update(id).digest('hex').slice(0, 24)}`;
}

/** The same for Mistral's models, which take nine of `[A-Za-z0-9]` only. */
export function shortCallId(id: string): string {
  return /^[A-Za-z0-9]{9}$/.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 9);
}
