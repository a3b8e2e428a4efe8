import { CliError, type Invocation } from './command.ts';

const defaultLimit = 50;

/** The value of `--limit`, 1 to 200. */
export function limitOf({ options }: Invocation): number {
  const text = options.value('limit');
  if (text === undefined) return defaultLimit;
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > 200) throw new CliError(`--limit takes a number from 1 to 200, not "${text}".`, 2);
  return limit;
}
