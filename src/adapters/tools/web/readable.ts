/**
 * Characters that say nothing to a reader and may say something to a model: zero widths, directions, tags, controls.
 * Joiners stay, as scripts and emoji need them.
 */
const unseen =
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e0fff}]/gu;

/** The text without what nobody sees. */
export const readable = (text: string): string => text.replaceAll(unseen, '');
