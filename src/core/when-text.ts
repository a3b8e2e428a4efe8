import type { WrittenWhen } from './ports/schedule-gateway.ts';

const duration = /^(?:in\s+)?(\d+(?:\.\d+)?\s*(?:s|m|h|d|w))$/;
const dateTime = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{1,2}:\d{2}.*)?$/i;
const cronField = /^[\d*?/,\-#LWA-Za-z]+$/;

/** Which form of a schedule one text is: a date and time, a duration from now, a cron expression, or else words. */
export function whenOf(text: string): Pick<WrittenWhen, 'at' | 'after' | 'cron' | 'words'> {
  const written = text.trim().replaceAll('`', '');
  const [, after] = duration.exec(written) ?? [];
  if (after !== undefined) return { after };
  if (dateTime.test(written)) return { at: written };
  const fields = written.split(/\s+/);
  // As many words are no expression: that begins with a number or a star, and so does its third field.
  const isCron =
    (fields.length === 5 || fields.length === 6) &&
    fields.every((field) => cronField.test(field)) &&
    /^[\d*]/.test(written) &&
    /^[\d*?L]/.test(fields[2] ?? '');
  return isCron ? { cron: fields.join(' ') } : { words: text.trim() };
}
