import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../../src/adapters/logging/index.ts';
import { maxTailLength, Tail } from '../../../src/adapters/logging/tail.ts';
import { registerSecret } from '../../../src/core/redact.ts';

test('the last lines are kept by their size, however many were logged', () => {
  const tail = new Tail(1);
  const text = 'x'.repeat(1000);
  for (let n = 0; n < 5000; n++) tail.add(n, 'info', text);
  const kept = tail.lines({}, Infinity);
  assert.ok(kept.length * text.length <= maxTailLength);
  assert.ok(kept.length * text.length >= maxTailLength * 0.7);
  assert.equal(kept.at(-1)?.at, 4999);
  tail.add(5000, 'info', 'y'.repeat(2 * maxTailLength));
  assert.equal(tail.lines({}, 10).length, 0, 'a line that is larger than all that is kept goes at once');
  tail.add(5001, 'info', 'z');
  assert.equal(tail.lines({}, 10).length, 1);
});

test('lines are found by level, time and number, the newest of them', () => {
  const tail = new Tail(7);
  for (const [n, level] of (['debug', 'info', 'warn', 'error'] as const).entries()) tail.add(n * 10, level, level);
  const texts = (...given: Parameters<Tail['lines']>): string[] => tail.lines(...given).map(({ text }) => text);
  assert.deepEqual(texts({ level: 'warn' }, 10), ['warn', 'error']);
  assert.deepEqual(texts({ since: 20 }, 10), ['warn', 'error']);
  assert.deepEqual(texts({}, 2), ['warn', 'error']);
  const [first] = tail.lines({}, 10);
  assert.deepEqual(texts({ after: first?.n ?? 0 }, 10), ['info', 'warn', 'error']);
  assert.ok((new Tail(8).lines({}, 1)[0]?.n ?? 8001) > (tail.lines({}, 1)[0]?.n ?? 0), 'a later process counts on');
});

test('who follows hears each line until they leave, and another format hides no field', async () => {
  registerSecret('a-very-secret-value');
  const log = createLog({ level: 'info', output: 'file', file: '/dev/null', service: 'test', format: 'logfmt' });
  const heard: string[] = [];
  const leave = log.tail.follow(({ text }) => heard.push(text));
  log.with({ component: 'door' }).warn('refused', { token: 'abc', text: 'a-very-secret-value', n: 1 });
  log.debug('not logged');
  leave();
  log.info('later');
  assert.equal(heard.length, 1);
  const { time: _, ...entry } = JSON.parse(heard[0] ?? '') as Record<string, unknown>;
  assert.equal(entry['component'], 'door');
  assert.equal(entry['n'], 1);
  assert.equal(heard[0]?.includes('a-very-secret-value'), false);
  assert.equal(log.tail.lines({}, 10).length, 2);
  await log.close();
});
