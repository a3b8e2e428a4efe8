/** From the part of JSON Schema that plugins may use to a schema that checks. */
import * as z from 'zod/mini';
import type { ObjectSchema, ValueSchema } from '../../plugin-api/index.ts';
import { PluginProblem } from './problem.ts';

const maxDepth = 4;
const maxProperties = 30;
const argumentName = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

const keywords: Record<ValueSchema['type'], readonly string[]> = {
  string: ['enum', 'minLength', 'maxLength'],
  integer: ['minimum', 'maximum'],
  number: ['minimum', 'maximum'],
  boolean: [],
  array: ['items', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties'],
};

/** Throws PluginProblem for what is outside of that part: an unchecked keyword would be a promise that nobody keeps. */
export function objectSchema(schema: ObjectSchema, depth = 0): z.ZodMiniType<Record<string, unknown>> {
  check(schema, depth);
  if (schema.type !== 'object') throw new PluginProblem('parameters are a schema of type "object"');
  const required = new Set(schema.required);
  const entries = Object.entries(schema.properties);
  if (entries.length > maxProperties) throw new PluginProblem(`parameters have more than ${maxProperties} properties`);
  const shape = entries.map(([name, value]): [string, z.ZodMiniType] => {
    if (!argumentName.test(name) || name === '__proto__')
      throw new PluginProblem(`${JSON.stringify(name)} is no name of an argument`);
    const inner = valueSchema(value, depth + 1);
    return [name, required.has(name) ? inner : z.optional(inner)];
  });
  return described(z.strictObject(Object.fromEntries(shape)), schema);
}

function valueSchema(schema: ValueSchema, depth: number): z.ZodMiniType {
  check(schema, depth);
  switch (schema.type) {
    case 'string': {
      const { enum: words, minLength, maxLength } = schema;
      if (words !== undefined) return described(z.enum(words as [string, ...string[]]), schema);
      const limits = [
        minLength !== undefined && z.minLength(minLength),
        maxLength !== undefined && z.maxLength(maxLength),
      ];
      return described(z.string().check(...limits.filter((limit) => limit !== false)), schema);
    }
    case 'integer':
    case 'number': {
      const { minimum, maximum } = schema;
      const limits = [minimum !== undefined && z.minimum(minimum), maximum !== undefined && z.maximum(maximum)];
      const number = schema.type === 'integer' ? z.int() : z.number();
      return described(number.check(...limits.filter((limit) => limit !== false)), schema);
    }
    case 'boolean':
      return described(z.boolean(), schema);
    case 'array': {
      const list = z.array(valueSchema(schema.items, depth + 1));
      return described(schema.maxItems === undefined ? list : list.check(z.maxLength(schema.maxItems)), schema);
    }
    case 'object':
      return objectSchema(schema, depth);
  }
}

function described<S extends z.ZodMiniType>(schema: S, { description }: { description?: string }): S {
  return description === undefined ? schema : schema.check(z.describe(description));
}

function check(schema: ValueSchema, depth: number): void {
  if (depth > maxDepth) throw new PluginProblem('parameters are nested too deeply');
  if (typeof schema !== 'object' || schema === null || !Object.hasOwn(keywords, schema.type))
    throw new PluginProblem(`parameters are made of the types ${Object.keys(keywords).join(', ')}`);
  const strange = Object.keys(schema).find(
    (key) => key !== 'type' && key !== 'description' && !keywords[schema.type].includes(key),
  );
  if (strange !== undefined)
    throw new PluginProblem(`parameters of type "${schema.type}" cannot have ${JSON.stringify(strange.slice(0, 40))}`);
}
