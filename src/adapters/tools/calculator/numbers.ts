/** Decimals that know whether they are exact. */
import { Decimal } from 'decimal.js';
import { invalidInput } from '../../../core/errors.ts';

/** Significant digits up to which a result is exact; beyond it is rounded, and says so. */
const maxDigits = 200;
/** Numbers lie between 10^-1000 and 10^1000. */
const maxExponent = 1000;
const shownDigits = 30;
/** Digits of functions that have no exact results; more of them cost most of a second. */
const roughDigits = 50;
/** Angles beyond it would need more digits of pi than are known here. */
const maxAngle = 1e50;

const rounding = Decimal.ROUND_HALF_EVEN;
const bounds = { maxE: 4 * maxExponent, minE: -4 * maxExponent, rounding };
/** Holds every sum, product and remainder of two figures to the last digit. */
const Wide = Decimal.clone({ ...bounds, precision: 2 * maxExponent + 2 * maxDigits + 100 });
const Narrow = Decimal.clone({ ...bounds, precision: maxDigits + 20 });
const Rough = Decimal.clone({ ...bounds, precision: roughDigits, toExpPos: shownDigits, toExpNeg: -10 });

export interface Figure {
  value: Decimal;
  exact: boolean;
}

export const wrong = (message: string): Error => invalidInput('bad_expression', message);
const tooLarge = (): Error => wrong(`A number is larger than 10^${maxExponent}.`);

/** Holds a result to the bounds. `exact`: it is what it should be, so far as its digits go. */
function figure(value: Decimal, exact: boolean): Figure {
  if (value.isNaN()) throw wrong('The result is no real number.');
  if (!value.isFinite() || value.e > maxExponent) throw tooLarge();
  if (!value.isZero() && value.e < -maxExponent) throw wrong(`A number is smaller than 10^-${maxExponent}.`);
  const fits = value.precision() <= maxDigits;
  return { value: fits ? new Narrow(value) : new Narrow(value).plus(0), exact: exact && fits };
}

export function toNumber(text: string): Figure {
  const read = figure(new Wide(text), true);
  if (!read.exact) throw wrong(`A number has at most ${maxDigits} digits.`);
  return read;
}

type Binary = (a: Figure, b: Figure) => Figure;

const both = (a: Figure, b: Figure): boolean => a.exact && b.exact;
export const add: Binary = (a, b) => figure(new Wide(a.value).plus(b.value), both(a, b));
export const subtract: Binary = (a, b) => figure(new Wide(a.value).minus(b.value), both(a, b));
export const multiply: Binary = (a, b) => figure(new Wide(a.value).times(b.value), both(a, b));
export const negate = ({ value, exact }: Figure): Figure => ({ value: value.negated(), exact });

/** With the sign of the dividend. */
export const remainder: Binary = (a, b) => figure(new Wide(a.value).mod(nonZero(b).value), both(a, b));

export function divide(a: Figure, b: Figure): Figure {
  const quotient = new Narrow(a.value).div(nonZero(b).value);
  return figure(quotient, both(a, b) && new Wide(quotient).times(b.value).eq(a.value));
}

function nonZero(divisor: Figure): Figure {
  if (divisor.value.isZero()) throw wrong('A division by zero has no result.');
  return divisor;
}

export function power(base: Figure, exponent: Figure): Figure {
  const { value } = exponent;
  if (value.isInteger() && value.isNegative()) return divide(one, power(base, negate(exponent)));
  if (!value.isInteger()) return figure(new Rough(base.value).pow(value), false);
  return figure(new Narrow(base.value).pow(value), both(base, exponent) && fits(base.value, value.toNumber()));
}

/** Whether a whole power has few enough digits to have been worked out without rounding. */
function fits(base: Decimal, times: number): boolean {
  if (base.isZero()) return true;
  const [mantissa = ''] = base.abs().toExponential().split('e');
  const digits = base.precision() - 1 + Math.log10(Number(mantissa));
  return digits * times <= maxDigits;
}

const one: Figure = { value: new Narrow(1), exact: true };

export const constants: ReadonlyMap<string, Figure> = new Map([
  ['pi', { value: new Narrow(Rough.acos(-1)), exact: false }],
  ['e', { value: new Narrow(Rough.exp(1)), exact: false }],
]);

interface Known {
  least: number;
  most: number;
  apply(values: readonly Figure[]): Figure;
}

const whole = (apply: (value: Decimal) => Decimal): Known => ({
  least: 1,
  most: 1,
  apply: ([x = one]) => figure(apply(x.value), x.exact),
});
const rough = (apply: (value: Decimal) => Decimal): Known => ({
  least: 1,
  most: 1,
  apply: ([x = one]) => figure(apply(new Rough(x.value)), false),
});
const angle = (apply: (value: Decimal) => Decimal): Known =>
  rough((x) => {
    if (x.abs().gt(maxAngle)) throw wrong('The angle is too large.');
    return apply(x);
  });
const oneOf = (better: (a: Decimal, b: Decimal) => boolean): Known => ({
  least: 1,
  most: Number.POSITIVE_INFINITY,
  apply: (values) => ({
    value: values.map(({ value }) => value).reduce((best, value) => (better(value, best) ? value : best)),
    exact: values.every(({ exact }) => exact),
  }),
});

export const functions: ReadonlyMap<string, Known> = new Map<string, Known>([
  ['abs', whole((x) => x.abs())],
  ['floor', whole((x) => x.floor())],
  ['ceil', whole((x) => x.ceil())],
  ['round', { least: 1, most: 2, apply: round }],
  ['min', oneOf((a, b) => a.lt(b))],
  ['max', oneOf((a, b) => a.gt(b))],
  ['sqrt', { least: 1, most: 1, apply: root }],
  ['ln', rough((x) => x.ln())],
  ['log', rough((x) => x.log(10))],
  ['exp', rough((x) => x.exp())],
  ['sin', angle((x) => x.sin())],
  ['cos', angle((x) => x.cos())],
  ['tan', angle((x) => x.tan())],
]);

/** To so many digits behind the point, halves away from zero, as at school. */
function round([x = one, digits]: readonly Figure[]): Figure {
  const places = digits?.value.toNumber() ?? 0;
  if (!Number.isInteger(places) || places < 0 || places > maxDigits) {
    throw wrong(`round takes 0 to ${maxDigits} digits.`);
  }
  return figure(x.value.toDecimalPlaces(places, Decimal.ROUND_HALF_UP), x.exact);
}

function root([x = one]: readonly Figure[]): Figure {
  const result = new Narrow(x.value).sqrt();
  return figure(result, x.exact && new Wide(result).times(result).eq(x.value));
}

export function show({ value, exact }: Figure): string {
  if (!exact) return `≈ ${new Rough(value).toSignificantDigits(shownDigits).toString()}`;
  return Math.abs(value.e) <= maxDigits ? value.toFixed() : value.toExponential();
}
