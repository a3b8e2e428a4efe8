import { ClankerError, invalidInput, notFound } from '../../core/errors.ts';
import { languageChoices, languageOf } from '../../core/languages.ts';
import type { PersonSettings } from '../../core/ports/preferences.ts';
import type { Store } from '../../core/ports/store.ts';
import { readSettings, settingForms, type Settings, type WrittenSettings } from '../../core/preferences.ts';
import type { ModelCaller } from '../models/caller.ts';

/** People who chose a model; they are held in memory, so that a turn asks no database for it. */
const maxModels = 10_000;

export interface PreferencesDeps {
  store: Pick<Store, 'person' | 'preferences' | 'preferredModels' | 'setPreferences' | 'setPersonLanguage'>;
  models: Pick<ModelCaller, 'resolve'>;
}

/** How each person wants to be served. */
export class Preferences implements PersonSettings {
  readonly #deps: PreferencesDeps;
  readonly #models = new Map<string, string>();

  constructor(deps: PreferencesDeps) {
    this.#deps = deps;
  }

  /** Learns who chose a model. */
  async start(): Promise<void> {
    for (const { owner, model } of await this.#deps.store.preferredModels(maxModels)) this.#models.set(owner, model);
  }

  /** The model a person chose, while it is there to be asked; else null. */
  modelOf(person: string): string | null {
    const model = this.#models.get(person);
    return model !== undefined && this.#knows(model) ? model : null;
  }

  async get(person: string): Promise<Settings> {
    const { store } = this.#deps;
    const row = await store.person(person);
    if (row === null) throw notFound('person');
    const { model, timeZone, quietHours, notices } = await store.preferences(person);
    return { language: languageOf(row.language), model, time_zone: timeZone, quiet_hours: quietHours, notices };
  }

  async set(person: string, written: WrittenSettings): Promise<Settings> {
    const { store, models } = this.#deps;
    const read = readSettings(written);
    if ('wrong' in read) {
      const form =
        read.wrong === 'language' ? `there are ${languageChoices()}` : `write it like "${settingForms[read.wrong]}"`;
      throw invalidInput('bad_setting', `"${read.wrong}" is not understood; ${form}.`);
    }
    const { language, ...change } = read.change;
    if (change.model !== undefined && change.model !== null) models.resolve(change.model);
    if ((await store.person(person)) === null) throw notFound('person');
    if (Object.keys(change).length > 0) {
      const kept = await store.setPreferences(person, change, maxModels);
      if (kept === null) {
        const message = `${maxModels} people chose a model of their own; no more are kept.`;
        throw new ClankerError('conflict', 'too_many_models', message);
      }
      if (kept.model === null) this.#models.delete(person);
      else this.#models.set(person, kept.model);
    }
    if (language !== undefined) await store.setPersonLanguage(person, language);
    return this.get(person);
  }

  /** The person is gone; the row went with them. */
  forget(person: string): void {
    this.#models.delete(person);
  }

  #knows(model: string): boolean {
    try {
      return this.#deps.models.resolve(model).length > 0;
    } catch {
      return false;
    }
  }
}
