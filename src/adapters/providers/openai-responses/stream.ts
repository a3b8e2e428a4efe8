import type { JsonObject } from '../../../core/message.ts';
import type { FinishReason, ModelEvent, Usage } from '../../../core/ports/provider.ts';
import { reportedFault } from '../failure.ts';
import { FaultError } from '../fault.ts';
import type { Translator } from '../frame-reader.ts';
import { countAt, objectAt, objectsAt, parseFrame, stringAt } from '../json.ts';
import { ToolCalls, argumentsIn } from '../tool-calls.ts';
import { reportedUsage } from '../usage.ts';
import { responsesErrors } from './errors.ts';

/**
 * Events of a response. Terminal evidence is `response.completed`, `response.incomplete` or `response.failed`. Tool
 * calls are taken from their finished items; the pieces before are preview. What compatible servers never streamed is
 * taken from finished items and the finished response.
 */
export class ResponsesTranslator implements Translator {
  usage: Usage | null = null;
  /** The one piece of evidence is the end itself. */
  readonly ending = false;
  readonly #calls = new ToolCalls();
  #called = false;
  #refused = false;
  /** Text came in pieces; and: any text came. */
  #streamed = false;
  #spoke = false;

  frame(data: string, name: string): ModelEvent[] {
    if (data.trim() === '[DONE]') return [];
    const event = parseFrame(data);
    const type = stringAt(event, 'type') ?? name;
    switch (type) {
      case 'response.output_text.delta':
        return this.#piece(event);
      case 'response.refusal.delta':
        this.#refused = true;
        return this.#piece(event);
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return text('reasoning', stringAt(event, 'delta'));
      case 'response.output_item.added':
        this.#opened(objectAt(event, 'item'), indexOf(event));
        return [];
      case 'response.function_call_arguments.delta': {
        const key = this.#calls.keyFor(indexOf(event), undefined, undefined, '');
        const piece = this.#calls.append(key, stringAt(event, 'delta') ?? '');
        return piece === null ? [] : [piece];
      }
      case 'response.output_item.done': {
        const item = objectAt(event, 'item');
        const told = this.#streamed ? [] : this.#said(item);
        return [...told, ...this.#closed(item, indexOf(event))];
      }
      case 'response.completed':
      case 'response.incomplete':
        return this.#ended({ status: type.slice('response.'.length), ...objectAt(event, 'response') });
      case 'response.failed':
        return this.#finished({ status: 'failed', ...objectAt(event, 'response') });
      case 'error':
        throw reportedFault(responsesErrors, responsesErrors.read({ ...event, type }) ?? { message: data });
      default: {
        const error = event['type'] === undefined ? responsesErrors.read(event) : null;
        if (error !== null) throw reportedFault(responsesErrors, error);
        return [];
      }
    }
  }

  whole(answer: JsonObject): ModelEvent[] {
    const items = objectsAt(answer, 'output');
    const events = items.flatMap((item, index) => [...this.#said(item), ...this.#closed(item, index)]);
    return [...events, ...this.#finished(answer)];
  }

  /** The last event is the only evidence there is. */
  end(): ModelEvent[] {
    return [];
  }

  #piece(event: JsonObject): ModelEvent[] {
    const pieces = text('text', stringAt(event, 'delta'));
    if (pieces.length > 0) this.#streamed = this.#spoke = true;
    return pieces;
  }

  /** The text of a finished item. */
  #said(item: JsonObject | undefined): ModelEvent[] {
    if (item?.['type'] !== 'message') return [];
    const events = objectsAt(item, 'content').flatMap((part) => {
      if (part['type'] === 'refusal') this.#refused = true;
      return text('text', stringAt(part, 'text') ?? stringAt(part, 'refusal'));
    });
    if (events.length > 0) this.#spoke = true;
    return events;
  }

  #opened(item: JsonObject | undefined, index: number): string | null {
    if (item?.['type'] !== 'function_call') return null;
    this.#called = true;
    const id = stringAt(item, 'call_id');
    const name = stringAt(item, 'name');
    const key = this.#calls.keyFor(index, id, name, '');
    this.#calls.open(key, id, name);
    return key;
  }

  #closed(item: JsonObject | undefined, index: number): ModelEvent[] {
    if (item?.['type'] === 'reasoning' && stringAt(item, 'encrypted_content')) {
      const { status: _, ...replay } = item;
      return [{ type: 'reasoning', text: '', replay }];
    }
    const key = this.#opened(item, index);
    if (key !== null && item?.['arguments'] !== undefined) this.#calls.settle(key, argumentsIn(item));
    return [];
  }

  #ended(response: JsonObject): ModelEvent[] {
    const items = objectsAt(response, 'output');
    const said = this.#spoke ? [] : items.flatMap((item) => this.#said(item));
    if (!this.#called)
      for (const [index, item] of items.entries()) if (item['type'] !== 'reasoning') this.#closed(item, index);
    return [...said, ...this.#finished(response)];
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

const text = (type: 'text' | 'reasoning', written: string | undefined): ModelEvent[] =>
  written ? [{ type, text: written }] : [];

/** Some servers number nothing. */
const indexOf = (event: JsonObject): number => countAt(event, 'output_index') ?? 0;

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
