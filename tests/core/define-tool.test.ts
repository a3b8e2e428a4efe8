import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod/mini';
import { defineTool } from '../../src/core/define-tool.ts';

const tool = defineTool({
  name: 'sample',
  description: 'x',
  effects: ['read', 'write'],
  input: () =>
    z.strictObject({
      text: z.string().check(z.minLength(2), z.maxLength(4)),
      count: z.optional(z.int().check(z.minimum(1))),
      kind: z.optional(z.enum(['a', 'b'])),
    }),
  effectsOf: ({ kind }) => (kind === 'b' ? ['write'] : ['read']),
  run: async ({ text }) => ({ text }),
});

const problem = (args: Record<string, string | number | boolean>): string => {
  const prepared = tool.prepare(args);
  return 'problem' in prepared ? prepared.problem : 'none';
};

it('what is wrong with arguments is told in words that a model can act on, the argument by name', () => {
  assert.equal(problem({ text: 'abc', owner_id: 'me' }), 'there is no argument "owner_id"');
  assert.equal(problem({}), 'text: it takes string');
  assert.equal(problem({ text: 5 }), 'text: it takes string');
  assert.equal(problem({ text: 'a' }), 'text: at least 2');
  assert.equal(problem({ text: 'abcde' }), 'text: at most 4');
  assert.equal(problem({ text: 'abc', kind: 'c' }), 'kind: it takes one of "a", "b"');
  assert.equal(problem({ text: 'abc', count: 0 }), 'count: at least 1');
  assert.equal(problem({ text: 'abc', count: 1 }), 'none');
});

it('what a call does follows from its arguments where the tool says so', () => {
  const effects = (kind: string): unknown => (tool.prepare({ text: 'abc', kind }) as { effects: unknown }).effects;
  assert.deepEqual([effects('a'), effects('b')], [['read'], ['write']]);
});
