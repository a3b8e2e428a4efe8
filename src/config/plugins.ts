/** Plugins as configured, and the accounts of the channels that they add. */
import * as z from 'zod/mini';
import { commonFields } from '../adapters/channels/options.ts';
import { pluginFields } from '../adapters/plugins/options.ts';
import { named, table, type ValueOf } from '../core/fields.ts';
import { channelKinds } from './channels.ts';
import type { Problem } from './problem.ts';

const any = { example: '"42"', problem: () => null };

/** No channel of ours may be called so, and these mean something else at the head of a session's key. */
const reserved = new Set([...Object.keys(channelKinds), 'api', 'cli', 'job', 'hook']);

export const pluginsTable = () =>
  named(
    'Plugins: code of others that adds tools, a provider or a channel. It runs in the gateway with all its rights; load only what you trust.',
    table('A plugin, under the name that its manifest says.', {
      ...pluginFields(),
      channel: z.optional(
        table(
          'The channel that it adds, of the type NAME.',
          commonFields({ user: any, chat: any, credentials: 'a plugin that adds a channel' }),
        ),
      ),
    }),
  );

export type ConfiguredPlugin = ValueOf<typeof pluginsTable>[string];

export function pluginProblems(plugins: Readonly<Record<string, ConfiguredPlugin>>): Problem[] {
  const problems: Problem[] = [];
  for (const [name, { channel }] of Object.entries(plugins)) {
    const at = ['plugins', name];
    if (channel !== undefined && reserved.has(name))
      problems.push({ path: [...at, 'channel'], message: `a channel cannot be called "${name}"; that is one of ours` });
  }
  return problems;
}
