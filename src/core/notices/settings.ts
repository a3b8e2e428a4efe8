import type { Language } from '../languages.ts';
import type { SettingName } from '../preferences.ts';

/** What is said about how a person wants to be served, in one language. */
export interface SettingsWords {
  /** Before the list. */
  yours: string;
  names: Readonly<Record<SettingName, string>>;
  notSet: string;
  on: string;
  off: string;
  /** How to change one, behind the list. */
  how: string;
  /** The same for a single one. */
  change(command: string): string;
  set(name: string, value: string): string;
  /** `form`: one that is understood. */
  wrong(name: string, form: string): string;
  unknown(names: string): string;
}

const en: SettingsWords = {
  yours: 'How you want it:',
  names: {
    language: 'language of my notices',
    model: 'model',
    time_zone: 'time zone',
    quiet_hours: 'quiet hours',
    notices: 'notices',
  },
  notSet: 'not set',
  on: 'on',
  off: 'off',
  how: 'Change one with `/settings quiet_hours 22:00-07:00`, or take it back with `/settings quiet_hours default`.',
  change: (command) => `Change it with \`${command}\`.`,
  set: (name, value) => `Noted: ${name}: ${value}.`,
  wrong: (name, form) => `I do not understand that as ${name}; write it like \`${form}\`.`,
  unknown: (names) => `There is no such setting. There are: ${names}.`,
};

const de: SettingsWords = {
  yours: 'So möchtest du es:',
  names: {
    language: 'Sprache meiner Hinweise',
    model: 'Modell',
    time_zone: 'Zeitzone',
    quiet_hours: 'Ruhezeit',
    notices: 'Hinweise',
  },
  notSet: 'nicht gesetzt',
  on: 'an',
  off: 'aus',
  how: 'Ändern: `/settings quiet_hours 22:00-07:00`, zurücknehmen: `/settings quiet_hours default`.',
  change: (command) => `Ändern: \`${command}\`.`,
  set: (name, value) => `Gemerkt: ${name}: ${value}.`,
  wrong: (name, form) => `Das verstehe ich nicht als ${name}; schreib es wie \`${form}\`.`,
  unknown: (names) => `Diese Einstellung gibt es nicht. Es gibt: ${names}.`,
};

const es: SettingsWords = {
  yours: 'Así lo quieres:',
  names: {
    language: 'idioma de mis avisos',
    model: 'modelo',
    time_zone: 'zona horaria',
    quiet_hours: 'horas de silencio',
    notices: 'avisos',
  },
  notSet: 'sin definir',
  on: 'sí',
  off: 'no',
  how: 'Cambia una con `/settings quiet_hours 22:00-07:00` o retírala con `/settings quiet_hours default`.',
  change: (command) => `Cámbialo con \`${command}\`.`,
  set: (name, value) => `Anotado: ${name}: ${value}.`,
  wrong: (name, form) => `No lo entiendo como ${name}; escríbelo así: \`${form}\`.`,
  unknown: (names) => `No existe ese ajuste. Hay: ${names}.`,
};

const fr: SettingsWords = {
  yours: 'Tes réglages :',
  names: {
    language: 'langue de mes avis',
    model: 'modèle',
    time_zone: 'fuseau horaire',
    quiet_hours: 'heures de silence',
    notices: 'avis',
  },
  notSet: 'non défini',
  on: 'oui',
  off: 'non',
  how: 'Changes-en un avec `/settings quiet_hours 22:00-07:00`, retire-le avec `/settings quiet_hours default`.',
  change: (command) => `Change-le avec \`${command}\`.`,
  set: (name, value) => `Noté : ${name} : ${value}.`,
  wrong: (name, form) => `Je ne comprends pas cela comme ${name} ; écris-le ainsi : \`${form}\`.`,
  unknown: (names) => `Ce réglage n’existe pas. Il y a : ${names}.`,
};

export const settings: Readonly<Record<Language, SettingsWords>> = { en, de, es, fr };
