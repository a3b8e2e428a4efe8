/** What a failed call means for delivery. A pure table. */
import type { SendOutcome } from '../../../core/ports/channel.ts';
import type { ApiFailure } from './api.ts';

/** `edit` can simply be done again; of a `send` whose answer was lost nobody knows. */
export type Attempt = 'send' | 'edit';

/** https://discord.com/developers/docs/topics/opcodes-and-status-codes#json */
const refusals: Readonly<Record<number, string>> = {
  10003: 'chat_not_found',
  10008: 'edit_gone',
  50005: 'edit_gone',
  50001: 'kicked',
  50006: 'empty',
  50007: 'blocked',
  50008: 'not_a_text_channel',
  50013: 'not_allowed',
  40005: 'too_large',
  160005: 'thread_gone',
};

const invalidForm = 50_035;
/** Too many edits of a message older than an hour. */
const editedTooOften = 30_046;
const editedTooOftenMs = 60_000;

export function failedOutcome(failure: ApiFailure, attempt: Attempt): Exclude<SendOutcome, { ok: true }> {
  const { status, code, description: detail, wait } = failure;
  if (wait !== null) {
    return { ok: false, kind: 'rate_limited', scope: wait.scope, retryAfterMs: wait.ms, detail };
  }
  if (code === editedTooOften) {
    return { ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: editedTooOftenMs, detail };
  }
  if (status === 401) {
    return { ok: false, kind: 'refused', code: 'bad_token', detail: 'Discord does not accept the bot token.' };
  }
  if (code === invalidForm) return { ok: false, kind: 'bad_format', detail };
  const refusal = refusals[code] ?? (status === 413 ? 'too_large' : undefined);
  if (refusal !== undefined) return { ok: false, kind: 'refused', code: refusal, detail };
  // Without a code of Discord's it is something between us, which may think otherwise in a while.
  const known = code !== 0 || /^\d{3}: /.test(detail);
  if (status >= 400 && status < 500 && known) {
    const byStatus = status === 403 ? 'forbidden' : status === 404 ? 'chat_not_found' : 'bad_request';
    return { ok: false, kind: 'refused', code: byStatus, detail };
  }
  if (status === 0 && failure.accepted === 'no') return { ok: false, kind: 'unreachable', detail };
  if (failure.accepted === 'no' || attempt === 'edit') return { ok: false, kind: 'transient', detail };
  return { ok: false, kind: 'ambiguous', detail };
}
