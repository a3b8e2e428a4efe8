import * as z from 'zod/mini';
import { flag, list, text, values, withDefault } from '../../core/fields.ts';

export const capabilities = ['tool', 'provider', 'channel', 'network', 'files'] as const;

const known = (name: string): string | null =>
  (capabilities as readonly string[]).includes(name) ? null : `"${name.slice(0, 40)}" is no capability`;

const digest = (value: string): string | null =>
  /^[0-9a-f]{64}$/.test(value) ? null : 'it is not 64 digits 0-9 a-f; `open-clanker plugins list` shows the right ones';

/** Keys of `[plugins.NAME]`; who may talk on a channel of a plugin stands in a table of its own. */
export const pluginFields = () => ({
  enabled: withDefault(flag('Whether the plugin is loaded.'), true),
  path: text(
    'The folder that holds it: a package that was installed with npm lies in `node_modules`.',
    'the path of a folder, from that of the configuration file on',
    { example: '"node_modules/open-clanker-dice"' },
  ),
  grant: withDefault(
    list(
      'What it may be given; it is loaded only when this holds everything that it asks for.',
      `a list of ${capabilities.join(', ')}`,
      known,
    ),
    [],
  ),
  sha256: z.optional(
    text('The only state of its files in which it is loaded.', 'the SHA-256 that `open-clanker plugins list` shows', {
      check: digest,
      example: '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    }),
  ),
  options: withDefault(values('What the plugin itself takes; see its own words.', '{ sides = 20 }'), {}),
});
