/**
 * Shapes of the wire: what is accepted (strict) and what is answered. The document at /openapi.json is made of them.
 * They are functions: what is accepted is made with the first request that needs it, what is answered for the document.
 */
import * as z from 'zod/mini';
import { once } from '../../../core/once.ts';

/** Makes a schema. */
export type Shape = () => z.ZodMiniType;
/** What travels in that shape. */
export type Wire<S extends Shape> = z.infer<ReturnType<S>>;

export const id = z.string().check(z.regex(/^(?!\.{1,2}$)[A-Za-z0-9_:.-]{1,128}$/));
export const sessionKey = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/));
export const shortText = z.string().check(z.minLength(1), z.maxLength(200));

/** Printable ASCII, as it travels in a header too. */
export const idempotencyKey = z
  .string()
  .check(
    z.regex(
      /^[\u0021-\u007e](?:[\u0020-\u007e]{0,253}[\u0021-\u007e])?$/,
      'must be 1 to 255 printable ASCII characters',
    ),
  );

export const time = z.number();
export const nullable = z.nullable;

export const duration = z
  .string()
  .check(z.regex(/^\d{1,9}(?:\.\d{1,3})?\s?(?:ms|s|m|h|d|w)$/, 'must be a duration such as "30d"'));

/** Query numbers are text on the wire; the pattern is the whole rule. */
export const number = (pattern: RegExp, words: string) =>
  z.pipe(z.string().check(z.regex(pattern, `must be a number from ${words}`)), z.transform(Number));
export const limit = number(/^(?:[1-9]|[1-9]\d|1\d\d|200)$/, '1 to 200');

export const cursor = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_.:@+=-]{1,256}$/, 'must be the next_cursor of the page before'));

export const nextCursor = nullable(z.string());
export const pageFields = () => ({ limit: z.exactOptional(limit), cursor: z.exactOptional(cursor) });
export const pageQuery = () => z.strictObject(pageFields());

/** For routes that take no query or no body. */
export const noFields = once(() => z.strictObject({}));

/** For what machines and links open: they add fields that mean something to others. */
export const anyFields = once(() => z.looseObject({}));

export const failure = () =>
  z.strictObject({
    error: z.strictObject({ code: z.string(), message: z.string(), request_id: z.string() }),
  });

export const ok = () => z.strictObject({ ok: z.literal(true) });
