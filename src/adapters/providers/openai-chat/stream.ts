import type { JsonObject } from '../../../core/message.ts';
import type { FinishReason, ModelEvent, Usage } from '../../../core/ports/provider.ts';
import { reportedFault } from '../failure.ts';
import type { Translator } from '../frame-reader.ts';
import { countAt, objectAt, objectsAt, parseFrame, stringAt } from '../json.ts';
import { ToolCalls } from '../tool-calls.ts';
import { reportedUsage } from '../usage.ts';
import { openAiErrors } from './errors.ts';

/**
 * Chunks of a chat completion. Terminal evidence is a `finish_reason` or `[DONE]`; usage may come in a chunk between
 * the two, so the finish is held until `[DONE]` or the end of the bytes.
 */
export class ChatTranslator implements Translator {
  usage: Usage | null = null;
  readonly #calls = new ToolCalls();
  #finish: string | null = null;
  #refused = false;

  get ending(): boolean {
    return this.#finish !== null;
  }

  frame(data: string): ModelEvent[] {
    if (data.trim() === '[DONE]') return this.#finished(this.#finish ?? '');
    const chunk = parseFrame(data);
    this.#common(chunk);
    const choice = objectsAt(chunk, 'choices')[0];
    const events = this.#delta(objectAt(choice, 'delta'));
    this.#finish = stringAt(choice, 'finish_reason') || this.#finish;
    return events;
  }

  whole(answer: JsonObject): ModelEvent[] {
    this.#common(answer);
    const choice = objectsAt(answer, 'choices')[0];
    const message = objectAt(choice, 'message');
    this.#finish = stringAt(choice, 'finish_reason') ?? null;
    return [...this.#delta(message), ...(message === undefined ? [] : this.#finished(this.#finish ?? ''))];
  }

  end(): ModelEvent[] {
    return this.#finish === null ? [] : this.#finished(this.#finish);
  }

  #common(chunk: JsonObject): void {
    const error = openAiErrors.read(chunk);
    if (error !== null) throw reportedFault(openAiErrors, error);
    const usage = objectAt(chunk, 'usage');
    if (usage !== undefined) this.usage = chatUsage(usage) ?? this.usage;
  }

  #delta(delta: JsonObject | undefined): ModelEvent[] {
    const events: ModelEvent[] = [];
    const reasoning = stringAt(delta, 'reasoning_content') ?? stringAt(delta, 'reasoning');
    if (reasoning) events.push({ type: 'reasoning', text: reasoning });
    const refusal = stringAt(delta, 'refusal');
    if (refusal) this.#refused = true;
    const text = stringAt(delta, 'content') || refusal;
    if (text) events.push({ type: 'text', text });
    for (const [place, call] of objectsAt(delta, 'tool_calls').entries()) {
      const piece = this.#toolPiece(call, place);
      if (piece !== null) events.push(piece);
    }
    return events;
  }

  /** Some servers number all calls 0 and tell them apart by id only. */
  #toolPiece(call: JsonObject, place: number): ModelEvent | null {
    const id = stringAt(call, 'id');
    const index = countAt(call, 'index') ?? place;
    const written = objectAt(call, 'function');
    const key = this.#calls.keyFor(index, id);
    this.#calls.open(key, id, stringAt(written, 'name'));
    return this.#calls.append(key, stringAt(written, 'arguments') ?? '');
  }

  #finished(raw: string): ModelEvent[] {
    const called = this.#calls.size > 0;
    const reason = this.#refused ? 'refusal' : finishReason(raw, called);
    return [...this.#calls.close(reason === 'length'), { type: 'finish', reason, raw }];
  }
}

/** Unknown reasons are a stop; a `stop` with tool calls (as several servers say it) means the calls. */
function finishReason(raw: string, called: boolean): FinishReason {
  if (raw === 'length' || raw === 'max_tokens' || raw === 'model_length') return 'length';
  if (raw === 'content_filter' || raw === 'refusal') return raw;
  return called ? 'tool_calls' : 'stop';
}

function chatUsage(usage: JsonObject): Usage | null {
  const details = objectAt(usage, 'prompt_tokens_details');
  return reportedUsage({
    prompt: countAt(usage, 'prompt_tokens'),
    // DeepSeek reports its cache beside the details.
    cacheRead: countAt(details, 'cached_tokens') ?? countAt(usage, 'prompt_cache_hit_tokens'),
    cacheWrite: countAt(details, 'cache_write_tokens'),
    output: countAt(usage, 'completion_tokens'),
    reasoning: countAt(objectAt(usage, 'completion_tokens_details'), 'reasoning_tokens'),
  });
}
