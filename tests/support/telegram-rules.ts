/** What Telegram demands of entities; https://core.telegram.org/bots/api#formatting-options */

interface Entity {
  type?: unknown;
  offset?: unknown;
  length?: unknown;
  url?: unknown;
  language?: unknown;
}

const known = ['bold', 'italic', 'underline', 'strikethrough', 'spoiler', 'blockquote', 'code', 'pre', 'text_link'];
const emphasis = ['bold', 'italic', 'underline', 'strikethrough', 'spoiler'];

/** The first thing that is wrong with the entities of a text, in words; null when nothing is. */
export function entityFault(text: string, entities: unknown): string | null {
  if (entities === undefined) return null;
  if (!Array.isArray(entities)) return 'entities is not a list';
  if (entities.length > 100) return `${entities.length} entities, the limit is 100`;
  const checked: { type: string; from: number; to: number }[] = [];
  for (const { type, offset, length, url, language } of entities as Entity[]) {
    if (typeof type !== 'string' || !known.includes(type)) return `unknown entity ${JSON.stringify(type)}`;
    if (typeof offset !== 'number' || typeof length !== 'number') return `${type} without bounds`;
    if (!(offset >= 0 && length > 0 && offset + length <= text.length)) return `${type} out of bounds`;
    if (splitsPair(text, offset) || splitsPair(text, offset + length)) return `${type} splits a surrogate pair`;
    if (type === 'text_link' && !(typeof url === 'string' && /^(https?|tg):\/\//.test(url) && URL.canParse(url))) {
      return `text_link to ${JSON.stringify(url)}`;
    }
    if (language !== undefined && (type !== 'pre' || typeof language !== 'string')) return 'language out of place';
    checked.push({ type, from: offset, to: offset + length });
  }
  for (const [index, a] of checked.entries()) {
    for (const b of checked.slice(index + 1)) {
      const overlap = a.from < b.to && b.from < a.to;
      if (!overlap) continue;
      const nested = (a.from <= b.from && b.to <= a.to) || (b.from <= a.from && a.to <= b.to);
      if (!nested) return `${a.type} and ${b.type} cross`;
      const pair = [a.type, b.type];
      const hasCode = pair.includes('code') || pair.includes('pre');
      if (hasCode && pair.some((type) => emphasis.includes(type))) return `${a.type} and ${b.type} overlap`;
      if (a.type === 'blockquote' && b.type === 'blockquote') return 'nested blockquotes';
      if (!pair.some((type) => emphasis.includes(type) || type === 'blockquote')) {
        return `${a.type} and ${b.type} overlap`;
      }
    }
  }
  return null;
}

const splitsPair = (text: string, at: number): boolean =>
  /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));

/** The entities Telegram itself finds in what a person types: commands and mentions. */
export function typedEntities(text: string): { type: string; offset: number; length: number }[] {
  return [...text.matchAll(/(?<![\w/@])(\/\w+(?:@\w+)?|@\w{4,})/g)].map((match) => ({
    type: match[0].startsWith('/') ? 'bot_command' : 'mention',
    offset: match.index,
    length: match[0].length,
  }));
}

interface KeyboardButton {
  text?: unknown;
  callback_data?: unknown;
}

/** What is wrong with an inline keyboard: https://core.telegram.org/bots/api#inlinekeyboardbutton */
export function keyboardFault(markup: unknown): string | null {
  if (markup === undefined) return null;
  const rows = (markup as { inline_keyboard?: unknown }).inline_keyboard;
  if (!Array.isArray(rows) || rows.length === 0) return 'object expected as reply markup';
  for (const row of rows as KeyboardButton[][]) {
    if (!Array.isArray(row) || row.length === 0 || row.length > 8) return 'a row of buttons is empty or too long';
    for (const { text, callback_data: data } of row) {
      if (typeof text !== 'string' || text.trim() === '' || !text.isWellFormed()) return 'BUTTON_TEXT_INVALID';
      const bytes = typeof data === 'string' ? Buffer.byteLength(data) : 0;
      if (bytes < 1 || bytes > 64) return 'BUTTON_DATA_INVALID';
    }
  }
  return null;
}
