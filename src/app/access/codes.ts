/** One-time codes as people read and type them. */
import { createHash } from 'node:crypto';
import type { Random } from '../../core/ports/system.ts';

/** 32 signs that cannot be mistaken for each other (Crockford's): eight of them are 40 random bits. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const length = 8;
export const codeLifeMs = 3_600_000;

export const mintCode = (random: Random): string =>
  Array.from(random.bytes(length), (byte) => alphabet[byte % alphabet.length]).join('');

/** `ABCD-EFGH` */
export const showCode = (code: string): string => `${code.slice(0, length / 2)}-${code.slice(length / 2)}`;

/** What a person typed as the code it must mean, or null when it cannot be one. */
export function readCode(text: string): string | null {
  if (text.length > 64) return null;
  const code = text
    .toUpperCase()
    .replaceAll(/[\s`*_-]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1');
  return /^[0-9A-HJKMNP-TV-Z]{8}$/.test(code) ? code : null;
}

/** Only this is kept. */
export const hashCode = (code: string): string => createHash('sha256').update(code).digest('hex');
