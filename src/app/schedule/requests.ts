import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/canonical-json.ts';
import { ClankerError, invalidInput } from '../../core/errors.ts';
import type { JsonObject } from '../../core/message.ts';
import type { PersonPayload } from '../../core/payload.ts';
import type { Origin } from '../../core/ports/schedule-store.ts';
import { lesserRole } from '../../core/roles.ts';
import type { Asker } from './asker.ts';

const maxName = 80;

export const originOf = ({ principal: { kind, id }, role, asked }: Asker, written: object): Origin => ({
  kind,
  // Who they are on the platform is personal; where they spoke says enough.
  id: kind === 'sender' ? id.split(':', 2).join(':') : id,
  role,
  tainted: asked?.tainted ?? null,
  ...(asked?.key === undefined ? {} : { request: hashOf(written) }),
});

/** Whatever of it was edited: it may no more than who edited it, and text of others that they had read counts from then on. */
export const originEdited = (origin: Origin, { role, asked }: Asker): Origin => ({
  ...origin,
  role: lesserRole(origin.role, role),
  tainted: origin.tainted ?? asked?.tainted ?? null,
});

/** The same key of the same person is the same id. */
export const keyedId = (prefix: 'job' | 'task', person: string, key: string): string =>
  `${prefix}_${createHash('sha256')
    .update(JSON.stringify([person, key]))
    .digest('hex')
    .slice(0, 26)}`;

const hashOf = (written: object): string =>
  createHash('sha256')
    .update(canonicalJson(JSON.parse(JSON.stringify(written)) as JsonObject))
    .digest('hex');

/** What is stored under the key already, unless something else is asked for with it. */
export function sameAs<T extends { origin: Origin }>(stored: T, written: object): T {
  if (stored.origin.request === hashOf(written)) return stored;
  throw otherRequest();
}

export const otherRequest = (): ClankerError =>
  new ClankerError(
    'conflict',
    'idempotency_conflict',
    'This idempotency key was used with another request; use a new key.',
  );

export function nameOf(text: string): string {
  const name = text.replaceAll(/\s+/g, ' ').trim();
  if (name === '') throw invalidInput('bad_name', 'name: write a name, or leave it out.');
  return name.length <= maxName ? name : `${name.slice(0, maxName - 1).toWellFormed()}…`;
}

/** What a job is called that nobody named. */
export function titleOf(payload: PersonPayload): string {
  switch (payload.kind) {
    case 'text':
      return payload.text;
    case 'ask':
      return payload.prompt;
    case 'tool':
      return payload.tool;
    case 'fetch':
      return payload.url;
    case 'lookup':
      return payload.query;
    case 'webhook':
    case 'file':
      return payload.name;
    case 'workflow':
      return payload.steps.map(({ id }) => id).join(', ');
  }
}
