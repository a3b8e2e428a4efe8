import type { JsonObject } from '../../../core/message.ts';
import type { FinishReason, ModelEvent, Usage } from '../../../core/ports/provider.ts';
import { reportedFault } from '../failure.ts';
import { FaultError, badResponse } from '../fault.ts';
import type { Translator } from '../frame-reader.ts';
import { countAt, objectAt, objectsAt, parseFrame, stringAt } from '../json.ts';
import { maxFrameLength } from '../lines.ts';
import { ToolCalls } from '../tool-calls.ts';
import { anthropicErrors } from './errors.ts';

/** A thinking block while it is written; its signature comes last. */
interface Thinking {
  text: string;
  signature: string;
}

/**
 * Events of a message. Terminal evidence is `message_stop`, or the `stop_reason` of a `message_delta`. Thinking blocks
 * are kept whole for replay: the API checks their signatures.
 */
export class MessagesTranslator implements Translator {
  usage: Usage | null = null;
  readonly #calls = new ToolCalls();
  readonly #thinking = new Map<number, Thinking>();
  #reported: JsonObject = {};
  #stopReason: string | null = null;
  #spoke = false;

  get ending(): boolean {
    return this.#stopReason !== null;
  }

  frame(data: string, name: string): ModelEvent[] {
    // Of OpenAI's protocol; proxies add it.
    if (data.trim() === '[DONE]') return this.end();
    const event = parseFrame(data);
    const index = countAt(event, 'index') ?? 0;
    switch (stringAt(event, 'type') ?? name) {
      case 'message_start':
        this.#report(objectAt(objectAt(event, 'message'), 'usage'));
        return [];
      case 'ping':
        return [{ type: 'status', state: 'ping' }];
      case 'content_block_start':
        return this.#opened(objectAt(event, 'content_block'), index);
      case 'content_block_delta':
        return this.#delta(objectAt(event, 'delta'), index);
      case 'content_block_stop':
        return this.#closed(index);
      case 'message_delta':
        this.#report(objectAt(event, 'usage'));
        this.#stopReason = stringAt(objectAt(event, 'delta'), 'stop_reason') ?? this.#stopReason;
        return [];
      case 'message_stop':
        return this.#finished(this.#stopReason ?? '');
      case 'error':
        throw reportedFault(anthropicErrors, anthropicErrors.read(event) ?? { message: data });
      default:
        return [];
    }
  }

  whole(answer: JsonObject): ModelEvent[] {
    const error = anthropicErrors.read(answer);
    if (error !== null) throw reportedFault(anthropicErrors, error);
    this.#report(objectAt(answer, 'usage'));
    const events = objectsAt(answer, 'content').flatMap((block, index) => [
      ...this.#opened(block, index),
      ...this.#closed(index),
    ]);
    const stopReason = stringAt(answer, 'stop_reason');
    return stopReason === undefined ? events : [...events, ...this.#finished(stopReason)];
  }

  end(): ModelEvent[] {
    return this.#stopReason === null ? [] : this.#finished(this.#stopReason);
  }

  /**
   * Counts of later events replace those of earlier ones, but for a zero: some servers say only at one end what the input
   * was. It is without what the cache served already.
   */
  #report(usage: JsonObject | undefined): void {
    if (usage === undefined) return;
    for (const [name, value] of Object.entries(usage)) if (value !== null && value !== 0) this.#reported[name] = value;
    const counts = {
      input: countAt(this.#reported, 'input_tokens') ?? 0,
      cacheRead: countAt(this.#reported, 'cache_read_input_tokens') ?? 0,
      cacheWrite: countAt(this.#reported, 'cache_creation_input_tokens') ?? 0,
      output: countAt(this.#reported, 'output_tokens') ?? 0,
    };
    const any = counts.input + counts.cacheRead + counts.cacheWrite + counts.output > 0;
    this.usage = any ? { ...counts, reasoning: 0, estimated: false } : null;
  }

  #opened(block: JsonObject | undefined, index: number): ModelEvent[] {
    switch (block?.['type']) {
      case 'text':
        return this.#say(stringAt(block, 'text'));
      case 'tool_use': {
        this.#calls.open(index, stringAt(block, 'id'), stringAt(block, 'name'));
        const input = objectAt(block, 'input') ?? {};
        // Streamed calls begin with an empty object and write the true one in pieces.
        const piece = Object.keys(input).length === 0 ? null : this.#calls.append(index, JSON.stringify(input));
        return piece === null ? [] : [piece];
      }
      case 'thinking': {
        const thinking = { text: stringAt(block, 'thinking') ?? '', signature: stringAt(block, 'signature') ?? '' };
        this.#thinking.set(index, thinking);
        return thinking.text === '' ? [] : [{ type: 'reasoning', text: thinking.text }];
      }
      case 'redacted_thinking':
        return [{ type: 'reasoning', text: '', replay: block }];
      default:
        return [];
    }
  }

  #delta(delta: JsonObject | undefined, index: number): ModelEvent[] {
    const thinking = this.#thinking.get(index);
    switch (delta?.['type']) {
      case 'text_delta':
        return this.#say(stringAt(delta, 'text'));
      case 'input_json_delta': {
        const piece = this.#calls.append(index, stringAt(delta, 'partial_json') ?? '');
        return piece === null ? [] : [piece];
      }
      case 'thinking_delta': {
        const text = stringAt(delta, 'thinking') ?? '';
        if (thinking === undefined || text === '') return [];
        thinking.text += text;
        if (thinking.text.length > maxFrameLength) throw badResponse('A thinking block is too long.');
        return [{ type: 'reasoning', text }];
      }
      case 'signature_delta':
        if (thinking !== undefined) thinking.signature += stringAt(delta, 'signature') ?? '';
        return [];
      default:
        return [];
    }
  }

  #closed(index: number): ModelEvent[] {
    const thinking = this.#thinking.get(index);
    this.#thinking.delete(index);
    if (thinking === undefined || thinking.signature === '') return [];
    const replay = { type: 'thinking', thinking: thinking.text, signature: thinking.signature };
    return [{ type: 'reasoning', text: '', replay }];
  }

  #say(text: string | undefined): ModelEvent[] {
    if (!text) return [];
    this.#spoke = true;
    return [{ type: 'text', text }];
  }

  #finished(raw: string): ModelEvent[] {
    const full = raw === 'model_context_window_exceeded';
    if (full && !this.#spoke && this.#calls.size === 0)
      throw new FaultError({
        kind: 'context_overflow',
        message: 'The context window of the model is full.',
        code: raw,
      });
    const reason = full ? 'length' : finishReason(raw, this.#calls.size > 0);
    return [...this.#calls.close(reason === 'length'), { type: 'finish', reason, raw }];
  }
}

function finishReason(raw: string, called: boolean): FinishReason {
  if (raw === 'max_tokens') return 'length';
  if (raw === 'refusal') return raw;
  return called ? 'tool_calls' : 'stop';
}
