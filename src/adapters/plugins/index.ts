/** The plugins of the configuration: checked, loaded, switched off; none of them can take the gateway down. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ClankerError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/message.ts';
import type { Channel } from '../../core/ports/channel.ts';
import type { HttpClient } from '../../core/ports/http-client.ts';
import type { Provider, ProviderConfig } from '../../core/ports/provider.ts';
import type { Clock, Log, Random } from '../../core/ports/system.ts';
import type { ToolGroup, ToolSource } from '../../core/ports/tool.ts';
import type { Activate, Capability, PluginHost, PluginManifest, PluginParts } from '../../plugin-api/index.ts';
import { containedChannel } from './channel.ts';
import { inspectPlugin, type PluginReport, type PluginSettings } from './inspect.ts';
import { PluginProblem, within, wordsOf } from './problem.ts';
import { PluginProvider } from './provider.ts';
import { toolGroup } from './tools.ts';

const maxLoadMs = 10_000;
const stopMs = 5000;

/** A plugin as configured, with what it takes. `fingerprint` tells whether any of it changed. */
export interface WantedPlugin extends PluginSettings {
  options: JsonObject;
  fingerprint: string;
}

interface PluginDeps {
  clock: Clock;
  random: Random;
  log: Log;
  http: HttpClient;
  /** Holds a folder for each plugin that may have one. */
  folder: string;
  /** How long each step of beginning a plugin may take. Default: 10 s. */
  loadMs?: number;
}

/** A plugin at work. */
interface Active {
  parts: PluginParts;
  manifest: PluginManifest;
  tools: ToolGroup | null;
  stop: AbortController;
}

interface Known {
  fingerprint: string;
  report: PluginReport;
  active: Active | null;
  failures: number;
  lastFailure: string;
}

export interface PluginStatus {
  name: string;
  version: string | null;
  sha256: string | null;
  /** `failing`: it works, and something in it threw since it was begun. */
  state: 'loading' | 'active' | 'failing' | 'refused';
  /** In words; empty while all is well. */
  detail: string;
}

