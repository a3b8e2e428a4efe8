/** Shapes of a message that is delivered through a channel. */
import * as z from 'zod/mini';
import { id, idempotencyKey, shortText } from './base.ts';
import { maxAttachments, maxTextLength } from './chat.ts';

/** As its reader sees it: no path, no control characters. */
const fileName = z.string().check(z.regex(/^[^/\\\p{Cc}]{1,200}$/u));

export const sendBody = () =>
  z.strictObject({
    channel: z
      .string()
      .check(
        z.regex(/^[a-z][a-z0-9_-]{0,31}(?::[A-Za-z0-9_.-]{1,64})?$/, 'must be like "telegram" or "telegram:main"'),
      ),
    target: shortText,
    content: z.string().check(z.maxLength(maxTextLength)),
    attachments: z.exactOptional(
      z.array(z.strictObject({ id, name: z.exactOptional(fileName) })).check(z.maxLength(maxAttachments)),
    ),
    thread: z.exactOptional(shortText),
    idempotency_key: z.exactOptional(idempotencyKey),
  });

export const sendFailure = () =>
  z.strictObject({
    success: z.literal(false),
    error: z.strictObject({ code: z.string(), message: z.string(), request_id: z.string() }),
  });
export const plainSendFailure = () => z.strictObject({ success: z.literal(false), error: z.string() });
export const sent = () => z.strictObject({ success: z.literal(true), message_id: z.string() });
