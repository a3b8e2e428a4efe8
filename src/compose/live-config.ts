import type { PersonFilesLimits } from '../adapters/files/person-files.ts';
import type { Words } from '../core/notices/index.ts';
import type { ChannelRetention } from '../app/chores/sweep.ts';
import type { Retention } from '../app/chores/tidy.ts';
import type { Chain } from '../app/models/caller.ts';
import type { NotesSettings } from '../app/notes/notes.ts';
import type { PreferenceStore } from '../core/ports/preference-store.ts';
import type { Config, LoadedConfig } from '../config/index.ts';
import type { Toolbox } from '../app/agent/toolbox.ts';
import { historyTurnsOf, type AgentSettings } from '../app/agent/settings.ts';
import { accessPolicies } from './channels.ts';
import { fingerprint } from './fingerprint.ts';
import { agentSettings } from './settings.ts';
import { chooseDefault, withOllama } from './providers.ts';

/** The configuration in force: replaced as a whole by a reload, asked by everything that must not remember it. */
export class LiveConfig {
  loaded: LoadedConfig;
  policies: ReturnType<typeof accessPolicies>;
  /** Why the last reload was rejected; null when it was not. */
  error: string | null = null;
  /** What stands otherwise in the file and waits for a restart. */
  waiting: readonly string[] = [];
  #ollama: string | null = null;
  /** Made once per configuration: they are asked at every turn. */
  readonly #agents = new Map<string | null, AgentSettings>();
  #historyTurns: number | null = null;

  constructor(loaded: LoadedConfig) {
    this.loaded = loaded;
    this.policies = accessPolicies(loaded.config);
  }

  get config(): Config {
    const { config } = this.loaded;
    return this.ollama === null ? config : withOllama(config, this.ollama);
  }

  /** Nothing says which model should answer, so a local Ollama is looked for. */
  get wantsOllamaProbe(): boolean {
    const { default: wanted, named } = this.loaded.config.providers;
    return wanted === undefined && Object.keys(named).every((id) => id === 'demo');
  }

  /** The model of an Ollama that was found on this machine, while nothing else is configured. */
  get ollama(): string | null {
    return this.wantsOllamaProbe ? this.#ollama : null;
  }

  set ollama(model: string | null) {
    this.#ollama = model;
  }

  get model(): { name: string; source: string } {
    if (this.ollama !== null) return { name: `ollama/${this.ollama}`, source: 'an Ollama was found on this machine' };
    const { name, source } = chooseDefault(this.config, this.loaded.sources);
    const model = this.config.providers.named[name]?.model;
    return { name: name.includes('/') || model === undefined ? name : `${name}/${model}`, source };
  }

  /** The clock of people who did not say theirs. */
  get timeZone(): string {
    return this.config.scheduler.time_zone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  /** The clock a person lives by. */
  async zoneOf(person: string, store: PreferenceStore): Promise<string> {
    return (await store.preferences(person)).timeZone ?? this.timeZone;
  }

  get chain(): Chain {
    return { default: this.model.name, fallback: this.config.providers.fallback };
  }

  /** That of the default agent for null and for a name that is no longer there. */
  agent(name: string | null): AgentSettings {
    const known = this.#agents.get(name);
    if (known !== undefined) return known;
    const own = name === null ? undefined : this.config.agents[name];
    const settings = own === undefined ? agentSettings(this.config.agent, null) : agentSettings(own, name);
    this.#agents.set(settings.name, settings);
    return settings;
  }

  /** Names in lists of tools that nothing has. */
  unknownTools(toolbox: Pick<Toolbox, 'unknown'>): string[] {
    return [null, ...this.agentNames].flatMap((name) => {
      const key = name === null ? 'agent.tools' : `agents.${name}.tools`;
      return toolbox.unknown(this.agent(name)).map((wrong) => `${key}: there is no group and no tool "${wrong}"`);
    });
  }

  /** Messages of the user that the widest window can need. */
  get historyTurns(): number {
    this.#historyTurns ??= Math.max(...[null, ...this.agentNames].map((name) => historyTurnsOf(this.agent(name))));
    return this.#historyTurns;
  }

  get agentNames(): ReadonlySet<string> {
    return new Set(Object.keys(this.config.agents));
  }

  get channelRetention(): ChannelRetention {
    const { default: others, ...channels } = this.config.sessions.retention;
    const set = Object.entries(channels).flatMap(([name, ms]) => (ms === undefined ? [] : [[name, ms] as const]));
    return { default: others ?? null, channels: Object.fromEntries(set) };
  }

  get retention(): Retention {
    const { max_age, max_history_messages } = this.config.sessions;
    return { sessionMaxAgeMs: max_age ?? null, maxHistoryMessages: max_history_messages ?? null };
  }

  get notes(): NotesSettings {
    const { notes, default_limit, max_limit, max_notes } = this.config.memory;
    return {
      enabled: notes,
      defaultLimit: Math.min(default_limit, max_limit),
      maxLimit: max_limit,
      maxNotes: max_notes,
    };
  }

  get fileLimits(): PersonFilesLimits {
    const { max_file, quota } = this.config.tools.files;
    return { maxFile: max_file, quota };
  }

  /** For people who ask a bot what it is. */
  modelLine(words: Words): string {
    const { name } = this.model;
    return name.startsWith('demo/') ? words.answeredByDemo : words.answeredBy(name);
  }

  /** Takes the next configuration; returns the names of the sections that changed. */
  replace(next: LoadedConfig): string[] {
    const before = this.loaded.config;
    this.loaded = next;
    this.#agents.clear();
    this.#historyTurns = null;
    this.policies = accessPolicies(next.config);
    this.error = null;
    return (Object.keys(next.config) as (keyof Config)[]).filter(
      (key) => fingerprint(before[key]) !== fingerprint(next.config[key]),
    );
  }
}
