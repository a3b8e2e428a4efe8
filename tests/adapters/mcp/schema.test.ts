import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { argumentProblem, boundedSchema } from '../../../src/adapters/mcp/schema.ts';
import type { JsonObject } from '../../../src/core/message.ts';

const used = (schema: unknown): JsonObject => {
  const bounded = boundedSchema(schema);
  assert.ok('parameters' in bounded, JSON.stringify(bounded));
  return bounded.parameters;
};

describe('the schema of a tool', () => {
  test('stands alone: references are resolved, what says nothing is left out', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Args',
      type: 'object',
      properties: {
        place: { $ref: '#/$defs/place', description: 'Where.' },
        days: { type: 'integer', title: 'Days', examples: [1], minimum: 1 },
      },
      required: ['place'],
      $defs: {
        place: { type: 'object', properties: { 'a/b': { $ref: '#/$defs/name~1s' } } },
        'name/s': { type: 'string' },
      },
    };
    assert.deepEqual(used(schema), {
      type: 'object',
      properties: {
        place: { type: 'object', properties: { 'a/b': { type: 'string' } }, description: 'Where.' },
        days: { type: 'integer', minimum: 1 },
      },
      required: ['place'],
    });
  });

  test('none is one without arguments', () => {
    assert.deepEqual(used(undefined), { type: 'object', properties: {} });
    assert.deepEqual(used({}), { type: 'object', properties: {} });
  });

  test('one that holds itself ends where it would begin again', () => {
    const node = { type: 'object', properties: { child: { $ref: '#/$defs/node' }, all: { $ref: '#' } } };
    assert.deepEqual(used({ ...node, $defs: { node } })['properties'], {
      child: { type: 'object', properties: { child: {}, all: { type: 'object', properties: { child: {}, all: {} } } } },
      all: { type: 'object', properties: { child: { type: 'object', properties: { child: {}, all: {} } }, all: {} } },
    });
  });

  for (const [what, schema, words] of [
    ['a reference to elsewhere', { properties: { a: { $ref: 'https://127.0.0.1/x' } } }, /refers to https:/],
    ['a reference to nothing', { properties: { a: { $ref: '#/$defs/no' } } }, /not part of it/],
    ['a reference to what every object has', { properties: { a: { $ref: '#/constructor' } } }, /not part of it/],
    ['no object', [1], /is no object/],
    ['an array', { type: 'array' }, /does not describe an object/],
    ['too much', { properties: { a: { enum: Array.from({ length: 3000 }, (_, n) => `v${n}`) } } }, /larger than 8192/],
    [
      'references that double each other',
      {
        properties: { a: { $ref: '#/$defs/d0' } },
        $defs: Object.fromEntries(
          Array.from({ length: 40 }, (_, n) => [
            `d${n}`,
            { anyOf: Array.from({ length: 9 }, () => ({ $ref: `#/$defs/d${n + 1}` })) },
          ]),
        ),
      },
      /endless/,
    ],
  ] as const) {
    test(`${what} is refused`, () => {
      const bounded = boundedSchema(schema);
      assert.ok('problem' in bounded);
      assert.match(bounded.problem, words);
    });
  }

  test('words go before arguments do: a schema that is large by its descriptions is kept', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`p${n}`, { type: 'string', description: 'x'.repeat(500) }]),
    );
    const bounded = used({ type: 'object', properties });
    assert.deepEqual((bounded['properties'] as JsonObject)['p7'], { type: 'string' });
  });

  test('whatever a server sends, it is small or refused, and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (schema) => {
        assert.ok(JSON.stringify(boundedSchema(schema)).length < 9000);
        const nested = boundedSchema({ type: 'object', properties: { a: schema, __proto__: schema } });
        assert.ok(JSON.stringify(nested).length < 9000);
      }),
    );
  });
});

describe('the arguments of a call', () => {
  const schema: JsonObject = {
    type: 'object',
    properties: {
      text: { type: 'string' },
      count: { type: 'integer' },
      more: { type: ['object', 'null'] },
      any: {},
      list: { type: 'array' },
    },
    required: ['text'],
  };

  for (const [args, problem] of [
    [{ text: 'a' }, null],
    [{ text: 'a', count: 2, more: null, any: [1], list: [], other: 1 }, null],
    [{}, 'text: it is required'],
    [{ text: 7 }, 'text: it must be string'],
    [{ text: 'a', count: 1.5 }, 'count: it must be integer'],
    [{ text: 'a', more: [] }, 'more: it must be object or null'],
    [{ text: 'a', list: {} }, 'list: it must be array'],
  ] as const) {
    test(`${JSON.stringify(args)} is ${problem ?? 'for the server to judge'}`, () => {
      assert.equal(argumentProblem(schema, args as unknown as JsonObject), problem);
    });
  }

  test('a closed schema takes no other argument, not even one that every object has', () => {
    const closed = { ...schema, additionalProperties: false };
    assert.equal(argumentProblem(closed, { text: 'a', owner_id: 'ben' }), 'owner_id: there is no such argument');
    assert.equal(argumentProblem(closed, { text: 'a', constructor: 1 }), 'constructor: there is no such argument');
  });
});
