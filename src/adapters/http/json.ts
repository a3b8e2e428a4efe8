import { HttpError } from './errors.ts';

/** Bounds of one JSON document, held before the parser sees it. */
export const maxJsonDepth = 64;
export const maxJsonKeys = 10_000;
export const maxJsonItems = 100_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const quote = 0x22;
const backslash = 0x5c;

const refuse = (code: string, message: string): HttpError => new HttpError(400, code, message);

/** The one way JSON from outside becomes a value: bounded before parsing, strict UTF-8, no surrogate halves, no `__proto__`. */
export function parseJson(bytes: Uint8Array): unknown {
  scan(bytes);
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw refuse('bad_encoding', 'The body is not valid UTF-8.');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('bad_json', 'The body is not valid JSON.');
  }
  inspect(value);
  return value;
}

/** One pass over the bytes that counts structure outside of strings; what is no JSON is left to the parser. */
function scan(bytes: Uint8Array): void {
  let depth = 0;
  let keys = 0;
  let items = 0;
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case quote:
        for (i++; i < bytes.length && bytes[i] !== quote; i++) if (bytes[i] === backslash) i++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > maxJsonDepth) throw refuse('too_deep', `The body nests deeper than ${maxJsonDepth} levels.`);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x3a: // :
        if (++keys > maxJsonKeys) throw refuse('too_many_keys', `The body has more than ${maxJsonKeys} keys.`);
        break;
      case 0x2c: // ,
        if (++items > maxJsonItems) throw refuse('too_many_items', `The body has more than ${maxJsonItems} items.`);
        break;
      default:
    }
  }
}

/** Depth is bounded by the scan, so recursion is safe. */
function inspect(value: unknown): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw refuse('bad_encoding', 'A string holds half of a surrogate pair.');
  } else if (Array.isArray(value)) {
    for (const item of value) inspect(item);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key === '__proto__') throw refuse('unknown_field', 'The field "__proto__" is not allowed.');
      inspect(key);
      inspect(item);
    }
  }
}
