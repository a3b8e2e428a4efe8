/** How a person wants to be served: what may be said, and what it means. */
import { languageNamed, type Language } from './languages.ts';

export interface Preferences {
  /** `provider/model`, asked when nobody named another one; null: the agent's. */
  model: string | null;
  /** An IANA name such as `Europe/Berlin`; null: not set. */
  timeZone: string | null;
  /** Hours in which nothing should come unasked, in their time zone: `22:00-07:00`; null: none. */
  quietHours: string | null;
  /** Whether the gateway may say something unasked, such as that a model is back. */
  notices: boolean;
}

export const defaultPreferences: Preferences = { model: null, timeZone: null, quietHours: null, notices: true };

/** The name as it is written by the tz database, or null when there is no such zone. */
export function timeZoneOf(text: string): string | null {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text.trim() }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

const clockTime = String.raw`([01]?\d|2[0-3]):([0-5]\d)`;
const span = new RegExp(`^${clockTime}\\s*[-–]\\s*${clockTime}$`);

/** `7:00 - 9:30` as `07:00-09:30`; null when it is no span of a day. It may cross midnight. */
export function quietHoursOf(text: string): string | null {
  const match = span.exec(text.trim());
  if (match === null) return null;
  const [, fromHour = '', fromMinute = '', toHour = '', toMinute = ''] = match;
  const from = `${fromHour.padStart(2, '0')}:${fromMinute}`;
  const to = `${toHour.padStart(2, '0')}:${toMinute}`;
  return from === to ? null : `${from}-${to}`;
}

/** What can be set by name. */
export const settingNames = ['language', 'model', 'time_zone', 'quiet_hours', 'notices'] as const;
export type SettingName = (typeof settingNames)[number];

/** How a person is served, in the words of every surface: chats, tools, the API and the terminal. */
export interface Settings {
  language: Language | null;
  model: string | null;
  time_zone: string | null;
  quiet_hours: string | null;
  notices: boolean;
}

/** What people write; null takes a setting back. */
export type WrittenSettings = { [K in Exclude<SettingName, 'notices'>]?: string | null } & { notices?: boolean };

/** A form that is understood, for who wrote another one. */
export const settingForms: Readonly<Record<SettingName, string>> = {
  language: 'de',
  model: 'openai/gpt-5-mini',
  time_zone: 'Europe/Berlin',
  quiet_hours: '22:00-07:00',
  notices: 'off',
};

export type SettingsChange = Partial<Preferences> & { language?: Language | null };

/** Understands what somebody wrote, but for the model's name; the first setting that makes no sense is `wrong`. */
export function readSettings(written: WrittenSettings): { change: SettingsChange } | { wrong: SettingName } {
  const { language, model, time_zone, quiet_hours, notices } = written;
  const change: SettingsChange = {};
  const read = <T>(
    text: string | null | undefined,
    meaning: (text: string) => T | null,
    keep: (value: T | null) => void,
  ) => {
    if (text === undefined) return true;
    const value = text === null ? null : meaning(text);
    keep(value);
    return text === null || value !== null;
  };
  if (!read(language, languageNamed, (value) => (change.language = value))) return { wrong: 'language' };
  if (!read(time_zone, timeZoneOf, (value) => (change.timeZone = value))) return { wrong: 'time_zone' };
  if (!read(quiet_hours, quietHoursOf, (value) => (change.quietHours = value))) return { wrong: 'quiet_hours' };
  if (model !== undefined) change.model = model;
  if (notices !== undefined) change.notices = notices;
  return { change };
}
