import type { JsonObject } from '../../../core/message.ts';
import type { FinishReason, ModelEvent, Usage } from '../../../core/ports/provider.ts';
import { reportedFault } from '../failure.ts';
import type { Translator } from '../frame-reader.ts';
import { countAt, objectAt, objectsAt, parseFrame, stringAt } from '../json.ts';
import { ToolCalls, argumentsIn } from '../tool-calls.ts';
import { reportedUsage } from '../usage.ts';
import { ollamaErrors } from './errors.ts';

/**
 * Lines of a chat. Terminal evidence is `"done": true`, or a `done_reason`, beside which some of its engines leave that
 * out. Tool calls arrive whole, and without ids.
 */
export class OllamaTranslator implements Translator {
  usage: Usage | null = null;
  /** The one piece of evidence is the end itself. */
  readonly ending = false;
  readonly #calls = new ToolCalls();

  frame(data: string): ModelEvent[] {
    return this.whole(parseFrame(data));
  }

  whole(line: JsonObject): ModelEvent[] {
    const error = ollamaErrors.read(line);
    if (error !== null) throw reportedFault(ollamaErrors, error);
    const events: ModelEvent[] = [];
    const message = objectAt(line, 'message');
    const thinking = stringAt(message, 'thinking');
    if (thinking) events.push({ type: 'reasoning', text: thinking });
    const text = stringAt(message, 'content');
    if (text) events.push({ type: 'text', text });
    for (const call of objectsAt(message, 'tool_calls')) {
      const piece = this.#called(call);
      if (piece !== null) events.push(piece);
    }
    const done = line['done'] === true || Boolean(stringAt(line, 'done_reason'));
    return done ? [...events, ...this.#finished(line)] : events;
  }

  /** The last line is the only evidence there is. */
  end(): ModelEvent[] {
    return [];
  }

  #called(call: JsonObject): ModelEvent | null {
    const written = objectAt(call, 'function');
    const key = this.#calls.size;
    this.#calls.open(key, stringAt(call, 'id'), stringAt(written, 'name'));
    return this.#calls.append(key, argumentsIn(written));
  }

  #finished(line: JsonObject): ModelEvent[] {
    this.usage = reportedUsage({ prompt: countAt(line, 'prompt_eval_count'), output: countAt(line, 'eval_count') });
    const raw = stringAt(line, 'done_reason') ?? '';
    const reason: FinishReason = raw === 'length' ? 'length' : this.#calls.size > 0 ? 'tool_calls' : 'stop';
    return [...this.#calls.close(reason === 'length'), { type: 'finish', reason, raw }];
  }
}
