import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import type { PersonSettings } from '../../../core/ports/preferences.ts';
import type { ToolGroup } from '../../../core/ports/tool.ts';
import { settingNames, type Settings } from '../../../core/preferences.ts';

const value = z.optional(z.nullable(z.string().check(z.maxLength(200))));

/** How the person who asks wants to be served: their own settings, nobody else's. */
export function preferenceTools(settings: PersonSettings): ToolGroup {
  return {
    name: 'preferences',
    about: "the person's language, model, time zone, quiet hours",
    keywords: [
      'prefer',
      'setting',
      'time zone',
      'timezone',
      'quiet',
      'einstellung',
      'zeitzone',
      'ruhezeit',
      'ajuste',
      'zona horaria',
      'silencio',
      'réglage',
      'fuseau',
      'préfér',
    ],
    tools: [
      defineTool({
        name: 'get_preferences',
        description: 'Shows how the person wants to be served.',
        effects: ['read'],
        input: () => z.strictObject({}),
        run: async (_input, { person }) => ({ text: told(await settings.get(person)) }),
      }),
      defineTool({
        name: 'set_preferences',
        description:
          'Changes what is given; null: default. time_zone: IANA name; quiet_hours: HH:MM-HH:MM; model: provider/model.',
        effects: ['write'],
        idempotent: true,
        input: () =>
          z.strictObject({
            language: z.optional(z.nullable(z.enum(['en', 'de', 'es', 'fr']))),
            model: value,
            time_zone: value,
            quiet_hours: value,
            notices: z.optional(z.boolean()),
          }),
        run: async (input, { person }) => ({ text: told(await settings.set(person, given(input))) }),
      }),
    ],
  };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const given = <T extends object>(input: T): Given<T> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Given<T>;

const told = (now: Settings): string => settingNames.map((name) => `${name}: ${now[name] ?? 'not set'}`).join('\n');
