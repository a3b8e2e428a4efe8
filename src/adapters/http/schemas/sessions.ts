/** Shapes of sessions and their messages. */
import * as z from 'zod/mini';
import type { SessionRow } from '../../../core/ports/session-store.ts';
import { nextCursor, nullable, time } from './base.ts';
import { part } from './chat.ts';

/** Ten years. */
const maxAgeSeconds = 316_224_000;

const conversation = () =>
  z.object({
    channel: z.string(),
    account: z.string(),
    native: z.string(),
    thread: z.optional(z.string()),
  });
export const session = () =>
  z.strictObject({
    key: z.string(),
    owner: z.string(),
    channel: z.string(),
    account: z.string(),
    conversation: nullable(conversation()),
    title: nullable(z.string()),
    agent: nullable(z.string()),
    model: nullable(z.string()),
    messageCount: z.number(),
    createdAt: time,
    lastActiveAt: time,
  } satisfies Record<keyof SessionRow, unknown>);

export const sessions = () => z.strictObject({ sessions: z.array(session()), next_cursor: nextCursor });

export const message = () =>
  z.strictObject({
    id: z.string(),
    seq: z.number(),
    role: z.enum(['user', 'assistant', 'tool', 'system']),
    text: z.string(),
    parts: z.array(part()),
    author: nullable(z.string()),
    time,
    run_id: nullable(z.string()),
  });
export const messages = () => z.strictObject({ messages: z.array(message()), next_cursor: nextCursor });

/** `closed`: how many begin a new history with their next message. */
export const closed = () => z.strictObject({ closed: z.number() });
export const cleanupBody = () =>
  z.strictObject({ max_age_seconds: z.int().check(z.minimum(1), z.maximum(maxAgeSeconds)) });
export const sessionName = z.string().check(z.minLength(1), z.maxLength(128));
