import { ClankerError } from '../../core/errors.ts';
import { excerpt, isSecretName } from '../../core/redact.ts';
import { Secret } from '../../core/secret.ts';

const maxTextLength = 8192;
const maxItems = 50;
const maxDepth = 4;

/** Redacts and cuts a text, without work on megabytes that will not be written. */
export function plainText(text: string): string {
  const clean = excerpt(text, maxTextLength);
  return text.length > maxTextLength ? `${clean} (${text.length} characters)` : clean;
}

function plainError(error: Error, withStack: boolean, depth: number): unknown {
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    kind: error instanceof ClankerError ? error.kind : error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: plainText(error.message),
    ...(withStack && error.stack !== undefined ? { stack: plainText(error.stack) } : {}),
    ...(error.cause === undefined ? {} : { cause: plainValue(error.cause, withStack, depth + 1) }),
  };
}

/**
 * A field's value as data that can be written: errors by kind, code and message, secrets masked by value and by name,
 * everything cut to a bound. Never throws, whatever it is given.
 */
export function plainValue(value: unknown, withStack: boolean, depth = 0): unknown {
  try {
    if (typeof value === 'string') return plainText(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Secret) return String(value);
    if (depth >= maxDepth) return '…';
    if (value instanceof Error) return plainError(value, withStack, depth);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) {
      const items = value.slice(0, maxItems).map((item) => plainValue(item, withStack, depth + 1));
      return value.length > maxItems ? [...items, `… (${value.length} items)`] : items;
    }
    return plainFields(value, withStack, depth + 1);
  } catch {
    return '[unprintable]'; // a getter or a proxy that throws
  }
}

/** The fields of a record; a text under a name such as `api_key` is masked whatever it holds. */
export function plainFields(fields: object, withStack: boolean, depth = 0): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields).slice(0, maxItems)) {
    if (value === undefined) continue;
    plain[name] = typeof value === 'string' && isSecretName(name) ? '[secret]' : plainValue(value, withStack, depth);
  }
  return plain;
}
