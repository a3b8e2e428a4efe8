/** Shapes of a chat, and of the files in it. */
import * as z from 'zod/mini';
import type { ChatAnswer, StoredFile } from '../../../core/ports/gateway.ts';
import { id, idempotencyKey, nullable, sessionKey, shortText, type Wire } from './base.ts';

/** Characters of one chat message. */
export const maxTextLength = 32_768;
export const maxAttachments = 10;

const text = z
  .string()
  .check(z.minLength(1), z.maxLength(maxTextLength), z.regex(/\S/, 'must hold more than white space'));

const chatFields = () => ({
  text,
  session: z.exactOptional(sessionKey),
  agent: z.exactOptional(id),
  model: z.exactOptional(shortText),
  attachments: z.exactOptional(z.array(z.strictObject({ id })).check(z.maxLength(maxAttachments))),
  idempotency_key: z.exactOptional(idempotencyKey),
});
export const dryRunBody = () =>
  z.strictObject({
    text,
    session: z.exactOptional(sessionKey),
    agent: z.exactOptional(id),
    model: z.exactOptional(shortText),
  });
export const chatBody = () => z.strictObject({ ...chatFields(), stream: z.optional(z.boolean()) });
export const chatFrame = () => z.strictObject(chatFields());
export const part = () => z.looseObject({ type: z.string() });

export const chatAnswer = () =>
  z.strictObject({
    message_id: z.string(),
    run_id: z.string(),
    session: z.string(),
    reply: z.strictObject({ text: z.string(), parts: z.optional(z.array(part())) }),
    model: z.string(),
    finish_reason: z.string(),
    usage: z.strictObject({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() }),
    cost: nullable(z.strictObject({ amount: z.number(), currency: z.string() })),
  } satisfies Record<keyof ChatAnswer, unknown>);

export const aborted = () => z.strictObject({ aborted: z.literal(true) });

export const file = () => z.strictObject({ id: z.string(), mime_type: z.string(), size: z.number() });
export const fileOf = ({ id, mimeType, size }: StoredFile): Wire<typeof file> => ({ id, mime_type: mimeType, size });
