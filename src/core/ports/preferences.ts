import type { Settings, WrittenSettings } from '../preferences.ts';

/** How people want to be served, for those who ask on a person's behalf. */
export interface PersonSettings {
  /** Rejects with not_found. */
  get(person: string): Promise<Settings>;
  /** What it is then. Rejects with invalid_input `bad_setting` or `unknown_model`, in words that say what is accepted. */
  set(person: string, written: WrittenSettings): Promise<Settings>;
}
