import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Usage } from '../../src/core/ports/provider.ts';
import { costOf, listPrice } from '../../src/core/prices.ts';

const usage: Usage = { input: 50, cacheRead: 900, cacheWrite: 50, output: 80, reasoning: 30, estimated: false };

test('each kind of token has its own price and reasoning is not paid twice', () => {
  const cost = costOf(usage, { input: 3, cacheRead: 0.3, cacheWrite: 3.75, output: 15 });
  assert.ok(Math.abs((cost ?? 0) - (50 * 3 + 900 * 0.3 + 50 * 3.75 + 80 * 15) / 1e6) < 1e-12);
});

test('an unknown price is null, never 0', () => {
  assert.equal(costOf(usage, null), null);
  assert.equal(listPrice('https://api.openai.com/v1', 'gpt-99'), null);
  assert.equal(listPrice('not a url', 'gpt-5'), null);
});

test('a model name costs its list price only at the vendor who bills it', () => {
  assert.equal(listPrice('http://127.0.0.1:8080/v1', 'gpt-5'), null);
  assert.equal(listPrice('https://api.openai.com/v1', 'gpt-5')?.output, 10);
});

test('a dated snapshot costs what its model costs, and a smaller sibling does not', () => {
  const at = (model: string) => listPrice('https://api.openai.com/v1', model)?.input;
  assert.equal(at('gpt-5-mini-2025-08-07'), 0.25);
  assert.equal(at('gpt-5-2025-08-07'), 1.25);
  assert.equal(listPrice('https://api.anthropic.com', 'claude-sonnet-4-5-20250929')?.cacheWrite, 3.75);
});
