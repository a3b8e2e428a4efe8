/** What a failed call means for delivery. A pure table over the server's stable error ids. */
import type { SendOutcome } from '../../../core/ports/channel.ts';
import type { ApiFailure } from './api.ts';

/** When a limit does not say how long. */
const defaultRetryAfterMs = 5000;

/** `edit` can simply be done again; a post that may have arrived is looked up first. */
export type Attempt = 'send' | 'edit';

const refusals: [RegExp, string][] = [
  [/permissions_time_limit|post\.get\.|update_post\.find|post\.update\.get/, 'edit_gone'],
  [/message_length|post\.is_valid\.msg/, 'too_long'],
  [/channel_root_id|root_id|parent_id/, 'thread_gone'],
  [/can_not_post_to_deleted|channel\.get|channel_deleted/, 'chat_not_found'],
  [/file.*too_large/, 'too_large'],
];

export function failedOutcome(failure: ApiFailure, attempt: Attempt): Exclude<SendOutcome, { ok: true }> {
  const { status, id, words: detail } = failure;
  if (status === 401) {
    return { ok: false, kind: 'refused', code: 'bad_token', detail: 'The server does not accept the bot token.' };
  }
  if (status === 429) {
    const retryAfterMs = failure.retryAfterMs ?? defaultRetryAfterMs;
    // The limit is on the whole connection or account: https://docs.mattermost.com/configure/rate-limiting-configuration-settings.html
    return { ok: false, kind: 'rate_limited', scope: 'account', retryAfterMs, detail };
  }
  if (status >= 400 && status < 500) {
    const named = refusals.find(([words]) => words.test(id))?.[1];
    if (named !== undefined) return { ok: false, kind: 'refused', code: named, detail };
    if (status === 404)
      return { ok: false, kind: 'refused', code: attempt === 'edit' ? 'edit_gone' : 'chat_not_found', detail };
    if (status === 413) return { ok: false, kind: 'refused', code: 'too_long', detail };
    return { ok: false, kind: 'refused', code: status === 403 ? 'forbidden' : 'bad_request', detail };
  }
  if (status === 0 && failure.accepted === 'no') return { ok: false, kind: 'unreachable', detail };
  const isSure = failure.accepted === 'no' || attempt === 'edit';
  return { ok: false, kind: isSure ? 'transient' : 'ambiguous', detail };
}
