import { errorData } from '../../core/errors.ts';
import { languageChoices, languages } from '../../core/languages.ts';
import type { SettingsWords } from '../../core/notices/settings.ts';
import { wordsIn } from '../../core/notices/index.ts';
import type { PersonSettings } from '../../core/ports/preferences.ts';
import { settingForms, settingNames, type SettingName, type Settings } from '../../core/preferences.ts';
import type { CommandContext, CommandRegistry } from '../commands/registry.ts';

const yes = /^(on|yes|true|1|an|ein|ja|sí|si|oui)$/i;
const no = /^(off|no|false|0|aus|nein|non)$/i;
const maxShown = 80;

/** /settings: how somebody wants to be served. */
export function registerPreferenceCommands(registry: CommandRegistry, preferences: PersonSettings): void {
  registry.register({ name: 'settings', run: (context) => settings(context, preferences) });
}

async function settings(context: CommandContext, preferences: PersonSettings): Promise<string> {
  const { argument, person } = context;
  const words = context.words.settings;
  if (argument === '') return listed(await preferences.get(person.id), words);
  const [, wanted = '', text = ''] = /^(\S+)\s*([\s\S]*)$/.exec(argument) ?? [];
  const name = settingNames.find((known) => known === wanted.toLowerCase().replaceAll('-', '_'));
  if (name === undefined) return words.unknown(settingNames.map((known) => `\`${known}\``).join(', '));
  if (text === '') {
    const now = await preferences.get(person.id);
    return `${words.names[name]}: ${shown(now, name, words)}\n\n${words.change(`/settings ${name} ${settingForms[name]}`)}`;
  }
  const wrong =
    name === 'language'
      ? context.words.languageUnknown(text.slice(0, 20), languageChoices())
      : words.wrong(words.names[name], settingForms[name]);
  const value = valueOf(name, text);
  if (value === undefined) return wrong;
  try {
    const now = await preferences.set(person.id, { [name]: value });
    const answer = name === 'language' ? wordsIn(now.language).settings : words;
    return answer.set(answer.names[name], shown(now, name, answer));
  } catch (error) {
    if (errorData(error).kind !== 'invalid_input') throw error;
    return wrong;
  }
}

/** Undefined when it cannot be meant. */
function valueOf(name: SettingName, text: string): string | boolean | null | undefined {
  const isDefault = text === 'default';
  if (name === 'notices') return isDefault || yes.test(text) ? true : no.test(text) ? false : undefined;
  return isDefault ? null : text;
}

const listed = (now: Settings, words: SettingsWords): string =>
  [
    words.yours,
    ...settingNames.map((name) => `- \`${name}\`${meaning(name, words)}: ${shown(now, name, words)}`),
    '',
    words.how,
  ].join('\n');

/** What a name means, where it does not say so itself. */
function meaning(name: SettingName, { names }: SettingsWords): string {
  return names[name] === name.replaceAll('_', ' ') ? '' : ` (${names[name]})`;
}

function shown(now: Settings, name: SettingName, words: SettingsWords): string {
  if (name === 'notices') return now.notices ? words.on : words.off;
  const value = name === 'language' && now.language !== null ? languages[now.language] : now[name];
  return value === null ? words.notSet : `\`${value.slice(0, maxShown).replaceAll('`', "'")}\``;
}
