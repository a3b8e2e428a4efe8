import { languageOf, type Language } from '../languages.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';
import type { Words } from './words.ts';

export type { Words } from './words.ts';
export const notices: Readonly<Record<Language, Words>> = { en, de, es, fr };

/** The words for a person's language; English where it is unknown. */
export const wordsIn = (language: string | null): Words => notices[languageOf(language) ?? 'en'];
