/**
 * What some servers demand back with the calls they made, or they refuse what follows: DeepSeek and Kimi the thinking
 * before them (`reasoning_content`), Gemini a signature in each (`extra_content`). Others refuse the same fields as
 * unknown, so each server gets only its own.
 */
import type { JsonObject, JsonValue } from '../../../core/message.ts';
import type { ModelEvent, RequestPart } from '../../../core/ports/provider.ts';
import { isObject } from '../json.ts';
import type { ChatStyle } from './style.ts';

/** The event that ends the thinking before calls. `extras`: by place of the call, null where it has none. */
export function replayEvent(provider: string, thought: boolean, extras: (JsonObject | null)[]): ModelEvent[] {
  const signed = extras.some((extra) => extra !== null);
  if (!thought && !signed) return [];
  const replay = { provider, ...(thought ? { thought } : {}), ...(signed ? { extras } : {}) };
  return [{ type: 'reasoning', text: '', replay }];
}

/** What goes back with the calls of one message: what this provider said with them, else what it wants in its place. */
export function replayOf(
  parts: readonly RequestPart[],
  { provider, thoughts }: ChatStyle,
): { thought: string | undefined; extras: readonly JsonValue[] } {
  let thought = thoughts ? '' : undefined;
  for (const part of parts) {
    if (part.type !== 'reasoning' || !isObject(part.replay) || part.replay['provider'] !== provider) continue;
    if (part.replay['thought'] === true) thought = part.text;
    const { extras } = part.replay;
    return { thought, extras: Array.isArray(extras) ? extras : [] };
  }
  return { thought, extras: [] };
}

/** Google's own word for calls that were made elsewhere (ai.google.dev, thought signatures). */
const unsigned: JsonObject = { google: { thought_signature: 'skip_thought_signature_validator' } };

export function extraOf(extra: JsonValue | undefined, { signatures }: ChatStyle): JsonObject {
  if (isObject(extra)) return { extra_content: extra };
  return signatures ? { extra_content: unsigned } : {};
}
