import type { JsonObject } from '../../../core/message.ts';
import type { FinishReason, ModelEvent, Usage } from '../../../core/ports/provider.ts';
import { reportedFault } from '../failure.ts';
import { FaultError } from '../fault.ts';
import type { Translator } from '../frame-reader.ts';
import { countAt, objectAt, objectsAt, parseFrame, stringAt } from '../json.ts';
import { ToolCalls } from '../tool-calls.ts';
import { reportedUsage } from '../usage.ts';
import { responsesErrors } from './errors.ts';

/**
 * Events of a response. Terminal evidence is `response.completed`, `response.incomplete` or `response.failed`. Tool
 * calls are taken from their finished items; the pieces before are preview.
 */
export class ResponsesTranslator implements Translator {
  usage: Usage | null = null;
  /** The one piece of evidence is the end itself. */
  readonly ending = false;
  readonly #calls = new ToolCalls();
  #called = false;
  #refused = false;

  frame(data: string): ModelEvent[] {
    if (data.trim() === '[DONE]') return [];
    const event = parseFrame(data);
    switch (event['type']) {
      case 'response.output_text.delta':
        return text('text', event);
      case 'response.refusal.delta':
        this.#refused = true;
        return text('text', event);
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return text('reasoning', event);
      case 'response.output_item.added':
        return this.#opened(objectAt(event, 'item'), keyOf(event));
      case 'response.function_call_arguments.delta': {
        const piece = this.#calls.append(keyOf(event), stringAt(event, 'delta') ?? '');
        return piece === null ? [] : [piece];
      }
      case 'response.output_item.done':
        return this.#closed(objectAt(event, 'item'), keyOf(event));
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return this.#finished({ status: event['type'].slice('response.'.length), ...objectAt(event, 'response') });
      case 'error':
        throw reportedFault(responsesErrors, responsesErrors.read(event) ?? { message: data });
      default: {
        const error = event['type'] === undefined ? responsesErrors.read(event) : null;
        if (error !== null) throw reportedFault(responsesErrors, error);
        return [];
      }
    }
  }

  whole(answer: JsonObject): ModelEvent[] {
    const events: ModelEvent[] = [];
    for (const [index, item] of objectsAt(answer, 'output').entries()) {
      for (const part of objectsAt(item, 'content')) {
        if (part['type'] === 'refusal') this.#refused = true;
        const written = stringAt(part, 'text') ?? stringAt(part, 'refusal');
        if (written && item['type'] === 'message') events.push({ type: 'text', text: written });
      }
      events.push(...this.#opened(item, index), ...this.#closed(item, index));
    }
    return [...events, ...this.#finished(answer)];
  }

  /** The last event is the only evidence there is. */
  end(): ModelEvent[] {
    return [];
  }

  #opened(item: JsonObject | undefined, key: number): ModelEvent[] {
    if (item?.['type'] !== 'function_call') return [];
    this.#called = true;
    this.#calls.open(key, stringAt(item, 'call_id'), stringAt(item, 'name'));
    return [];
  }

  #closed(item: JsonObject | undefined, key: number): ModelEvent[] {
    if (item?.['type'] === 'reasoning' && stringAt(item, 'encrypted_content')) {
      const { status: _, ...replay } = item;
      return [{ type: 'reasoning', text: '', replay }];
    }
    const written = item?.['type'] === 'function_call' ? stringAt(item, 'arguments') : undefined;
    if (written === undefined) return [];
    this.#opened(item, key);
    this.#calls.settle(key, written);
    return [];
  }

  #finished(response: JsonObject): ModelEvent[] {
    const reported = objectAt(response, 'usage');
    if (reported !== undefined) this.usage = responsesUsage(reported);
    const error = responsesErrors.read(response);
    if (error !== null) throw reportedFault(responsesErrors, error);
    const status = stringAt(response, 'status');
    if (status === 'failed' || status === 'cancelled')
      throw new FaultError({ kind: 'server', message: `The response ended as ${status}.` });
    if (status === undefined) return [];
    const raw = stringAt(objectAt(response, 'incomplete_details'), 'reason') ?? status;
    const reason = this.#refused ? 'refusal' : finishReason(raw, this.#called);
    return [...this.#calls.close(reason === 'length'), { type: 'finish', reason, raw }];
  }
}

function text(type: 'text' | 'reasoning', event: JsonObject): ModelEvent[] {
  const delta = stringAt(event, 'delta');
  return delta ? [{ type, text: delta }] : [];
}

const keyOf = (event: JsonObject): number => countAt(event, 'output_index') ?? 0;

/** `incomplete` without a reason means that something is missing: never a plain stop. */
function finishReason(raw: string, called: boolean): FinishReason {
  if (raw === 'max_output_tokens' || raw === 'max_tokens' || raw === 'incomplete') return 'length';
  if (raw === 'content_filter') return raw;
  return called ? 'tool_calls' : 'stop';
}

function responsesUsage(usage: JsonObject): Usage | null {
  const details = objectAt(usage, 'input_tokens_details');
  return reportedUsage({
    prompt: countAt(usage, 'input_tokens'),
    cacheRead: countAt(details, 'cached_tokens'),
    cacheWrite: countAt(details, 'cache_write_tokens'),
    output: countAt(usage, 'output_tokens'),
    reasoning: countAt(objectAt(usage, 'output_tokens_details'), 'reasoning_tokens'),
  });
}
