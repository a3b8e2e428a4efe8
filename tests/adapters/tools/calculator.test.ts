import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { calculate } from '../../../src/adapters/tools/calculator/calculate.ts';
import { calculatorTools } from '../../../src/adapters/tools/calculator/index.ts';
import { callOf, use } from '../../support/tool-calls.ts';

const ask = (expression: string) => use(calculatorTools(), 'calculator', { expression }, callOf('ann'));

test('results are right to the last digit', () => {
  const table: [string, string][] = [
    ['0.1+0.2', '0.3'],
    ['0.07*100', '7'],
    ['12345678901234567890*98765432109876543210', '1219326311370217952237463801111263526900'],
    ['2^256', '115792089237316195423570985008687907853269984665640564039457584007913129639936'],
    ['2**10', '1024'],
    ['2^-3', '0.125'],
    ['1e3 - .5', '999.5'],
    ['7 × 6 ÷ 2 − 1', '20'],
    ['sqrt(0.0625)', '0.25'],
    ['round(2.345, 2)', '2.35'],
    ['round(-2.5)', '-3'],
    ['floor(-1.5) + ceil(1.2)', '0'],
    ['abs(-3) + min(3,1,2) * MAX(4,5)', '8'],
    ['10 % 3', '1'],
    ['-10 % 3', '-1'],
    ['0^0', '1'],
    ['10^1000', '1e+1000'],
  ];
  for (const [expression, result] of table) assert.equal(calculate(expression), result, expression);
});

test('operators bind as in mathematics', () => {
  const table: [string, string][] = [
    ['2+3*4', '14'],
    ['(2+3)*4', '20'],
    ['-2^2', '-4'],
    ['2^3^2', '512'],
    ['2^-1', '0.5'],
    ['100/10/5', '2'],
    ['10-3-2', '5'],
    ['--3', '3'],
    ['2*-3', '-6'],
  ];
  for (const [expression, result] of table) assert.equal(calculate(expression), result, expression);
});

test('what is rounded says so, and nothing rounded is called exact', () => {
  const table: [string, string][] = [
    ['1/3', '≈ 0.333333333333333333333333333333'],
    ['(1/3)*3', '≈ 1'],
    ['sqrt(2)^2', '≈ 2'],
    ['1e300+1-1e300', '≈ 0'],
    ['2^800', '≈ 6.66801443287985427407985179072e+240'],
    ['pi', '≈ 3.14159265358979323846264338328'],
    ['ln(e)', '≈ 1'],
    ['log(1000)', '≈ 3'],
    ['8^(1/3)', '≈ 2'],
  ];
  for (const [expression, result] of table) assert.equal(calculate(expression), result, expression);
});

test('whole numbers agree with BigInt', () => {
  const big = fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n });
  fc.assert(
    fc.property(big, big, big, (a, b, c) => {
      assert.equal(calculate(`(${a})*(${b})-(${c})`), String(a * b - c));
      if (b !== 0n) assert.equal(calculate(`(${a})%(${b})`), String(a % b));
    }),
    { numRuns: 100 },
  );
});

test('what would be endless work fails at once, with the reason', async () => {
  const table: [string, RegExp][] = [
    ['9**9**9', /larger than 10\^1000/],
    ['9^9^9^9^9^9^9^9', /larger than 10\^1000/],
    ['1e99999999999', /larger than 10\^1000/],
    ['1e-999*1e-999', /smaller than 10\^-1000/],
    ['9'.repeat(50_000), /at most 500 characters/],
    ['9'.repeat(201), /at most 200 digits/],
    [`${'('.repeat(200)}1${')'.repeat(200)}`, /inside each other/],
    [`${'-'.repeat(300)}1`, /inside each other/],
    ['exp(100000)', /larger than 10\^1000/],
    ['sin(1e60)', /angle is too large/],
    ['round(1, 1e9)', /round takes/],
  ];
  for (const [expression, reason] of table) {
    const { text, isError } = await ask(expression);
    assert.match(text, reason, expression.slice(0, 30));
    assert.equal(isError, true);
  }
});

test('what is no arithmetic is refused and never run', async () => {
  const table: [string, RegExp][] = [
    ['__proto__', /"_" is not understood at character 1/],
    ['constructor(1)', /"constructor" is not understood/],
    ['toString()', /"toString" is not understood/],
    ['process.exit(1)', /not understood/],
    ['`1`', /not understood/],
    ['1;2', /";" is not understood at character 2/],
    ['1,5', /"," is not understood/],
    ['2 3', /"3" is not understood/],
    ['(1', /"\)" is missing/],
    ['1)', /"\)" is not understood/],
    ['', /not complete/],
    ['   ', /not complete/],
    ['1/0', /division by zero/],
    ['0^-1', /division by zero/],
    ['5%0', /division by zero/],
    ['ln(-1)', /no real number/],
    ['(-8)^(1/3)', /no real number/],
    ['abs()', /not understood/],
    ['abs(1,2)', /abs takes 1 value/],
  ];
  for (const [expression, reason] of table) {
    const { text, isError } = await ask(expression);
    assert.match(text, reason, expression);
    assert.equal(isError, true);
  }
});

test('any text ends as a result or a refusal, never as a defect', () => {
  const sign = fc.constantFrom(...'0123456789.+-*/^%(),eE piνsinlogmaxround'.split(''), '**', '\0', '😀');
  const text = fc.array(sign, { maxLength: 40 }).map((signs) => signs.join(''));
  fc.assert(
    fc.property(text, (expression) => {
      try {
        assert.match(calculate(expression), /^(≈ )?-?[\d.]+(e[+-]\d+)?$/);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'bad_expression', `${expression}: ${String(error)}`);
      }
    }),
    { numRuns: 2000 },
  );
});
