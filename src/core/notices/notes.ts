import type { Language } from '../languages.ts';
import type { NotesWords } from './notes-words.ts';

const en: NotesWords = {
  none: 'You have no notes. Ask me to remember something.',
  noneFound: 'No note has these words.',
  yours: 'Your notes:',
  more: 'More',
  missing: (similar) =>
    similar.length === 0 ? 'You have no such note.' : `You have no such note. Did you mean ${similar.join(', ')}?`,
  sure: (title) => `Forget “${title}”? It is deleted for good.`,
  forget: 'Forget it',
  forgotten: (title) => `“${title}” is forgotten.`,
  gone: 'This note is gone already.',
  whichOne: 'Say which note: /forget and its title. /notes lists them.',
  onlyDirect: 'Notes are yours alone: write to me in a direct chat.',
  off: 'Notes are switched off here.',
};

const de: NotesWords = {
  none: 'Du hast keine Notizen. Bitte mich, mir etwas zu merken.',
  noneFound: 'Keine Notiz enthält diese Wörter.',
  yours: 'Deine Notizen:',
  more: 'Mehr',
  missing: (similar) =>
    similar.length === 0
      ? 'Du hast keine solche Notiz.'
      : `Du hast keine solche Notiz. Meinst du ${similar.join(', ')}?`,
  sure: (title) => `„${title}“ vergessen? Die Notiz wird endgültig gelöscht.`,
  forget: 'Vergessen',
  forgotten: (title) => `„${title}“ ist vergessen.`,
  gone: 'Diese Notiz gibt es nicht mehr.',
  whichOne: 'Sag, welche Notiz: /forget und ihr Titel. /notes zeigt sie.',
  onlyDirect: 'Notizen gehören dir allein: schreib mir in einem direkten Chat.',
  off: 'Notizen sind hier ausgeschaltet.',
};

const es: NotesWords = {
  none: 'No tienes notas. Pídeme que recuerde algo.',
  noneFound: 'Ninguna nota tiene estas palabras.',
  yours: 'Tus notas:',
  more: 'Más',
  missing: (similar) =>
    similar.length === 0 ? 'No tienes esa nota.' : `No tienes esa nota. ¿Quieres decir ${similar.join(', ')}?`,
  sure: (title) => `¿Olvidar «${title}»? Se borra para siempre.`,
  forget: 'Olvidarla',
  forgotten: (title) => `«${title}» está olvidada.`,
  gone: 'Esta nota ya no existe.',
  whichOne: 'Di qué nota: /forget y su título. /notes las muestra.',
  onlyDirect: 'Las notas son solo tuyas: escríbeme en un chat directo.',
  off: 'Las notas están desactivadas aquí.',
};

const fr: NotesWords = {
  none: 'Tu n’as pas de notes. Demande-moi de retenir quelque chose.',
  noneFound: 'Aucune note ne contient ces mots.',
  yours: 'Tes notes :',
  more: 'Plus',
  missing: (similar) =>
    similar.length === 0 ? 'Tu n’as pas cette note.' : `Tu n’as pas cette note. Veux-tu dire ${similar.join(', ')} ?`,
  sure: (title) => `Oublier « ${title} » ? Elle sera effacée pour toujours.`,
  forget: 'L’oublier',
  forgotten: (title) => `« ${title} » est oubliée.`,
  gone: 'Cette note n’existe plus.',
  whichOne: 'Dis quelle note : /forget et son titre. /notes les montre.',
  onlyDirect: 'Les notes ne sont qu’à toi : écris-moi dans une conversation directe.',
  off: 'Les notes sont désactivées ici.',
};

export const notes: Readonly<Record<Language, NotesWords>> = { en, de, es, fr };
