/** The header of a mail: bounded, read by the library, asked by name. */
import PostalMime, { addressParser, decodeWords } from 'postal-mime';
import { plainAddress } from './address.ts';

/** More of a header is not fetched; what stands behind is not looked at. */
export const maxHeaderBytes = 65_536;
const maxIds = 100;
const maxId = 500;
const maxWords = 300;

export interface Headers {
  /** The topmost one, unfolded, as it came. */
  first(name: string): string | undefined;
  /** Topmost first. */
  all(name: string): string[];
}

export async function readHeaders(bytes: Uint8Array): Promise<Headers> {
  const { headers } = await PostalMime.parse(bytes.subarray(0, maxHeaderBytes), {
    maxNestingDepth: 1,
    maxHeadersSize: 2 * maxHeaderBytes,
  });
  const all = (name: string): string[] => headers.filter(({ key }) => key === name).map(({ value }) => value);
  return { all, first: (name) => all(name)[0] };
}

/** Message-IDs in order, with their angle brackets. */
export const messageIds = (value: string | undefined): string[] =>
  (value?.match(/<[^<>\s]+>/g) ?? []).filter((id) => id.length <= maxId && isVisibleAscii(id)).slice(0, maxIds);

const isVisibleAscii = (text: string): boolean => /^[\u0021-\u007e]+$/.test(text);

/** One line for people: encoded words decoded, no control characters, bounded. */
export const words = (value: string | undefined): string =>
  decodeWords(value ?? '')
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, maxWords)
    .toWellFormed();

export interface Writer {
  address: string;
  display: string;
}

/**
 * Who wrote: exactly one `From:` with exactly one address, written plainly. Anything else is how a forged address is
 * shown to one reader and hidden from another, so it is nobody.
 */
export function writerOf(headers: Headers): Writer | null {
  const [line, second] = headers.all('from');
  if (line === undefined || second !== undefined) return null;
  const [mailbox, another] = addressParser(line, { flatten: true });
  if (mailbox?.address === undefined || another !== undefined || !line.includes(mailbox.address)) return null;
  const address = plainAddress(mailbox.address);
  if (address === null || address.includes('=?')) return null;
  return { address, display: words(mailbox.name).slice(0, 128) || address };
}
