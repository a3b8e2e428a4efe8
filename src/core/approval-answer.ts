/** Bare answers in the languages of the notices. No word of one language means the opposite in another. */
const yes = wordsOf(
  'yes, y, yes please, ok, okay, approve, approved, go ahead, do it, 👍, ✅',
  'ja, ja bitte, jawohl, genehmigt, einverstanden, mach das, mach es',
  'sí, si, sí por favor, vale, de acuerdo, adelante, hazlo',
  "oui, d'accord, vas-y, allez-y, fais-le",
);
const no = wordsOf(
  "no, n, nope, no thanks, deny, denied, stop, don't, do not, cancel, 👎, ❌",
  'nein, nein danke, abgelehnt, ablehnen, abbrechen, lass es, lass das',
  'no gracias, cancela, cancelar, no lo hagas, rechazar',
  'non, non merci, annule, annuler, refuser',
);
const maxLength = 20;
/** Punctuation that changes nothing, and what colours an emoji. */
const trimmings = /[.,!¡]|\uFE0F|[\u{1F3FB}-\u{1F3FF}]/gu;

/**
 * Whether a whole message is nothing but a yes or a no, in any of our languages. With anything else in it (`yes, but
 * only the first`, `yes?`) it is no answer: the model has to understand it, and nothing is approved by a guess.
 */
export function answerToApproval(text: string): 'approve' | 'deny' | null {
  if (text.length > maxLength) return null;
  const bare = text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('’', "'")
    .replaceAll(trimmings, '')
    .trim()
    .replaceAll(/\s+/g, ' ');
  if (yes.has(bare)) return 'approve';
  return no.has(bare) ? 'deny' : null;
}

function wordsOf(...lists: string[]): ReadonlySet<string> {
  return new Set(lists.flatMap((list) => list.split(', ')));
}
