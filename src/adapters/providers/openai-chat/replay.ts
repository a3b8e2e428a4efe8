/**
 * What some servers demand back with the calls they made, or they refuse what follows: DeepSeek and Kimi the thinking
 * before them (`reasoning_content`), Gemini a signature in each (`extra_content`). Others refuse the same fields as
 * unknown, so each server gets only its own.
 */
import type { JsonObject, JsonValue } from '../../../core/message.ts';
import type { ModelEvent, RequestPart } from '../../../core/ports/provider.ts';
import { isObject } from '../json.ts';

/** The event that ends the thinking before calls. `extras`: by place of the call, null where it has none. */
export function replayEvent(provider: string, thought: boolean, extras: (JsonObject | null)[]): ModelEvent[] {
  const signed = extras.some((extra) => extra !== null);
  if (!thought && !signed) return [];
  const replay = { provider, ...(thought ? { thought } : {}), ...(signed ? { extras } : {}) };
  return [{ type: 'reasoning', text: '', replay }];
}

/** What goes back to `provider` with the calls of one message. */
export function replayOf(
  parts: readonly RequestPart[],
  provider: string,
): { thought: string | undefined; extras: readonly JsonValue[] } {
  for (const part of parts) {
    if (part.type !== 'reasoning' || !isObject(part.replay) || part.replay['provider'] !== provider) continue;
    const { thought, extras } = part.replay;
    return { thought: thought === true ? part.text : undefined, extras: Array.isArray(extras) ? extras : [] };
  }
  return { thought: undefined, extras: [] };
}
