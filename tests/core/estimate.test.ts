import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { estimateRequestTokens, estimateTokens } from '../../src/core/estimate.ts';

const english =
  'The harbour was quiet when the last ferry came in, and nobody on the quay paid much attention to the two passengers who ' +
  'stepped ashore. One of them carried a suitcase that was obviously too heavy for her; the other had nothing but a newspaper ' +
  'under his arm. "We should have written first," she said, looking up at the dark windows of the hotel. He shrugged, as he ' +
  'always did, and began to walk along the street towards the light. ';
const russian =
  'Утром дождь закончился, и над городом поднялся лёгкий туман. Люди выходили из домов, не торопясь открывали магазины, ' +
  'разговаривали о погоде и о том, что скоро наступит осень. На площади стоял старый автобус, водитель которого читал газету ' +
  'и никуда не собирался ехать. ';
const chinese =
  '昨天下午我们在图书馆讨论了这个问题,大家都认为应该先了解用户的需要,然后再决定怎样修改设计。时间不多,但是还来得及。';
const json = JSON.stringify(
  Array.from({ length: 40 }, (_, i) => ({
    id: 1000 + i,
    name: `item-${i}`,
    price: i * 1.25,
    tags: ['new', 'sale'],
    active: i % 2 === 0,
  })),
);
const code = readFileSync(new URL('../../src/core/errors.ts', import.meta.url), 'utf8');
const base64 = Buffer.from(Array.from({ length: 6000 }, (_, i) => (i * 7919 + ((i * i) >> 3)) & 255)).toString(
  'base64',
);

/** Characters per token as o200k counts such texts (measured on 8,000 characters each), and how far off we may be. */
const kinds: [string, string, number, number][] = [
  ['English prose', english, 8000 / 1641, 0.2],
  ['TypeScript', code, 8000 / 2240, 0.25],
  ['JSON', json, 8000 / 2791, 0.25],
  ['Russian', russian, 8000 / 1981, 0.2],
  ['base64', base64, 8000 / 5110, 0.1],
];

for (const [name, text, perToken, error] of kinds) {
  test(`${name} is estimated within ${error * 100} % of its usual token count`, () => {
    const expected = text.length / perToken;
    const estimate = estimateTokens(text);
    assert.ok(Math.abs(estimate - expected) / expected <= error, `${estimate} for about ${Math.round(expected)}`);
  });
}

test('Chinese is never estimated under the count of the best vocabulary', () => {
  const estimate = estimateTokens(chinese);
  assert.ok(estimate >= chinese.length * 0.6 && estimate <= chinese.length * 1.1, String(estimate));
});

test('an empty text is nothing and a long one takes one pass', () => {
  assert.equal(estimateTokens(''), 0);
  assert.ok(estimateTokens('a'.repeat(2_000_000)) > 1_000_000);
  assert.ok(estimateTokens('a '.repeat(1_000_000)) >= 1_000_000);
});

test('every part of a request counts', () => {
  const empty = estimateRequestTokens('', []);
  const full = estimateRequestTokens('You help.', [
    {
      role: 'user',
      parts: [
        { type: 'text', text: 'What is in it?' },
        { type: 'image', mimeType: 'image/png', data: new Uint8Array(9) },
      ],
    },
    { role: 'assistant', parts: [{ type: 'tool_call', id: 'a', name: 'look', args: { where: 'here' } }] },
    { role: 'tool', parts: [{ type: 'tool_result', callId: 'a', name: 'look', text: 'A boat.', isError: false }] },
  ]);
  assert.equal(empty, 0);
  assert.ok(full > 800 && full < 900, String(full));
});
