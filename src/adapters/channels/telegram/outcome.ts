/** What a failed call means for delivery. A pure table; the words of the platform are matched only where no code exists. */
import type { SendOutcome } from '../../../core/ports/channel.ts';
import type { ApiFailure } from './api.ts';

/** When a 429 does not say how long. */
const defaultRetryAfterMs = 5000;

/**
 * `send` creates a message, so a lost answer is ambiguous. So is a 5xx: it comes from the front of the platform after
 * the request went in, or from a server that is shutting down with the message perhaps already sent; treating it as
 * "not sent" would double messages in every outage. `edit` is idempotent: it can simply be done again.
 */
export type Attempt = 'send' | 'edit';

const refusals: [RegExp, string][] = [
  [/message to edit not found|message can't be edited|MESSAGE_ID_INVALID/i, 'edit_gone'],
  [/(message|caption) is too long|MESSAGE_TOO_LONG|MEDIA_CAPTION_TOO_LONG/i, 'too_long'],
  [/file is too (big|large)|Request Entity Too Large/i, 'file_too_large'],
  [/text is empty|must be non-empty/i, 'empty'],
  [/chat not found|PEER_ID_INVALID/i, 'chat_not_found'],
  [/thread not found|TOPIC_(CLOSED|DELETED)/i, 'thread_gone'],
  [/blocked by the user/i, 'blocked'],
  [/kicked|not a member/i, 'kicked'],
  [/deactivated/i, 'deactivated'],
  [/can't initiate conversation/i, 'not_started'],
  [/rights|CHAT_WRITE_FORBIDDEN|CHAT_ADMIN_REQUIRED/i, 'not_allowed'],
];

export function failedOutcome(failure: ApiFailure, attempt: Attempt): Exclude<SendOutcome, { ok: true }> {
  const { code, description: detail } = failure;
  if (code === 429) {
    // The answer does not tell whether the chat or the bot is over its limit; the chat is by far the usual case, and
    // waiting in one chat never freezes another.
    const retryAfterMs = failure.retryAfterMs ?? defaultRetryAfterMs;
    return { ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs, detail };
  }
  if (failure.migratedTo !== null) return { ok: false, kind: 'moved', native: failure.migratedTo, detail };
  if (code === 401 || code === 404) {
    if (failure.foreign) return { ok: false, kind: 'unreachable', detail };
    return { ok: false, kind: 'refused', code: 'bad_token', detail: 'Telegram does not accept the bot token.' };
  }
  if (code === 400 || code === 403 || (code === 413 && /Entity Too Large/i.test(detail))) {
    if (/can't parse entities|ENTIT(Y|IES)_|entity/i.test(detail)) return { ok: false, kind: 'bad_format', detail };
    const refusal = refusals.find(([words]) => words.test(detail))?.[1];
    return { ok: false, kind: 'refused', code: refusal ?? (code === 403 ? 'forbidden' : 'bad_request'), detail };
  }
  if (code === 0 && failure.accepted === 'no') return { ok: false, kind: 'unreachable', detail };
  if (failure.accepted === 'no' || attempt === 'edit') return { ok: false, kind: 'transient', detail };
  return { ok: false, kind: 'ambiguous', detail };
}

/** A photo whose sides or bytes are not those of one: it can still be sent as a document. */
export const isNoPhoto = (failure: ApiFailure): boolean =>
  failure.code === 400 && /PHOTO_INVALID_DIMENSIONS|IMAGE_PROCESS_FAILED|PHOTO_\w*INVALID/i.test(failure.description);

/** An edit to what the message already says is done. */
export const isUnchanged = (failure: ApiFailure): boolean =>
  failure.code === 400 && /message is not modified/i.test(failure.description);
