/** Notes as every surface uses them (tools, chat commands, API, CLI): each call is in the name of one person. */
import type { JsonObject } from '../message.ts';
import type { NoteKey, NoteRow } from './notes-store.ts';
import type { Listed } from './listed.ts';

export type { NoteKey, NoteRow } from './notes-store.ts';

export interface SaveNote {
  title: string;
  text: string;
  /** Absent: as it was. */
  metadata?: JsonObject;
  /** A duration such as `30d`, or null for never. Absent: as it was. */
  expires?: string | null;
}

/** `limit` absent: the configured default. */
export interface NotePage {
  limit?: number;
  cursor?: string;
}

/** Rejects with `notes_off` while notes are switched off, `bad_limit` past the configured limit, `bad_cursor`. */
export interface Notes {
  /**
   * Replaces a note of the same title. `source` and `outside` as in NoteRow. Rejects with `bad_title`, `bad_note`,
   * `bad_metadata`, `bad_expiry`, `too_many_notes`.
   */
  save(
    person: string,
    note: SaveNote,
    from: { source: string; outside: string | null },
  ): Promise<{ note: NoteRow; created: boolean }>;
  /** A title that is not there comes with those that may have been meant. */
  find(person: string, key: NoteKey): Promise<{ note: NoteRow | null; suggestions: string[] }>;
  /** Best matches first. */
  search(person: string, query: string, page: NotePage): Promise<Listed<NoteRow>>;
  /** Last changed first. */
  list(person: string, page: NotePage): Promise<Listed<NoteRow>>;
  /** False when there was none. */
  remove(person: string, id: string): Promise<boolean>;
  /** How many there were. */
  removeAll(person: string): Promise<number>;
}
