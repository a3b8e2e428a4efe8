/** The words of time of one language, by what they are for; how they stand together is the same for all (reader.ts). */
import type { Language } from '../languages.ts';
import { plain, tokensOf, type Token } from './tokens.ts';

export type Unit = 's' | 'm' | 'h' | 'd' | 'w' | 'mo' | 'y';
/** Parts of a day. */
export type Part = 'morning' | 'noon' | 'afternoon' | 'evening' | 'night';

/** Words, several ones of the same meaning with `|` between: `{ 'day|days': 'd' }`. */
type Words<T> = Readonly<Record<string, T>>;

export interface Lexicon {
  language: Language;
  /** Who reads 3/4 as the third of April. */
  dayFirst: boolean;
  /** Numbers in words; `two and a half` is 2.5. */
  numbers: Words<number>;
  /** What is one before a unit, and mostly something else elsewhere: `an hour`, `um ein Uhr`. */
  articles: Words<number>;
  /** Which one in a row, -1 is the last. */
  ordinals: Words<number>;
  units: Words<Unit>;
  /** Whole lengths of time, in seconds: `half an hour`. */
  spans: Words<number>;
  /** What makes one half more: between number and unit, or behind both. */
  andHalf: Words<true>;
  /** Before a length of time from now. */
  in: Words<true>;
  /** Behind it. */
  later: Words<true>;
  /** Before a time of the day. */
  at: Words<true>;
  /** Behind an hour. */
  oclock: Words<true>;
  /** Between hour and minutes: `9 Uhr 30`, `9h30`. */
  hourMark: Words<true>;
  /** Behind a time: which half of the day is meant. */
  half: Words<'am' | 'pm' | Part>;
  /** Minutes before or after the hour that follows: `half past`, `viertel vor`. */
  toHour: Words<number>;
  /** The same behind the hour: `y media`, `et quart`. */
  pastHour: Words<number>;
  /** Times with names of their own, as hours. */
  named: Words<number>;
  /** Days from today. */
  days: Words<number>;
  /** Parts of a day behind that day: `tomorrow morning`. */
  parts: Words<Part>;
  /** Parts of today, or of each day behind `every`. */
  today: Words<Part>;
  on: Words<true>;
  next: Words<true>;
  /** Behind a day: `lundi prochain`. */
  nextBehind: Words<true>;
  /** `next week` and the like: in days. */
  nextWeek: Words<number>;
  /** 0 is Sunday. */
  weekdays: Words<number>;
  /** Short ones, which are also words of other meaning. */
  weekdaysShort: Words<number>;
  /** A day of the week and a part of it in one word. */
  weekdayParts: Words<readonly [weekday: number, part: Part]>;
  /** Several days of the week that have one name, behind `every`. */
  weekdaySets: Words<readonly number[]>;
  months: Words<number>;
  /** Between day, month and year. */
  of: Words<true>;
  ordinalSuffix: Words<true>;
  and: Words<true>;
  /** Between the first and the last of several days. */
  to: Words<true>;
  every: Words<true>;
  /** `every other day` */
  other: Words<true>;
  /** What says `every` and a unit in one. */
  each: Words<Unit>;
  /** What says every one of these days of the week: `mondays`, `werktags`. */
  eachWeekday: Words<readonly number[]>;
  /** Behind a day of the month: of every month. */
  ofEachMonth: Words<true>;
  /** A day, of which the last of a month is spoken. */
  day: Words<true>;
  starting: Words<true>;
  until: Words<true>;
  /** Behind a number: how often. */
  times: Words<true>;
  except: Words<true>;
  holiday: Words<true>;
  /** Behind the holidays that an exception names. */
  exceptEnd: Words<true>;
  /** Before the name of a country. */
  inCountry: Words<true>;
  /** Before what somebody wants to be reminded of, and before the time: `me`. */
  me: Words<true>;
  /** The same behind the time: `to`. */
  toDo: Words<true>;
  examples: readonly [string, string, string];
  /** To somebody whose words of time are not understood. */
  notUnderstood(examples: string): string;
  past(examples: string): string;
  /** The holidays of which country? */
  noCountry(examples: string): string;
  /** Longer than is read. */
  tooLong(characters: number): string;
}

type Class = { [K in keyof Lexicon]: Lexicon[K] extends Words<unknown> ? K : never }[keyof Lexicon];
type ValueOf<K extends Class> = Lexicon[K] extends Words<infer T> ? T : never;

interface Phrase {
  words: readonly string[];
  value: unknown;
}

/** What stands at a place, and where it ends. */
export interface Found<T> {
  value: T;
  end: number;
}

/** Finds the words of a language; the index of a class is made when it is first asked for. */
export class Dictionary {
  readonly lexicon: Lexicon;
  readonly #classes = new Map<Class, Map<string, Phrase[]>>();

  constructor(lexicon: Lexicon) {
    this.lexicon = lexicon;
  }

  /** The longest words of a class that stand at a place; null: none do. */
  find<K extends Class>(of: K, tokens: readonly Token[], at: number): Found<ValueOf<K>> | null {
    const first = tokens[at]?.text;
    if (first === undefined) return null;
    for (const { words, value } of this.#phrases(of).get(first) ?? []) {
      if (words.every((word, n) => tokens[at + n]?.text === word))
        return { value: value as ValueOf<K>, end: at + words.length };
    }
    return null;
  }

  #phrases(of: Class): Map<string, Phrase[]> {
    const known = this.#classes.get(of);
    if (known !== undefined) return known;
    const phrases = Object.entries<unknown>(this.lexicon[of]).flatMap(([names, value]) =>
      names.split('|').map((name): Phrase => ({ words: tokensOf(plain(name)).map(({ text }) => text), value })),
    );
    phrases.sort((a, b) => b.words.length - a.words.length);
    const index = Map.groupBy(phrases, ({ words }) => words[0] ?? '');
    this.#classes.set(of, index);
    return index;
  }
}
