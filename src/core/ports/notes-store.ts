/** Notes of people: a part of the Store, under its promises. An expired note is never found, listed or counted. */
import type { JsonObject } from '../message.ts';
import type { Listed, ListOptions } from './listed.ts';

export interface NoteRow {
  id: string;
  owner: string;
  /** Unique per owner by its titleKey (core/notes.ts). */
  title: string;
  text: string;
  metadata: JsonObject;
  /** Who wrote it: `run:<id>`, `token:<id>`, `sender:<id>`, `import:<what>`. */
  source: string;
  /** Where the text comes from when somebody else than the owner may have written it; null: their own. */
  outside: string | null;
  createdAt: number;
  updatedAt: number;
  /** Milliseconds since the epoch; null: never. */
  expiresAt: number | null;
}

export interface NoteToSave extends Omit<NoteRow, 'metadata' | 'createdAt' | 'updatedAt' | 'expiresAt'> {
  /** Null: as it was, empty for a new note. */
  metadata: JsonObject | null;
  /** Undefined: as it was, never for a new note. */
  expiresAt?: number | null;
  at: number;
}

/** By its id, or by its title in any case. */
export type NoteKey = { id: string } | { title: string };

export interface NotesStore {
  /**
   * Inserts, or replaces the note with the same title, which keeps its id and the time it was made. Null when the owner
   * has so many others already, or all their texts would be longer than that (UTF-8).
   */
  saveNote(
    note: NoteToSave,
    limits: { notes: number; bytes: number },
  ): Promise<{ note: NoteRow; created: boolean } | null>;
  /** A title that is not there comes with those that may have been meant. */
  note(owner: string, key: NoteKey, now: number): Promise<{ note: NoteRow | null; suggestions: string[] }>;
  /** Those with any of the words (of core's searchWords) in title or text: most words first, then titles, then newest. */
  searchNotes(owner: string, words: readonly string[], now: number, options: ListOptions): Promise<Listed<NoteRow>>;
  /** Last changed first. */
  listNotes(owner: string, now: number, options: ListOptions): Promise<Listed<NoteRow>>;
  /** False when there was none. */
  deleteNote(owner: string, id: string): Promise<boolean>;
  /** How many there were. */
  deleteNotes(owner: string): Promise<number>;
}
