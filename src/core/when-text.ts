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
  // Words have letters first; only its first field may tell a cron expression from them.
  const cron = (fields.length === 5 || fields.length === 6) && /^[\d*]/.test(written);
  if (
    cron &&
    fields.every((field) => cronField.test(field)) &&
    fields.slice(2, 3).every((field) => /^[\d*?L]/.test(field))
  )
    return { cron: fields.join(' ') };
  return { words: text.trim() };
}
