/** Countries: of a clock, and by the names that people give them. */
import type { Language } from '../languages.ts';
import { once } from '../once.ts';
import { timeZoneOf } from '../preferences.ts';
import type { Found } from './lexicon.ts';
import { past, type Reader } from './reader.ts';
import { plain } from './tokens.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('');
/** Asked first, since each question takes a third of a millisecond. */
const frequent = 'DE US GB ES FR AT CH IT NL BE PT PL CA MX AR BR IN AU'.split(' ');

/** ISO 3166 codes of what Intl knows a name of. */
const countries = once(() => {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  // Intl knows codes of former times too, as names for those of today.
  const isOwn = (code: string): boolean =>
    names.of(code) !== undefined && new Intl.Locale(`und-${code}`).region === code;
  const all = letters.flatMap((a) => letters.map((b) => a + b)).filter(isOwn);
  return [...new Set([...frequent, ...all])];
});

/** ECMA-402 has it; the types of the library do not yet. */
function zonesOf(country: string): readonly string[] {
  const locale = new Intl.Locale(`und-${country}`) as Intl.Locale & { getTimeZones?(): string[] | undefined };
  return locale.getTimeZones?.() ?? [];
}

/** The country in which clocks are set by this time zone, `DE` for `Europe/Berlin`; null: it is of none. */
export function countryOf(zone: string): string | null {
  const name = timeZoneOf(zone);
  if (name === null || !name.includes('/') || name.startsWith('Etc/')) return null;
  const has = (country: string): boolean => zonesOf(country).includes(name);
  return countries().find(has) ?? null;
}

const namedIn = new Map<Language, ReadonlyMap<string, string>>();

/** By its name in a language, compared as `plain` writes it. */
function names(language: Language): ReadonlyMap<string, string> {
  const known = namedIn.get(language);
  if (known !== undefined) return known;
  const display = new Intl.DisplayNames(language, { type: 'region', fallback: 'none' });
  const made = new Map(countries().map((code) => [plain(display.of(code) ?? code), code]));
  namedIn.set(language, made);
  return made;
}

const maxNameWords = 6;

/** `in DE`, `in DE-BY`, `in Austria`, `aux États-Unis`: the code behind `in`. */
export function countryAt(reader: Reader, at: number): Found<string> | null {
  const { text, tokens, dictionary } = reader;
  const start = past(reader, 'inCountry', at);
  const first = tokens[start ?? -1];
  if (start === null || first === undefined) return null;
  const [code] = /^[A-Z]{2}(?:-[A-Z0-9]{1,3})?(?![\p{L}\d])/u.exec(text.slice(first.start, first.start + 8)) ?? [];
  if (code !== undefined) {
    const end = tokens.findIndex(({ end: place }) => place >= first.start + code.length);
    return { value: code, end: end + 1 };
  }
  const named = names(dictionary.lexicon.language);
  for (let count = Math.min(maxNameWords, tokens.length - start); count > 0; count--) {
    const last = tokens[start + count - 1];
    const value = named.get(plain(text.slice(first.start, last?.end)).replaceAll(/\s+/g, ' '));
    if (value !== undefined) return { value, end: start + count };
  }
  return null;
}
