/** How people want to be served: a part of the Store, under its promises. Their language is a column of the person. */
import type { Preferences } from '../preferences.ts';

export interface PreferenceStore {
  /** The defaults, when nothing was said. */
  preferences(owner: string): Promise<Preferences>;
  /** Those who chose a model; at most `limit`. */
  preferredModels(limit: number): Promise<{ owner: string; model: string }[]>;
  /** What it is then; null when there is no such person, or when `maxModels` others chose a model. */
  setPreferences(owner: string, change: Partial<Preferences>, maxModels: number): Promise<Preferences | null>;
}
