/**
 * What a failed call means for delivery. A pure table over Meta's codes:
 * https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
 */
import type { SendOutcome } from '../../../core/ports/channel.ts';
import type { ApiFailure } from './api.ts';

/** When the answer does not say how long. A pair of numbers may exchange about one message in six seconds. */
const accountPauseMs = 5000;
const pairPauseMs = 6000;
/** Too many people blocked or reported the number: Meta holds it back for a while. */
const spamPauseMs = 600_000;

/** Limits of the app (4), of the business account (80007), of the number (130429), of a user or a call (17, 32, 613). */
const accountLimits = new Set([4, 17, 32, 613, 80_007, 130_429]);
const pairLimit = 131_056;
const spamLimit = 131_048;
/** The token is unknown, expired or revoked. */
const tokenErrors = new Set([0, 190]);
/** Overloaded (2), unavailable (131016), being maintained (131057): it was turned away at the door. */
const notNow = new Set([2, 131_016, 131_057]);

const windowWords =
  'More than 24 hours have passed since this person last wrote; until they write again WhatsApp takes only templates.';

/** What is refused for good, with words where those of Meta do not say what to do. */
const refusals: Record<number, [code: string, words?: string]> = {
  470: ['window_closed', windowWords],
  131_047: ['window_closed', windowWords],
  131_026: [
    'unreachable',
    'This number cannot be reached on WhatsApp (no account, an old app, or not in its country).',
  ],
  131_030: ['not_listed', 'The number is a test number and may write only to those on the list in the API Setup page.'],
  131_042: ['unpaid', 'Meta asks for a payment method in the business account.'],
  131_045: ['not_registered', 'The number is not registered for the Cloud API.'],
  133_010: ['not_registered', 'The number is not registered for the Cloud API.'],
  131_031: ['locked', 'Meta has locked the business account.'],
  368: ['locked', 'Meta has blocked the business account for a while for breaking its policies.'],
  131_021: ['self', 'The number cannot write to itself.'],
  131_049: ['held_back', 'Meta holds this message back to keep what people get healthy.'],
  131_050: ['blocked', 'This person wants no more messages of this kind.'],
  131_053: ['bad_file', 'WhatsApp does not take this file.'],
};

/** The words of a refusal that came later, with the status of a message. */
export const refusalWords = (code: number, said: string): string => refusals[code]?.[1] ?? said;

export function failedOutcome(failure: ApiFailure): Exclude<SendOutcome, { ok: true }> {
  const { status, code, description: detail, accepted } = failure;
  const limited = (scope: 'account' | 'conversation', pauseMs: number): Exclude<SendOutcome, { ok: true }> => ({
    ok: false,
    kind: 'rate_limited',
    scope,
    retryAfterMs: failure.retryAfterMs ?? pauseMs,
    detail,
  });
  if (code === pairLimit) return limited('conversation', pairPauseMs);
  if (code === spamLimit) return limited('account', spamPauseMs);
  if ((code !== null && accountLimits.has(code)) || status === 429) return limited('account', accountPauseMs);
  if ((code !== null && tokenErrors.has(code)) || status === 401) {
    return { ok: false, kind: 'refused', code: 'bad_token', detail: 'Meta does not accept the access token.' };
  }
  if (code !== null && notNow.has(code)) return { ok: false, kind: 'transient', detail };
  const refusal = code === null ? undefined : refusals[code];
  if (refusal !== undefined) return { ok: false, kind: 'refused', code: refusal[0], detail: refusal[1] ?? detail };
  if (accepted === 'maybe') return { ok: false, kind: 'ambiguous', detail };
  if (status === 0) return { ok: false, kind: 'unreachable', detail };
  if (status === 408) return { ok: false, kind: 'transient', detail };
  const forbidden = status === 403 || code === 3 || code === 10 || (code !== null && code >= 200 && code < 300);
  return { ok: false, kind: 'refused', code: forbidden ? 'forbidden' : 'bad_request', detail };
}
