import { ClankerError, invalidInput } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import { checkMetadata, maxNotesBytes, parseNoteText, parseTitle, searchWords } from '../../core/notes.ts';
import type { NoteKey, NotePage, NoteRow, Notes, SaveNote } from '../../core/ports/notes.ts';
import type { Listed } from '../../core/ports/listed.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { parseDuration } from '../../core/units.ts';

/** Ten years: what is to last longer has no end. */
const maxExpiryMs = 3653 * 86_400_000;

export interface NotesSettings {
  enabled: boolean;
  /** Of a page. */
  defaultLimit: number;
  maxLimit: number;
  /** Of one person. */
  maxNotes: number;
}

interface NotesDeps {
  store: Store;
  clock: Clock;
  mintId: MintId;
  /** Asked with each call, so that a reload counts at once. */
  settings: () => NotesSettings;
}

/** The one way to notes. Whose they are is the caller's word, never part of what was asked. */
export class PersonalNotes implements Notes {
  readonly #deps: NotesDeps;

  constructor(deps: NotesDeps) {
    this.#deps = deps;
  }

  async save(
    person: string,
    { title, text, metadata, expires }: SaveNote,
    from: { source: string; outside: string | null },
  ): Promise<{ note: NoteRow; created: boolean }> {
    const { store, clock, mintId } = this.#deps;
    const { maxNotes } = this.#settings();
    if (metadata !== undefined) checkMetadata(metadata);
    const at = clock.now();
    const note = {
      ...from,
      id: mintId('note'),
      owner: person,
      title: parseTitle(title),
      text: parseNoteText(text),
      metadata: metadata ?? null,
      ...(expires === undefined ? {} : { expiresAt: expires === null ? null : at + expiryOf(expires) }),
      at,
    };
    const saved = await store.saveNote(note, { notes: maxNotes, bytes: maxNotesBytes });
    if (saved !== null) return saved;
    throw new ClankerError(
      'conflict',
      'too_many_notes',
      `There are ${maxNotes} notes already, or ${maxNotesBytes / 1e6} MB of them; delete some first.`,
    );
  }

  async find(person: string, key: NoteKey): Promise<{ note: NoteRow | null; suggestions: string[] }> {
    this.#settings();
    const { store, clock } = this.#deps;
    return store.note(person, 'title' in key ? { title: parseTitle(key.title) } : key, clock.now());
  }

  async search(person: string, query: string, page: NotePage): Promise<Listed<NoteRow>> {
    const options = this.#options(page);
    const words = searchWords(query);
    if (words.length === 0) return { items: [], nextCursor: null };
    const { store, clock } = this.#deps;
    return store.searchNotes(person, words, clock.now(), options);
  }

  async list(person: string, page: NotePage): Promise<Listed<NoteRow>> {
    const options = this.#options(page);
    const { store, clock } = this.#deps;
    return store.listNotes(person, clock.now(), options);
  }

  async remove(person: string, id: string): Promise<boolean> {
    this.#settings();
    return this.#deps.store.deleteNote(person, id);
  }

  async removeAll(person: string): Promise<number> {
    this.#settings();
    return this.#deps.store.deleteNotes(person);
  }

  #settings(): NotesSettings {
    const settings = this.#deps.settings();
    if (settings.enabled) return settings;
    throw new ClankerError('conflict', 'notes_off', 'Notes are switched off (memory.notes).');
  }

  #options({ limit, cursor }: NotePage): { limit: number; cursor?: string } {
    const { defaultLimit, maxLimit } = this.#settings();
    if (limit !== undefined && (limit < 1 || limit > maxLimit)) {
      throw invalidInput('bad_limit', `A page has 1 to ${maxLimit} notes.`);
    }
    return { limit: limit ?? defaultLimit, ...(cursor === undefined ? {} : { cursor }) };
  }
}

function expiryOf(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0 && ms <= maxExpiryMs) return ms;
  throw invalidInput('bad_expiry', 'A note expires after more than nothing and at most ten years, such as "30d".');
}
