/**
 * Words of time, as people type them to a reminder: `every weekday at 9`, `in anderthalb Stunden`, `mañana a las 8`,
 * `tous les jours à 9h sauf les jours fériés`. Pure and bounded; what it makes of them is in meaning.ts.
 */
import type { Language } from '../languages.ts';
import type { WallTime } from '../ports/calendar.ts';
import type { WrittenWhen } from '../ports/schedule-gateway.ts';
import { emptyDraft } from './draft.ts';
import { Dictionary } from './lexicon.ts';
import { meaningOf } from './meaning.ts';
import { readText, type Reading } from './phrase.ts';
import { tokensOf, type Token } from './tokens.ts';
import { de } from './words/de.ts';
import { en } from './words/en.ts';
import { es } from './words/es.ts';
import { fr } from './words/fr.ts';

/** Characters; what a reminder may say is no longer either (payload.ts). */
export const maxWhenText = 8000;

const dictionaries: Readonly<Record<Language, Dictionary>> = {
  en: new Dictionary(en),
  de: new Dictionary(de),
  es: new Dictionary(es),
  fr: new Dictionary(fr),
};

export interface ReadWhenOptions {
  /** Tried first; another one is meant where it makes more of the text. */
  language: Language;
  /** What the clock of the person shows. */
  now: WallTime;
  /** IANA name of their time zone. */
  zone: string;
  /** The text is a time and nothing else: what is left over is a problem. Default false. */
  whole?: boolean;
}

export type ReadWhen =
  /** `rest`: the text without the time, which may be empty. The clock that is meant stands in `when.time_zone`. */
  | { when: WrittenWhen; rest: string }
  /** Why there is no time to be had from it, with examples, in the language. */
  | { problem: string };

/** Understands when something is to be done. Never throws, and never guesses: what is not understood is a problem. */
export function readWhen(text: string, { language, now, zone, whole = false }: ReadWhenOptions): ReadWhen {
  const { lexicon } = dictionaries[language];
  if (text.length > maxWhenText) return { problem: lexicon.tooLong(maxWhenText) };
  const examples = lexicon.examples.map((example) => `\`${example}\``).join(', ');
  // `2026-12-24T18:00`: as long as before, so that places stay.
  const spaced = text.replaceAll(/(?<=\d{4}-\d{2}-\d{2})T(?=\d)/g, ' ');
  const tokens = tokensOf(spaced);
  const others = Object.values(dictionaries).filter((each) => each !== dictionaries[language]);
  let reading: Reading | null = null;
  for (const dictionary of [dictionaries[language], ...others]) {
    const read = readText({ text: spaced, tokens, dictionary }, emptyDraft);
    if (read !== null && read.read > (reading?.read ?? 0)) reading = read;
  }
  if (reading === null) return { problem: lexicon.notUnderstood(examples) };
  const when = meaningOf(reading.draft, { now, zone });
  if (when === 'past') return { problem: lexicon.past(examples) };
  if (when === 'no_country') return { problem: lexicon.noCountry(examples) };
  if (when === 'contradiction') return { problem: lexicon.notUnderstood(examples) };
  const rest = restOf(text, tokens, reading.rest);
  return whole && rest !== '' ? { problem: lexicon.notUnderstood(examples) } : { when, rest };
}

/** Without the signs that stood between it and the time. */
function restOf(text: string, tokens: readonly Token[], [from, to]: readonly [number, number]): string {
  let end = to;
  while (end > from && /^[,;:–—-]$/.test(tokens[end - 1]?.text ?? '')) end--;
  return end === from ? '' : text.slice(tokens[from]?.start, tokens[end - 1]?.end);
}

/** Three times as they may be written in a language. */
export const examplesIn = (language: Language): readonly string[] => dictionaries[language].lexicon.examples;
