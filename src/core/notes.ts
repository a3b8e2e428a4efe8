/** The rules of notes: how titles compare, what a search looks for, and which titles somebody may have meant. */
import { invalidInput } from './errors.ts';
import type { JsonObject } from './message.ts';

export const maxTitleLength = 200;
/** Characters of a note's text. */
export const maxNoteLength = 16_384;
/** Of all texts of a person: a search reads them all, and must not make others wait. */
export const maxNotesBytes = 4_000_000;
/** Characters of the metadata as JSON. */
export const maxMetadataLength = 2000;
/** A search looks for the first words only. */
export const maxSearchWords = 8;
const maxSearchLength = 500;
const maxSuggestions = 3;
/** Titles less alike than this are not what was meant. */
const leastSimilarity = 0.3;

/** What acts on the line it is shown in: controls, halves of characters, and what reorders text. */
const acting = /[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/gu;

/** A title as it is kept and shown: one line, nothing that acts. Throws invalid_input `bad_title`. */
export function parseTitle(text: string): string {
  const title = text.normalize('NFC').replaceAll(/\s+/g, ' ').replaceAll(acting, '').trim();
  if (titleKey(title) === '' || title.length > maxTitleLength) {
    throw invalidInput('bad_title', `A title has 1 to ${maxTitleLength} characters on one line.`);
  }
  return title;
}

/** Equal for titles that are the same to a reader: in any case, width or composition, with or without invisible signs. */
export const titleKey = (title: string): string =>
  fold(title.replaceAll(/\p{Default_Ignorable_Code_Point}/gu, ''))
    .replaceAll(/\s+/g, ' ')
    .replaceAll(acting, '')
    .trim();

/** By way of capitals, so that `straße` and `STRASSE` are one. */
const fold = (text: string): string => text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFC');

/** Throws invalid_input `bad_note`. */
export function parseNoteText(text: string): string {
  if (text.trim() === '' || text.length > maxNoteLength) {
    throw invalidInput('bad_note', `The text of a note has 1 to ${maxNoteLength} characters.`);
  }
  return text.replaceAll('\0', '').toWellFormed();
}

/** Throws invalid_input `bad_metadata`. */
export function checkMetadata(metadata: JsonObject): void {
  if (JSON.stringify(metadata).length > maxMetadataLength) {
    throw invalidInput('bad_metadata', `The metadata of a note has at most ${maxMetadataLength} characters as JSON.`);
  }
}

/**
 * A text as searches see it: words without case and accents, one blank before each, so that ` wor` finds where a word
 * begins.
 */
export function searchText(text: string): string {
  const words = fold(text)
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .match(/[\p{L}\p{N}]+/gu);
  return words === null ? '' : ` ${words.join(' ')}`;
}

/** The different words of a search, as they stand in a searchText. */
export const searchWords = (query: string): string[] => [
  ...new Set(
    searchText(query.slice(0, maxSearchLength))
      .split(' ')
      .filter((word) => word !== '')
      .slice(0, maxSearchWords),
  ),
];

/** Of the titles those somebody may have meant, most alike first: at most three. */
export function similarTitles(wanted: string, titles: readonly string[]): string[] {
  const sought = trigrams(wanted);
  return titles
    .map((title) => ({ title, likeness: similarity(sought, trigrams(title)) }))
    .filter(({ likeness }) => likeness >= leastSimilarity)
    .sort((a, b) => b.likeness - a.likeness || (a.title < b.title ? -1 : 1))
    .slice(0, maxSuggestions)
    .map(({ title }) => title);
}

/** Every three neighbouring signs, the edges of words included. */
function trigrams(text: string): Set<string> {
  const found = new Set<string>();
  for (const word of searchText(text).split(' ')) {
    if (word === '') continue;
    const edged = `  ${word} `;
    for (let at = 0; at + 2 < edged.length; at++) found.add(edged.slice(at, at + 3));
  }
  return found;
}

/** Cosine of the two sets: 1 for equal ones, 0 without anything in common; a word of a longer title is still alike. */
function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 || b.size === 0) return 0;
  let shared = 0;
  for (const trigram of a) if (b.has(trigram)) shared++;
  return shared / Math.sqrt(a.size * b.size);
}
