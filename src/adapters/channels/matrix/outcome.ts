/** What a failed call means for delivery. A pure table. */
import type { SendOutcome } from '../../../core/ports/channel.ts';
import type { ApiFailure } from './api.ts';

/** When a limit does not say how long. */
const defaultRetryAfterMs = 5000;

/** Codes of https://spec.matrix.org/latest/client-server-api/#standard-error-response that are final for one message. */
const refusals: Record<string, string> = {
  M_FORBIDDEN: 'forbidden',
  M_GUEST_ACCESS_FORBIDDEN: 'forbidden',
  M_NOT_FOUND: 'chat_not_found',
  M_TOO_LARGE: 'too_long',
  M_USER_SUSPENDED: 'suspended',
};

const deadTokens = new Set(['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN', 'M_USER_DEACTIVATED', 'M_USER_LOCKED']);

/** True when no call will succeed until a person mends the token or the account. */
export const isDeadToken = ({ status, errcode }: ApiFailure): boolean => status === 401 || deadTokens.has(errcode);

/** Sends carry a transaction id, so that what is ambiguous can simply be done again. */
export function failedOutcome(failure: ApiFailure): Exclude<SendOutcome, { ok: true }> {
  const { status, errcode, words: detail } = failure;
  if (isDeadToken(failure)) {
    return {
      ok: false,
      kind: 'refused',
      code: 'bad_token',
      detail: 'The homeserver does not accept the access token.',
    };
  }
  if (status === 429 || errcode === 'M_LIMIT_EXCEEDED') {
    // Homeservers count per account: https://spec.matrix.org/latest/client-server-api/#rate-limiting
    return {
      ok: false,
      kind: 'rate_limited',
      scope: 'account',
      retryAfterMs: failure.retryAfterMs ?? defaultRetryAfterMs,
      detail,
    };
  }
  const refusal = refusals[errcode];
  if (refusal !== undefined) return { ok: false, kind: 'refused', code: refusal, detail };
  if (status === 413) return { ok: false, kind: 'refused', code: 'too_long', detail };
  if (status >= 400 && status < 500) return { ok: false, kind: 'refused', code: 'bad_request', detail };
  if (status === 0 && failure.accepted === 'no') return { ok: false, kind: 'unreachable', detail };
  return { ok: false, kind: failure.accepted === 'no' ? 'transient' : 'ambiguous', detail };
}
