/** Text of a model or of others, shown so that what is read is what is there. For whoever decides by reading it. */

/**
 * What has no shape of its own or changes that of its neighbours: controls, directions, joiners, fillers, odd spaces.
 * What colours an emoji may stay.
 */
const shapeless = /(?! |\uFE0F)[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Letters that look like ASCII ones, of the scripts in which that is common. */
const lookalikes = new Set(Array.from('аАВсСеЕоОрРхХуУіІјЈѕЅԁһНКМТԛԝɡɑıΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορτυχօԚԜӏЬՏՕսոհցⅼⅰⅴⅹϲϳ'));

const word = /[\p{L}\p{N}\p{M}._@:/-]+/gu;
const foreign = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}]/u;

/**
 * The text with every character that cannot be seen, or that passes for another, followed or replaced by its number:
 * `pаypal` becomes `pа⟨U+0430⟩ypal`. Words of a foreign script stay as they are in a text that is plainly written in it.
 */
export function visible(text: string): string {
  const written = Array.from(text).some((sign) => foreign.test(sign) && !lookalikes.has(sign));
  return text
    .replaceAll(word, (run) => markLookalikes(run, written))
    .replaceAll(shapeless, (sign) => (sign === '\n' ? '\n' : number(sign)));
}

function markLookalikes(run: string, written: boolean): string {
  const signs = Array.from(run);
  const passing = signs.filter(passesForAscii);
  if (passing.length === 0) return run;
  const letters = signs.filter((sign) => /[\p{L}\p{N}]/u.test(sign));
  const mixed = letters.some((sign) => /[A-Za-z]/.test(sign));
  const disguised = letters.every((sign) => passesForAscii(sign) || /[0-9]/.test(sign)) && !written;
  return mixed || disguised ? signs.map((sign) => (passesForAscii(sign) ? sign + number(sign) : sign)).join('') : run;
}

/** Also the wide, the mathematical and the circled letters, which are ASCII in another dress. */
const passesForAscii = (sign: string): boolean =>
  lookalikes.has(sign) || (sign > '\u007f' && /^[A-Za-z0-9]$/.test(sign.normalize('NFKC')));

const number = (sign: string): string =>
  `⟨U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
