import { ModelCaller } from '../app/models/caller.ts';
import { Preferences } from '../app/preferences/preferences.ts';
import type { Access } from './access.ts';
import { composeBudgets } from './budgets.ts';
import { Plugins } from './plugins.ts';
import { ProviderSet } from './providers.ts';

export type Models = Access & ReturnType<typeof composeModels>;

/** Which models answer, who chose which, and who may spend how much on them. */
export function composeModels(access: Access) {
  const { clock, random, log, http, dataDir, stopping } = access;
  const plugins = new Plugins({ clock, random, log, http, dataDir: dataDir.folder });
  stopping.isContained = (error) => plugins.blames(error);
  const budgets = composeBudgets(access);
  const models = new ModelCaller({ ...access, budgets });
  return {
    plugins,
    providers: new ProviderSet({ ...access, plugin: (config) => plugins.provider(config) }),
    budgets,
    models,
    preferences: new Preferences({ ...access, models }),
  };
}
