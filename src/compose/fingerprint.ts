import { createHash } from 'node:crypto';
import { Secret } from '../core/secret.ts';

/** Tells whether a part of the configuration changed, its secrets included, without keeping them in clear. */
export function fingerprint(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(revealed(value)))
    .digest('hex');
}

/** Secrets must be replaced before JSON.stringify sees them: it would ask their toJSON first. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, revealed(field)]),
  );
}
