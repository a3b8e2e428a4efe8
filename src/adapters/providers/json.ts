/**
 * Reading answers of a foreign server: every access is checked, nothing is trusted to have the shape its documentation
 * says. Written by hand because a schema check of every delta would cost more than the rest of the adapter.
 */
import type { JsonObject } from '../../core/message.ts';
import { excerpt } from '../../core/redact.ts';
import { badResponse } from './fault.ts';

const maxFrameShown = 120;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const objectAt = (object: JsonObject | undefined, key: string): JsonObject | undefined => {
  const value = object?.[key];
  return isObject(value) ? value : undefined;
};

export const stringAt = (object: JsonObject | undefined, key: string): string | undefined => {
  const value = object?.[key];
  return typeof value === 'string' ? value : undefined;
};

/** A count: finite and not negative. */
export const countAt = (object: JsonObject | undefined, key: string): number | undefined => {
  const value = object?.[key];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
};

const none: readonly JsonObject[] = [];

/** The objects of an array; anything else in it is skipped. */
export const objectsAt = (object: JsonObject | undefined, key: string): readonly JsonObject[] => {
  const value = object?.[key];
  if (!Array.isArray(value)) return none;
  return value.every(isObject) ? value : value.filter(isObject);
};

/** The JSON object in `text`, or null. */
export function tryParseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** One frame of a stream; throws a bad_response fault when it is not a JSON object. */
export function parseFrame(text: string): JsonObject {
  const frame = tryParseObject(text);
  if (frame === null) throw badResponse(`The answer holds a malformed frame: ${excerpt(text, maxFrameShown)}`);
  return frame;
}
