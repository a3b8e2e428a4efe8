/** What a failed send means for delivery. A pure table over signal-cli's codes (its `JsonRpcResponse` and exceptions). */
import type { SendOutcome } from '../../../core/ports/channel.ts';
import { countField, field, textField } from '../json-http.ts';
import type { RpcFailure } from './api.ts';

/** When Signal does not say how long. */
const defaultRetryAfterMs = 60_000;

const userError = -1;
const untrustedKey = -4;
const rateLimit = -5;
const captcha = -6;
const invalidParams = -32602;

/** True when the daemon does not have our account, or Signal does not know it any more. */
export const isAccountGone = ({ code, words }: RpcFailure): boolean =>
  /specified account does not exist|^user \S+ is not registered|authorization failed/i.test(words) &&
  [invalidParams, userError, -3, -2].includes(code);

const refusals: [RegExp, string][] = [
  [/unregistered/i, 'not_registered'],
  [/group.*(not found|unknown)|invalid group|not a group member|not a member/i, 'chat_not_found'],
  [/attachment/i, 'bad_file'],
];

export function failedOutcome(failure: RpcFailure): Exclude<SendOutcome, { ok: true }> {
  const { code, status, words: detail } = failure;
  if (isAccountGone(failure)) {
    const about =
      'signal-cli does not have this number, or Signal does not know it any more; register or link it again.';
    return { ok: false, kind: 'refused', code: 'bad_token', detail: about };
  }
  const results = resultsOf(failure.data);
  if (
    code === rateLimit ||
    code === captcha ||
    results.some((result) => textField(result, 'type') === 'RATE_LIMIT_FAILURE')
  ) {
    const seconds = Math.max(0, ...results.map((result) => countField(result, 'retryAfterSeconds') ?? 0));
    const retryAfterMs = seconds > 0 ? seconds * 1000 : defaultRetryAfterMs;
    return { ok: false, kind: 'rate_limited', scope: 'account', retryAfterMs, detail };
  }
  if (code === untrustedKey || results.some((result) => textField(result, 'type') === 'IDENTITY_FAILURE')) {
    const about = `${detail} (the safety number changed: check it and run signal-cli trust)`;
    return { ok: false, kind: 'refused', code: 'untrusted', detail: about };
  }
  if (results.some((result) => textField(result, 'type') === 'UNREGISTERED_FAILURE'))
    return { ok: false, kind: 'refused', code: 'not_registered', detail };
  if (code === userError || code <= -32600) {
    const named = refusals.find(([pattern]) => pattern.test(detail))?.[1];
    return { ok: false, kind: 'refused', code: named ?? 'bad_request', detail };
  }
  // No daemon of signal-cli answers so: nothing was sent.
  if (status >= 400 && status < 500) return { ok: false, kind: 'transient', detail };
  if (status === 0 && failure.accepted === 'no') return { ok: false, kind: 'unreachable', detail };
  return { ok: false, kind: failure.accepted === 'no' ? 'transient' : 'ambiguous', detail };
}

function resultsOf(data: unknown): unknown[] {
  const results = field(field(data, 'response'), 'results') ?? field(data, 'results');
  return Array.isArray(results) ? results : [];
}
