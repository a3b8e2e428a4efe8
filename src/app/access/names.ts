/** Names that others gave themselves, made harmless: they are data wherever they are shown. */

const maxName = 64;

/** A name that cannot drive a terminal, reorder a line or fill a screen. */
export function nameOf(display: string): string {
  const clean = display
    .replaceAll(/\s/g, ' ')
    .replaceAll(/[\p{C}`]/gu, '')
    .replaceAll(/ +/g, ' ');
  return clean.trim().slice(0, maxName).toWellFormed() || 'somebody';
}

/** The same inside Markdown, where it stays what it is. */
export const nameInMarkdown = (display: string): string => nameOf(display).replaceAll(/[\\*_~<>[\]!#|]/g, '\\$&');
