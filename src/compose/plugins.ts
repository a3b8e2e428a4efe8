import path from 'node:path';
import type { PluginSet, WantedPlugin } from '../adapters/plugins/index.ts';
import type { PluginReport, PluginSettings } from '../adapters/plugins/inspect.ts';
import type { ChannelPlan } from '../app/channels/manager.ts';
import type { Config, LoadedConfig } from '../config/index.ts';
import type { ConfiguredPlugin } from '../config/plugins.ts';
import { ClankerError } from '../core/errors.ts';
import type { HttpClient } from '../core/ports/http-client.ts';
import type { Provider, ProviderConfig } from '../core/ports/provider.ts';
import type { Clock, Log, Random } from '../core/ports/system.ts';
import type { ToolGroup, ToolSource } from '../core/ports/tool.ts';
import { fingerprint } from './fingerprint.ts';

interface PluginsDeps {
  clock: Clock;
  random: Random;
  log: Log;
  http: HttpClient;
  /** The data directory. */
  dataDir: string;
}

/** The plugins of the running gateway. What loads them is itself loaded with the first that is configured. */
export class Plugins implements ToolSource {
  readonly #deps: PluginsDeps;
  #loading: Promise<PluginSet> | null = null;
  /** Once it is loaded. */
  #set: PluginSet | null = null;
  readonly #known = Promise.withResolvers<void>();

  constructor(deps: PluginsDeps) {
    this.#deps = deps;
  }

  /** Plugins are loaded once the gateway is ready, but those that are a provider before: without them nothing could be answered. */
  async prepare(loaded: LoadedConfig): Promise<void> {
    const { named } = loaded.config.providers;
    // With none to come nobody waits for one.
    if (Object.keys(loaded.config.plugins).length === 0) this.#known.resolve();
    await this.#configure(loaded, (name) => named[name]?.api === 'plugin');
  }

  configure(loaded: LoadedConfig): Promise<void> {
    return this.#configure(loaded, () => true).finally(() => this.#known.resolve());
  }

  arrived(): Promise<void> {
    return this.#known.promise;
  }

  async #configure(loaded: LoadedConfig, isMeant: (name: string) => boolean): Promise<void> {
    const all = Object.entries(loaded.config.plugins).filter(([name]) => isMeant(name));
    if (this.#loading === null && all.length === 0) return;
    const set = await this.#load();
    const wanted = all
      .filter(([, { enabled }]) => enabled)
      .map(([name, plugin]): WantedPlugin => {
        const settings = settingsOf(loaded, name, plugin);
        return { ...settings, options: plugin.options, fingerprint: fingerprint([settings, plugin.options]) };
      });
    await set.configure(wanted);
  }

  #load(): Promise<PluginSet> {
    this.#loading ??= import('../adapters/plugins/index.ts').then(({ PluginSet: Loaded }) => {
      this.#set = new Loaded({ ...this.#deps, folder: path.join(this.#deps.dataDir, 'plugins') });
      return this.#set;
    });
    return this.#loading;
  }

  groups(): readonly ToolGroup[] {
    return this.#set?.groups() ?? [];
  }

  provider(config: ProviderConfig): Provider {
    if (this.#set === null) throw new ClankerError('provider', 'plugin', `There is no plugin ${config.id}.`);
    return this.#set.provider(config.id, config);
  }

  /** The accounts of channels that plugins add. */
  channelPlans({ plugins }: Config): ChannelPlan[] {
    return Object.entries(plugins).flatMap(([name, { enabled, channel, ...plugin }]) => {
      if (!enabled || channel === undefined || channel.enabled === false) return [];
      return {
        id: `${name}:main`,
        fingerprint: fingerprint(plugin),
        stream: channel.stream,
        create: async () => (await this.#load()).channel(name),
      };
    });
  }

  /** A sentence for each that is not used or fails. */
  warnings(): string[] {
    const trouble = (this.#set?.status() ?? []).filter(({ detail }) => detail !== '');
    return trouble.map(({ name, state, detail }) =>
      state === 'refused' ? `The plugin ${name} is not used: ${detail}.` : `The plugin ${name}: ${detail}.`,
    );
  }

  /** Whether a failure that nobody handled is that of a plugin. */
  blames(error: unknown): boolean {
    return this.#set?.blames(error) ?? false;
  }

  async stop(deadlineMs: number): Promise<void> {
    await this.#set?.stop(deadlineMs);
  }
}

function settingsOf(
  { folder }: LoadedConfig,
  name: string,
  { path: given, grant, sha256 }: ConfiguredPlugin,
): PluginSettings {
  return { name, path: path.resolve(folder, given), grant, sha256: sha256 ?? null };
}

/** What a look at the disk finds, for commands; no code of a plugin runs. */
export async function inspectPlugins(loaded: LoadedConfig): Promise<(PluginReport & { enabled: boolean })[]> {
  const { inspectPlugin } = await import('../adapters/plugins/inspect.ts');
  return Promise.all(
    Object.entries(loaded.config.plugins).map(async ([name, plugin]) => ({
      ...(await inspectPlugin(settingsOf(loaded, name, plugin))),
      enabled: plugin.enabled,
    })),
  );
}
