import type { Language } from '../languages.ts';
import type { ResultWords } from './results-words.ts';

const en: ResultWords = {
  wasDue: (at) => `(This was due on ${at}.)`,
  withoutFiles: (names) => `(Files that cannot be sent here: ${names.join(', ')})`,
  failed: (name, reason) => `“${name}” could not be done: ${reason}`,
};

const de: ResultWords = {
  wasDue: (at) => `(Das war für ${at} vorgesehen.)`,
  withoutFiles: (names) => `(Dateien, die hier nicht verschickt werden können: ${names.join(', ')})`,
  failed: (name, reason) => `„${name}“ ist nicht gelungen: ${reason}`,
};

const es: ResultWords = {
  wasDue: (at) => `(Esto estaba previsto para el ${at}.)`,
  withoutFiles: (names) => `(Archivos que no se pueden enviar aquí: ${names.join(', ')})`,
  failed: (name, reason) => `No se pudo hacer «${name}»: ${reason}`,
};

const fr: ResultWords = {
  wasDue: (at) => `(C’était prévu pour le ${at}.)`,
  withoutFiles: (names) => `(Fichiers qui ne peuvent pas être envoyés ici : ${names.join(', ')})`,
  failed: (name, reason) => `« ${name} » n’a pas pu être fait : ${reason}`,
};

export const results: Readonly<Record<Language, ResultWords>> = { en, de, es, fr };