export class PluginSet implements ToolSource {
  readonly #deps: PluginDeps;
  readonly #loadMs: number;
  readonly #plugins = new Map<string, Known>();
  /** The code of a module is loaded once in a process: by folder, the files it was loaded from. */
  readonly #loaded = new Map<string, string>();
  /** One change of a plugin at a time, and none waits for another plugin. As many as were ever configured. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(deps: PluginDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'plugins' }) };
    this.#loadMs = deps.loadMs ?? maxLoadMs;
  }

  /** Makes the active plugins those that are wanted. Never rejects; what is wrong with one is in its status. */
  async configure(wanted: readonly WantedPlugin[]): Promise<void> {
    const names = new Set([...this.#turns.keys(), ...wanted.map(({ name }) => name)]);
    await Promise.all(
      Array.from(names, (name) => {
        const before = this.#turns.get(name) ?? Promise.resolve();
        const own = wanted.find((each) => each.name === name);
        const turn = before.then(() => (own === undefined ? this.#remove(name) : this.#configureOne(own)));
        this.#turns.set(name, turn);
        return turn;
      }),
    );
  }

  async #remove(name: string): Promise<void> {
    const known = this.#plugins.get(name);
    this.#plugins.delete(name);
    if (known !== undefined) await this.#end(name, known);
  }

  /** Settles by the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    await Promise.all([...this.#plugins].map(([name, known]) => this.#end(name, known, deadlineMs)));
  }

  groups(): readonly ToolGroup[] {
    return [...this.#plugins.values()].flatMap(({ active }) => active?.tools ?? []);
  }

  status(): PluginStatus[] {
    return [...this.#plugins].map(([name, { report, active, failures, lastFailure }]) => {
      const about = { name, version: report.manifest?.version ?? null, sha256: report.sha256 };
      if (active === null && report.problem === null) return { ...about, state: 'loading', detail: '' };
      if (active === null) return { ...about, state: 'refused', detail: report.problem ?? '' };
      if (report.problem !== null) return { ...about, state: 'failing', detail: report.problem };
      if (failures === 0) return { ...about, state: 'active', detail: '' };
      return { ...about, state: 'failing', detail: `it failed ${failures} times, last: ${lastFailure}` };
    });
  }

  /** Waits for the plugin to be loaded. Throws ClankerError `plugin` when it has none. */
  async channel(name: string): Promise<Channel> {
    await this.#turns.get(name);
    const { make, stop } = this.#part(name, 'channel');
    const channel = await within(this.#loadMs, Promise.resolve(make()), 'its channel was not made in time');
    return containedChannel(name, channel, stop, (error) => this.#failed(name, error));
  }

  /** Works, with error events, also while the plugin does not. */
  provider(name: string, config: ProviderConfig): Provider {
    let made: { by: AbortSignal; provider: Promise<Provider> } | null = null;
    const now = async (): Promise<Provider | string> => {
      try {
        const { make, stop } = this.#part(name, 'provider');
        // One that was made before the plugin began anew is of no use.
        if (made?.by !== stop) made = { by: stop, provider: Promise.resolve(make(config)) };
        return await made.provider;
      } catch (error) {
        return wordsOf(error);
      }
    };
    return new PluginProvider(config.id, now, (error) => this.#failed(name, error));
  }

  /** What makes a part, and the signal of the plugin's end. */
  #part<K extends 'channel' | 'provider'>(
    name: string,
    kind: K,
  ): { make: NonNullable<PluginParts[K]>; stop: AbortSignal } {
    const known = this.#plugins.get(name);
    const make = known?.active?.parts[kind];
    if (known?.active && make !== undefined) return { make, stop: known.active.stop.signal };
    const why =
      known === undefined
        ? 'is not configured'
        : known.active === null
          ? `is not loaded: ${known.report.problem ?? 'it is about to be'}`
          : `adds no ${kind}`;
    throw new ClankerError(kind, 'plugin', `The plugin ${name} ${why}.`);
  }

  async #configureOne(wanted: WantedPlugin): Promise<void> {
    const { name, fingerprint } = wanted;
    const before = this.#plugins.get(name);
    const report = await inspectPlugin(wanted);
    const { folder, sha256 } = report;
    const stale = folder !== null && (this.#loaded.get(folder) ?? sha256) !== sha256;
    if (report.problem === null && stale) report.problem = 'its files changed; restart the gateway to load them';
    const same = before?.active !== null && before?.fingerprint === fingerprint;
    // What runs is not ended because its successor lies on disk already.
    if (before !== undefined && same && (report.problem === null || stale)) {
      before.report = report;
      return;
    }
    if (before !== undefined) await this.#end(name, before);
    const known: Known = {
      fingerprint,
      report,
      active: null,
      failures: 0,
      lastFailure: '',
    };
    this.#plugins.set(name, known);
    if (report.problem === null) await this.#begin(wanted, known);
    if (report.problem !== null)
      this.#deps.log.error(`the plugin ${name} is not used: ${report.problem}`, { plugin: name });
  }

  async #begin(wanted: WantedPlugin, known: Known): Promise<void> {
    const { report } = known;
    const { folder, manifest, sha256 } = report;
    if (folder === null || manifest === null || sha256 === null) return;
    const stop = new AbortController();
    try {
      this.#loaded.set(folder, sha256);
      const activate = await this.#activateOf(path.join(folder, manifest.entry));
      const beginning = Promise.resolve(activate(await this.#hostOf(wanted, manifest, stop.signal)));
      // One that is late is ended as soon as it has begun.
      void beginning.then((parts) => stop.signal.aborted && parts.stop?.()).catch(() => undefined);
      const parts = await within(this.#loadMs, beginning, `it did not begin within ${this.#loadMs / 1000} s`);
      checkParts(parts, manifest);
      const failed = (error: unknown): void => this.#failed(wanted.name, error);
      const tools = parts.tools === undefined ? null : toolGroup(wanted.name, parts.tools, failed);
      known.active = { parts, manifest, tools, stop };
      this.#deps.log.info(`the plugin ${wanted.name} ${manifest.version} is active`, { plugin: wanted.name, sha256 });
    } catch (error) {
      stop.abort(new Error('the plugin was not taken'));
      report.problem = error instanceof PluginProblem ? error.message : `it failed when it began: ${wordsOf(error)}`;
    }
  }

  async #activateOf(file: string): Promise<Activate> {
    const loading = import(pathToFileURL(file).href) as Promise<{
      activate?: unknown;
      default?: { activate?: unknown };
    }>;
    const module = await within(this.#loadMs, loading, `its code was not loaded within ${this.#loadMs / 1000} s`);
    const activate = module.activate ?? module.default?.activate;
    if (typeof activate !== 'function') throw new PluginProblem('its entry exports no function "activate"');
    return activate as Activate;
  }

  async #hostOf({ name, options }: WantedPlugin, manifest: PluginManifest, signal: AbortSignal): Promise<PluginHost> {
    const { clock, random, log, http } = this.#deps;
    const asks = (capability: Capability): boolean => manifest.capabilities.includes(capability);
    const folder = path.join(this.#deps.folder, name);
    if (asks('files')) await mkdir(folder, { recursive: true, mode: 0o700 });
    return Object.freeze({
      api: 1,
      name,
      options: structuredClone(options),
      log: log.with({ component: `plugin:${name}` }),
      clock,
      random,
      signal,
      ...(asks('network') ? { http } : {}),
      ...(asks('files') ? { folder } : {}),
    });
  }

  async #end(name: string, known: Known, deadlineMs = stopMs): Promise<void> {
    const { active } = known;
    if (active === null) return;
    known.active = null;
    active.stop.abort(new Error('the plugin is switched off'));
    try {
      await within(deadlineMs, Promise.resolve(active.parts.stop?.()), `it did not stop within ${deadlineMs / 1000} s`);
    } catch (error) {
      this.#deps.log.warn(`the plugin ${name} did not stop cleanly: ${wordsOf(error)}`, { plugin: name });
    }
  }

  #failed(name: string, error: unknown): void {
    const known = this.#plugins.get(name);
    if (known === undefined) return;
    known.failures++;
    known.lastFailure = wordsOf(error);
    this.#deps.log.warn(`the plugin ${name} failed`, { plugin: name, error });
  }

  /** Whether a timer or a forgotten promise of a plugin threw it; told as a failure of that plugin. */
  blames(error: unknown): boolean {
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    for (const [name, { report }] of this.#plugins) {
      if (report.folder === null) continue;
      const places = [report.folder + path.sep, pathToFileURL(report.folder + path.sep).href];
      if (!places.some((place) => stack.includes(place))) continue;
      this.#failed(name, error);
      return true;
    }
    return false;
  }
}

/** Parts are what the manifest asked for, and no others. */
function checkParts(parts: PluginParts, { capabilities }: PluginManifest): void {
  if (typeof parts !== 'object' || parts === null) throw new PluginProblem('"activate" returned no parts');
  const kinds = [
    ['tools', 'tool', 'object'],
    ['channel', 'channel', 'function'],
    ['provider', 'provider', 'function'],
  ] as const;
  for (const [part, capability, type] of kinds) {
    const value: unknown = parts[part];
    if (value === undefined) continue;
    if (!capabilities.includes(capability))
      throw new PluginProblem(`it adds ${part} without "${capability}" among the capabilities of its manifest`);
    if (typeof value !== type || value === null) throw new PluginProblem(`its ${part} is no ${type}`);
  }
  if (parts.stop !== undefined && typeof parts.stop !== 'function') throw new PluginProblem('its stop is no function');
}
