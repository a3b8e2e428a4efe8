import { invalidInput } from '../../core/errors.ts';
import { languageOf } from '../../core/languages.ts';
import type { WrittenWhen } from '../../core/ports/schedule-gateway.ts';
import type { Reading } from './written.ts';

/** When something is to be done, from words that say nothing else. Rejects with invalid_input that shows how to say it. */
export async function readWords(words: string, language: string | null, reading: Reading): Promise<WrittenWhen> {
  const { readWhen } = await import('../../core/when/read-when.ts');
  const { now, zone, calendar } = reading;
  const read = readWhen(words, {
    language: languageOf(language) ?? 'en',
    now: calendar.wall(now, zone),
    zone,
    whole: true,
  });
  if ('problem' in read) throw invalidInput('bad_words', read.problem);
  return read.when;
}
