/** Shapes of tokens, channels and dead letters. */
import * as z from 'zod/mini';
import type { DeadLetter, TokenInfo } from '../../../core/ports/gateway.ts';
import { scopes } from '../../../core/principal.ts';
import { duration, id, nextCursor, nullable, time } from './base.ts';
import { channel } from './status.ts';

export const tokenBody = () =>
  z.strictObject({
    name: z.string().check(z.minLength(1), z.maxLength(100), z.regex(/\S/, 'must hold more than white space')),
    scopes: z.array(z.enum(scopes)).check(z.minLength(1), z.maxLength(scopes.length)),
    expires: z.exactOptional(duration),
    person: z.exactOptional(id),
  });

const tokenInfo = () =>
  ({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(scopes)),
    person: z.string(),
    createdAt: time,
    expiresAt: nullable(time),
    lastUsedAt: nullable(time),
  }) satisfies Record<keyof TokenInfo, unknown>;
export const tokens = () => z.strictObject({ tokens: z.array(z.strictObject(tokenInfo())) });
export const newToken = () => z.strictObject({ ...tokenInfo(), token: z.string() });

export const channels = () => z.strictObject({ channels: z.array(channel()) });

const deadLetter = () =>
  ({
    id: z.string(),
    kind: z.enum(['inbox', 'outbox', 'task']),
    channel: z.string(),
    sessionKey: z.string(),
    text: z.string(),
    reason: z.string(),
    attempts: z.number(),
    at: time,
  }) satisfies Record<keyof DeadLetter, unknown>;
export const dead = () => z.strictObject(deadLetter());
export const deadList = () => z.strictObject({ dead: z.array(dead()), next_cursor: nextCursor });
export const cleared = () => z.strictObject({ cleared: z.number() });
