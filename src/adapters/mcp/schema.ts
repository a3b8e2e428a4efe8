/**
 * What a server says about the arguments of a tool, made small enough to travel with every request, and the least that
 * is checked of a call before it leaves: the server checks the rest.
 */
import type { JsonObject, JsonValue } from '../../core/message.ts';

const maxDepth = 12;
/** References that name each other can make a small schema endless. */
const maxNodes = 2000;
const maxChars = 8192;
const maxText = 200;
const maxListed = 100;

/** Keywords that say which arguments are right; titles, examples, ids and the like cost tokens and say nothing. */
const plainKeywords = [
  'type',
  'required',
  'enum',
  'const',
  'default',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minItems',
  'maxItems',
] as const;
const schemaKeywords = ['items', 'additionalProperties', 'not'];
const listKeywords = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Invisible characters hide text from the person who reads what a server says, not from the model. */
export const oneLine = (text: string): string => text.replaceAll(/[\s\p{Cc}\p{Cf}\p{Co}]+/gu, ' ').trim();

export const cut = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1)}…`);

/** A schema that stands alone, or why it cannot be used. */
export function boundedSchema(schema: unknown): { parameters: JsonObject } | { problem: string } {
  if (schema === undefined || schema === null) return { parameters: { type: 'object', properties: {} } };
  if (!isObject(schema)) return { problem: 'its input schema is no object' };
  for (const texts of [true, false]) {
    const walker = new Walker(schema, texts);
    const bounded = walker.walk(schema, 0, []);
    if (walker.problem !== null) return { problem: walker.problem };
    if (!isObject(bounded) || (bounded['type'] ?? 'object') !== 'object')
      return { problem: 'its input schema does not describe an object' };
    const whole = { ...bounded, type: 'object', properties: bounded['properties'] ?? {} };
    if (JSON.stringify(whole).length <= maxChars) return { parameters: whole };
  }
  return { problem: `its input schema is larger than ${maxChars} characters` };
}

class Walker {
  problem: string | null = null;
  readonly #root: JsonObject;
  readonly #texts: boolean;
  #nodes = 0;

  constructor(root: JsonObject, texts: boolean) {
    this.#root = root;
    this.#texts = texts;
  }

  /** `refs`: those being resolved, outermost first. Where a schema holds itself, the inner one takes anything. */
  walk(schema: JsonValue, depth: number, refs: readonly string[]): JsonValue {
    if (!isObject(schema)) return typeof schema === 'boolean' ? schema : {};
    if (depth > maxDepth) return {};
    if (++this.#nodes > maxNodes) {
      this.problem ??= 'its input schema is endless';
      return {};
    }
    const { $ref: ref } = schema;
    if (typeof ref === 'string') return this.#resolve(ref, schema, depth, refs);
    const entries: [string, JsonValue][] = [];
    for (const [key, value] of Object.entries(schema)) {
      const kept = this.#keyword(key, value, depth, refs);
      if (kept !== undefined) entries.push([key, kept]);
    }
    return Object.fromEntries(entries);
  }

  #keyword(key: string, value: JsonValue, depth: number, refs: readonly string[]): JsonValue | undefined {
    if (key === 'description') {
      return this.#texts && typeof value === 'string' ? cut(oneLine(value), maxText) : undefined;
    }
    if (key === 'properties') {
      if (!isObject(value)) return undefined;
      return Object.fromEntries(
        Object.entries(value).map(([name, property]) => [name, this.walk(property, depth + 1, refs)]),
      );
    }
    if (schemaKeywords.includes(key)) return this.walk(value, depth + 1, refs);
    if (listKeywords.includes(key)) {
      return Array.isArray(value)
        ? value.slice(0, maxListed).map((part) => this.walk(part, depth + 1, refs))
        : undefined;
    }
    return plainKeywords.some((plain) => plain === key) ? value : undefined;
  }

  #resolve(ref: string, { description }: JsonObject, depth: number, refs: readonly string[]): JsonValue {
    if (refs.includes(ref)) return {};
    const target = this.#target(ref);
    if (target === undefined) {
      this.problem ??= `its input schema refers to ${cut(oneLine(ref), 80)}, which is not part of it`;
      return {};
    }
    const resolved = this.walk(target, depth + 1, [...refs, ref]);
    if (!isObject(resolved) || !this.#texts || typeof description !== 'string') return resolved;
    return { ...resolved, description: cut(oneLine(description), maxText) };
  }

  #target(ref: string): JsonValue | undefined {
    if (ref === '#') return this.#root;
    if (!ref.startsWith('#/')) return undefined;
    let at: JsonValue = this.#root;
    for (const segment of ref.slice(2).split('/')) {
      const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
      if (!isObject(at) || !Object.hasOwn(at, key)) return undefined;
      at = at[key] ?? null;
    }
    return at;
  }
}

/** Why a call cannot be right, in words for the model; null when the server may judge. */
export function argumentProblem(schema: JsonObject, args: JsonObject): string | null {
  const { required, properties: described, additionalProperties } = schema;
  const properties = isObject(described) ? described : {};
  const problems = (Array.isArray(required) ? required : [])
    .filter((name) => typeof name === 'string')
    .filter((name) => !Object.hasOwn(args, name))
    .map((name) => `${name}: it is required`);
  for (const [name, value] of Object.entries(args)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) {
      if (additionalProperties === false) problems.push(`${cut(name, 80)}: there is no such argument`);
      continue;
    }
    const types = isObject(property) ? typesOf(property['type']) : [];
    if (types.length > 0 && !types.some((type) => isOfType(value, type)))
      problems.push(`${name}: it must be ${types.join(' or ')}`);
  }
  return problems.length === 0 ? null : problems.slice(0, 5).join('; ');
}

const typesOf = (type: JsonValue | undefined): string[] =>
  (Array.isArray(type) ? type : [type]).filter((one) => typeof one === 'string');

function isOfType(value: JsonValue, type: string): boolean {
  switch (type) {
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    default:
      return true;
  }
}
