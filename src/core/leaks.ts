/** Keeps secrets of this gateway from leaving by what a model says or asks for. Only values that are known count. */
import type { JsonValue } from './message.ts';
import { knownSecrets } from './redact.ts';

const mask = '[secret]';
/** Shorter values are found in their own spelling only: an encoded one would turn up by chance. */
const minEncodedLength = 8;
/** Percent signs that were escaped themselves are followed this deep. */
const maxUnescapes = 3;

/** What is looked for, made once for each state of the register. */
let needles: { of: readonly string[]; list: readonly string[] } = { of: [], list: [] };

function needlesNow(): readonly string[] {
  const secrets = knownSecrets();
  if (needles.of !== secrets) {
    const encoded = secrets.filter(({ length }) => length >= minEncodedLength).flatMap(disguises);
    needles = { of: secrets, list: [...new Set([...secrets.map((secret) => secret.toLowerCase()), ...encoded])] };
  }
  return needles.list;
}

/** Backwards, as hex, and as base64 wherever it may begin in what is encoded; lower case like what is searched. */
function disguises(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const base64 = [0, 1, 2].map((before) => {
    const digits = btoa(String.fromCharCode(...new Uint8Array(before), ...bytes)).replaceAll('=', '');
    // Digits that a neighbour has a part in say nothing.
    const end = (before + bytes.length) % 3 === 0 ? undefined : -1;
    return digits.slice(Math.ceil((before * 8) / 6), end).toLowerCase();
  });
  const url = base64.map((digits) => digits.replaceAll('+', '-').replaceAll('/', '_'));
  return [Array.from(secret.toLowerCase()).reverse().join(''), hex, ...base64, ...url];
}

/**
 * Whether the arguments of a call hold a secret of this gateway: as it is, percent-encoded, spaced out or spread over
 * neighbouring values, as hex, base64 or backwards. A model that means to can spell it in ways nobody foresees: this
 * stops what is known, and approvals what is not.
 */
export function holdsSecret(value: JsonValue): boolean {
  const list = needlesNow();
  if (list.length === 0) return false;
  const found: Collected = { texts: [], names: [] };
  collect(value, found);
  // Values beside each other, so that one that is spread over them is found.
  const whole = [...found.texts, ...found.names].join('\n').toLowerCase();
  let plain = whole;
  for (let i = 0; i < maxUnescapes; i++) plain = plain.replaceAll(/(?:%[\da-f]{2})+/g, decoded);
  const views = [whole, plain, plain.replaceAll(/[\s\p{Cf}\p{Cc}]+/gu, '')];
  return list.some((needle) => views.some((view) => view.includes(needle)));
}

interface Collected {
  texts: string[];
  names: string[];
}

function collect(value: JsonValue, into: Collected): void {
  if (typeof value === 'string') into.texts.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
  else if (value !== null && typeof value === 'object') {
    into.names.push(...Object.keys(value));
    for (const item of Object.values(value)) collect(item, into);
  }
}

function decoded(escapes: string): string {
  try {
    return decodeURIComponent(escapes).toLowerCase();
  } catch {
    return escapes;
  }
}

/**
 * Masks known secrets in text that comes in pieces, wherever it is cut: only a tail that may be the beginning of one is
 * kept back. One for each stream; a text that is there as a whole is `push` and `end`.
 */
export class SecretMask {
  #held = '';

  /** What may be shown by now. */
  push(piece: string): string {
    const secrets = knownSecrets();
    let text = this.#held + piece;
    for (const secret of secrets) if (text.includes(secret)) text = text.replaceAll(secret, mask);
    const safe = beginOfSecret(text, secrets);
    this.#held = text.slice(safe);
    return text.slice(0, safe);
  }

  /** The rest; after it the mask may be used for another text. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }
}

/** Where the earliest tail begins that a secret may go on from; the length of the text when there is none. */
function beginOfSecret(text: string, secrets: readonly string[]): number {
  let begin = text.length;
  for (const secret of secrets) {
    for (let at = Math.max(0, text.length - secret.length + 1); at < begin; at++) {
      if (text[at] === secret[0] && secret.startsWith(text.slice(at))) begin = at;
    }
  }
  return begin;
}

/** A whole text with known secrets masked. */
export function maskSecrets(text: string): string {
  const secretMask = new SecretMask();
  return secretMask.push(text) + secretMask.end();
}
