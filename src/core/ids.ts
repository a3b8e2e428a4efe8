import { invalidInput } from './errors.ts';
import type { Clock, Random } from './ports/system.ts';

/** What an id names; the prefix makes a stray id readable in a log. */
export type IdPrefix =
  | 'msg'
  | 'run'
  | 'out'
  | 'per'
  | 'tok'
  | 'file'
  | 'req'
  | 'pair'
  | 'note'
  | 'appr'
  | 'job'
  | 'task';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const idPattern = /^[A-Za-z0-9_:.-]{1,128}$/;

/** Mints ids that sort by time: prefix, 10 characters of milliseconds, 16 of randomness (80 bits, not guessable). */
export type MintId = (prefix: IdPrefix) => string;

export function idMint(clock: Clock, random: Random): MintId {
  return (prefix) => {
    let time = clock.now();
    let head = '';
    for (let i = 0; i < 10; i++) {
      head = alphabet[time % 32] + head;
      time = Math.floor(time / 32);
    }
    let tail = '';
    for (const byte of random.bytes(16)) tail += alphabet[byte % 32];
    return `${prefix}_${head}${tail}`;
  };
}

/** The one gate for ids that come from outside: 1 to 128 of `[A-Za-z0-9_:.-]`, never `.` or `..`. */
export function parseId(text: string): string {
  if (!idPattern.test(text) || text === '.' || text === '..') {
    throw invalidInput(
      'bad_id',
      'An id has 1 to 128 of the characters A-Z a-z 0-9 _ : . - and is neither "." nor "..".',
    );
  }
  return text;
}
