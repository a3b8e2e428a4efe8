import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The folder of package.json and migrations/; src/ and dist/ both lie one level below it. */
export const packageRoot: string = path.resolve(import.meta.dirname, '..');

/** The version of the package, from its own package.json. */
export const version: string = (
  JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version;
