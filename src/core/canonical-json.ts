import type { JsonObject, JsonValue } from './message.ts';

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The same value with the keys of every object sorted, so that what is equal serialises to equal bytes. */
export function canonical<T extends JsonValue>(value: T): T;
export function canonical(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => canonical(item));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, canonical(value[key] ?? null)]),
  );
}

export const canonicalJson = (value: JsonValue): string => JSON.stringify(canonical(value));
