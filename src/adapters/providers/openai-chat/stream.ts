import type { JsonObject } from '../../../core/message.ts';
import type { FinishReason, ModelEvent, ProviderErrorKind, Usage } from '../../../core/ports/provider.ts';
import { reportedFault } from '../failure.ts';
import { FaultError } from '../fault.ts';
import type { Translator } from '../frame-reader.ts';
import { countAt, objectAt, objectsAt, parseFrame, stringAt } from '../json.ts';
import { ToolCalls, argumentsIn } from '../tool-calls.ts';
import { reportedUsage } from '../usage.ts';
import { openAiErrors } from './errors.ts';
import { replayEvent } from './replay.ts';

/**
 * Chunks of a chat completion. Terminal evidence is a `finish_reason` or `[DONE]`; usage may come in a chunk between
 * the two, so the finish is held until `[DONE]` or the end of the bytes.
 */
export class ChatTranslator implements Translator {
  usage: Usage | null = null;
  readonly #provider: string;
  readonly #calls = new ToolCalls();
  readonly #extras = new Map<string | number, JsonObject>();
  #finish: string | null = null;
  #refused = false;
  #thought = false;

  /** `provider`: whose stream it is. */
  constructor(provider: string) {
    this.#provider = provider;
  }

  get ending(): boolean {
    return this.#finish !== null;
  }

  frame(data: string, event: string): ModelEvent[] {
    if (data.trim() === '[DONE]') return this.#finished(this.#finish ?? '');
    const chunk = parseFrame(data);
    this.#common(chunk);
    if (event === 'error') {
      const code = stringAt(chunk, 'code') ?? stringAt(chunk, 'type');
      throw reportedFault(openAiErrors, { message: stringAt(chunk, 'message') ?? data, code });
    }
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
    if (delta === undefined) return [];
    const events: ModelEvent[] = [];
    const think = (text: string | undefined): void => {
      if (text) events.push({ type: 'reasoning', text });
    };
    const say = (text: string | undefined): void => {
      if (text) events.push({ type: 'text', text });
    };
    const thought = stringAt(delta, 'reasoning_content');
    // Empty as it may be, some want it back.
    if (thought !== undefined) this.#thought = true;
    think(thought || stringAt(delta, 'reasoning'));
    const refusal = stringAt(delta, 'refusal');
    if (refusal) this.#refused = true;
    say(stringAt(delta, 'content') || refusal);
    // Mistral's models that think write in blocks.
    for (const block of objectsAt(delta, 'content')) {
      for (const thought of objectsAt(block, 'thinking')) think(stringAt(thought, 'text'));
      say(stringAt(block, 'text'));
    }
    for (const [place, call] of objectsAt(delta, 'tool_calls').entries()) {
      const piece = this.#toolPiece(call, place);
      if (piece !== null) events.push(piece);
    }
    return events;
  }

  #toolPiece(call: JsonObject, place: number): ModelEvent | null {
    const id = stringAt(call, 'id');
    const written = objectAt(call, 'function');
    const name = stringAt(written, 'name');
    const args = argumentsIn(written);
    const key = this.#calls.keyFor(countAt(call, 'index') ?? place, id, name, args);
    this.#calls.open(key, id, name);
    const extra = objectAt(call, 'extra_content');
    if (extra !== undefined) this.#extras.set(key, extra);
    return this.#calls.append(key, args);
  }

  #finished(raw: string): ModelEvent[] {
    const told = raw.toLowerCase();
    const kind = brokenOff.get(told);
    if (kind !== undefined) throw new FaultError({ kind, message: `The answer was ended as "${raw}".`, code: raw });
    const called = this.#calls.size > 0;
    const reason = this.#refused ? 'refusal' : finishReason(told, called);
    const extras = this.#calls.keys.map((key) => this.#extras.get(key) ?? null);
    const replay = called ? replayEvent(this.#provider, this.#thought, extras) : [];
    return [...replay, ...this.#calls.close(reason === 'length'), { type: 'finish', reason, raw }];
  }
}

/** How OpenRouter and Mistral, vLLM and SGLang, and DeepSeek say that the answer is not whole. */
const brokenOff = new Map<string, ProviderErrorKind>([
  ['error', 'server'],
  ['abort', 'stream_incomplete'],
  ['insufficient_system_resource', 'overloaded'],
]);

/** Unknown reasons are a stop; a `stop` with tool calls (as several servers say it) means the calls. */
function finishReason(raw: string, called: boolean): FinishReason {
  if (raw === 'length' || raw === 'max_tokens' || raw === 'model_length') return 'length';
  if (raw === 'content_filter' || raw === 'refusal') return raw;
  return called ? 'tool_calls' : 'stop';
}

function chatUsage(usage: JsonObject): Usage | null {
  const ofPrompt = objectAt(usage, 'prompt_tokens_details');
  const ofAnswer = objectAt(usage, 'completion_tokens_details');
  const prompt = countAt(usage, 'prompt_tokens') ?? 0;
  const answer = countAt(usage, 'completion_tokens') ?? 0;
  const reasoning = countAt(ofAnswer, 'reasoning_tokens') ?? 0;
  // xAI and Gemini count thinking beside the answer; only the total tells, and Gemini gives no details.
  const left = (countAt(usage, 'total_tokens') ?? 0) - prompt - answer;
  const plain = ofPrompt === undefined && ofAnswer === undefined;
  const beside = left > 0 && (left === reasoning || plain) ? left : 0;
  return reportedUsage({
    prompt,
    // DeepSeek reports its cache beside the details.
    cacheRead: countAt(ofPrompt, 'cached_tokens') ?? countAt(usage, 'prompt_cache_hit_tokens'),
    cacheWrite: countAt(ofPrompt, 'cache_write_tokens'),
    output: answer + beside,
    reasoning: Math.max(reasoning, beside),
  });
}
