import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The version of the package, from its own package.json; src/ and dist/ both lie one level below it. */
export const version: string = (
  JSON.parse(readFileSync(path.join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string }
).version;
