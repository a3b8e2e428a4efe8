import * as z from 'zod/mini';
import { flag, list, text, values, withDefault } from '../../core/fields.ts';

export const capabilities = ['tool', 'provider', 'channel', 'network', 'files'] as const;

const known = (name: string): string | null =>
  (capabilities as readonly string[]).includes(name) ? null : `"${name.slice(0, 40)}" is no capability`;

const packageName = (name: string): string | null =>
  name.length <= 214 && /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/.test(name)
    ? null
    : 'this is not the name of an npm package';

const digest = (value: string): string | null =>
  /^[0-9a-f]{64}$/.test(value) ? null : 'it is not 64 digits 0-9 a-f; `open-clanker plugins list` shows the right ones';

/** Keys of `[plugins.NAME]`; who may talk on a channel of a plugin stands in a table of its own. */
export const pluginFields = {
  enabled: withDefault(flag('Whether the plugin is loaded.'), true),
  path: z.optional(text('The folder that holds it.', 'the path of a folder', { example: '"plugins/dice"' })),
  package: z.optional(
    text(
      'The npm package that it is, installed in `node_modules` beside the configuration or above; instead of `path`.',
      'the name of a package',
      {
        check: packageName,
        example: '"open-clanker-dice"',
      },
    ),
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
};
