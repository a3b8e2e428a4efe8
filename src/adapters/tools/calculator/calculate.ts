/**
 * Expressions over decimals, read and worked out in one go. Nothing in an expression is code, and nothing in it can be
 * expensive: its length, the digits of a number and the size of exponents are bounded.
 */
import {
  add,
  constants,
  divide,
  type Figure,
  functions,
  multiply,
  negate,
  power,
  remainder,
  show,
  subtract,
  toNumber,
  wrong,
} from './numbers.ts';

const maxLength = 500;
/** Parentheses and signs inside each other. */
const maxDepth = 100;

/** White space, a number, a name, an operator. */
const token = /\s*(?:((?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|([A-Za-z][A-Za-z0-9_]*)|(\*\*|[-+*/^%(),]))/y;
const spellings: Readonly<Record<string, string>> = { '×': '*', '·': '*', '÷': '/', '−': '-', '–': '-' };

type Token = { kind: 'number' | 'name' | 'sign'; text: string; at: number };

/** The result as text; one that was rounded begins with `≈`. Throws invalid_input `bad_expression` with the reason. */
export function calculate(expression: string): string {
  if (expression.length > maxLength) throw wrong(`An expression has at most ${maxLength} characters.`);
  const reader = new Reader(tokensOf(expression.replaceAll(/[×·÷−–]/g, (sign) => spellings[sign] ?? sign)));
  return show(reader.whole());
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  while (token.lastIndex < end) {
    const from = token.lastIndex;
    const match = token.exec(text);
    if (match === null) throw unexpected(text.slice(from).trim().slice(0, 1), from);
    const [all, number, name, sign = ''] = match;
    const kind = number !== undefined ? 'number' : name !== undefined ? 'name' : 'sign';
    const read = number ?? name ?? sign;
    tokens.push({ kind, text: read === '**' ? '^' : read, at: from + all.length - read.length });
  }
  return tokens;
}

const unexpected = (sign: string, at: number): Error => wrong(`"${sign}" is not understood at character ${at + 1}.`);

/** Sums of products of signed powers of values; powers hold to the right, and bind closer than a sign before them. */
class Reader {
  readonly #tokens: readonly Token[];
  #place = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Figure {
    const result = this.#sum();
    const rest = this.#tokens[this.#place];
    if (rest !== undefined) throw unexpected(rest.text, rest.at);
    return result;
  }

  #sum(): Figure {
    let left = this.#product();
    for (;;) {
      if (this.#take('+')) left = add(left, this.#product());
      else if (this.#take('-')) left = subtract(left, this.#product());
      else return left;
    }
  }

  #product(): Figure {
    let left = this.#signed();
    for (;;) {
      if (this.#take('*')) left = multiply(left, this.#signed());
      else if (this.#take('/')) left = divide(left, this.#signed());
      else if (this.#take('%')) left = remainder(left, this.#signed());
      else return left;
    }
  }

  #signed(): Figure {
    if (++this.#depth > maxDepth) throw wrong(`At most ${maxDepth} parentheses and signs may stand inside each other.`);
    let result: Figure;
    if (this.#take('-')) result = negate(this.#signed());
    else if (this.#take('+')) result = this.#signed();
    else {
      result = this.#value();
      if (this.#take('^')) result = power(result, this.#signed());
    }
    this.#depth--;
    return result;
  }

  #value(): Figure {
    const next = this.#tokens[this.#place++];
    if (next === undefined) throw wrong('The expression is not complete.');
    if (next.kind === 'number') return toNumber(next.text);
    if (next.kind === 'name') return this.#named(next);
    if (next.text !== '(') throw unexpected(next.text, next.at);
    const inner = this.#sum();
    this.#need(')');
    return inner;
  }

  #named({ text, at }: Token): Figure {
    const name = text.toLowerCase();
    const constant = constants.get(name);
    if (constant !== undefined) return constant;
    const known = functions.get(name);
    if (known === undefined) throw unexpected(text, at);
    this.#need('(');
    const values = [this.#sum()];
    while (this.#take(',')) values.push(this.#sum());
    this.#need(')');
    if (values.length < known.least || values.length > known.most) {
      throw wrong(`${name} takes ${known.least}${known.most > known.least ? ' or more' : ''} values.`);
    }
    return known.apply(values);
  }

  #take(sign: string): boolean {
    const next = this.#tokens[this.#place];
    if (next?.kind !== 'sign' || next.text !== sign) return false;
    this.#place++;
    return true;
  }

  #need(sign: string): void {
    if (this.#take(sign)) return;
    const next = this.#tokens[this.#place];
    throw next === undefined ? wrong(`"${sign}" is missing at the end.`) : unexpected(next.text, next.at);
  }
}
