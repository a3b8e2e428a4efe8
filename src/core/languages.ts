/** Languages that notices are written in, by their own names. */
export const languages = { en: 'English', de: 'Deutsch', es: 'español', fr: 'français' } as const;
export type Language = keyof typeof languages;

/** To choose from, as Markdown: English (`en`), … */
export const languageChoices = (): string =>
  Object.entries(languages)
    .map(([code, name]) => `${name} (\`${code}\`)`)
    .join(', ');

/** The language of a BCP 47 tag when we have it (`de-AT` is `de`), else null. */
export function languageOf(tag: string | null | undefined): Language | null {
  const primary = tag?.toLowerCase().split(/[-_]/, 1)[0] ?? '';
  return Object.hasOwn(languages, primary) ? (primary as Language) : null;
}

/** What a person calls a language: a tag, or its own name. */
export function languageNamed(text: string): Language | null {
  const name = text.trim().toLowerCase();
  const [code] = Object.entries(languages).find(([, own]) => own.toLowerCase() === name) ?? [name];
  return languageOf(code);
}
