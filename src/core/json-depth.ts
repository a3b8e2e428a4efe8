import type { JsonValue } from './message.ts';

/** Whether objects and lists stand inside each other on more levels than these. Walks by level: no depth is too much for it. */
export function nestedDeeperThan(value: JsonValue, levels: number): boolean {
  let level = [value].filter(isNest);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === levels) return true;
    level = level.flatMap((nest) => Object.values<JsonValue>(nest)).filter(isNest);
  }
  return false;
}

const isNest = (value: JsonValue): value is JsonValue[] | { [key: string]: JsonValue } =>
  typeof value === 'object' && value !== null;
