import { createHash } from 'node:crypto';

/** 48 bits: nobody guesses them in the length of a text. */
const nonceLength = 12;

/**
 * The nonce of a stored part, for `fence`. Made of ids of ours that were minted when the text was there already (its
 * message and place, or its run and call), so that nobody could write it into the text.
 */
export const fenceNonce = (...ids: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(ids)).digest('hex').slice(0, nonceLength);
