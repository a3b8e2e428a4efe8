/** Where a command runs. A user whom the system does not know, or a folder that was removed, must not end it. */
import { homedir } from 'node:os';

/** What a service or container of a user without a home has, too: nothing is there, and nothing can be written. */
const none = '/';

/** `$HOME`, else what the system has for this user. */
export const homeFolder = (): string => attempt(homedir);

/** The working directory. */
export const workingFolder = (): string => attempt(() => process.cwd());

function attempt(ask: () => string): string {
  try {
    return ask() || none;
  } catch {
    return none;
  }
}
