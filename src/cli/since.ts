import { parseDuration } from '../core/units.ts';
import { CliError, type Invocation } from './command.ts';

/** The value of `--since` as ISO-8601: a date, a time, or how long ago; null when it is not given. */
export function sinceOf({ options }: Invocation): string | null {
  const text = options.value('since');
  if (text === undefined) return null;
  const at = /^\d+(\.\d+)?[a-z]+$/.test(text) ? Date.now() - parseDuration(text) : Date.parse(text);
  if (Number.isNaN(at)) throw new CliError('--since takes a time such as 2026-01-31 or a duration such as 7d.', 2);
  return new Date(at).toISOString();
}
