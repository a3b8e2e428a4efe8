/** What a failed transaction means for delivery: a pure table over RFC 5321 replies and RFC 3463 status codes. */
import type { SendOutcome } from '../../../core/ports/channel.ts';
import type { SmtpResult } from './smtp.ts';

/** SMTP never says how long to wait. Greylisting lasts minutes, a limit of a provider at least one. */
const waitMs = 60_000;

type Failure = Exclude<SmtpResult, { ok: true }>;

/** Trouble that a person must mend and that loses nothing meanwhile; the mail waits for it. */
const waits = (detail: string): SendOutcome => ({ ok: false, kind: 'refused', code: 'bad_token', detail });

export function failedOutcome(failure: Failure): SendOutcome {
  const { phase, status, code } = failure;
  const detail = status === null ? `${code} ${failure.detail}`.trim() : failure.detail;
  if (status !== null) return answeredOutcome(status, phase, detail);
  if (code === 'EAUTH') return waits(`The mail server refused the login: ${detail}`);
  if (code === 'ETLS' || /certificate|self.signed|altname|STARTTLS/i.test(detail)) {
    // A handshake that was merely interrupted says nothing about certificates.
    if (/disconnected|ECONNRESET|closed unexpectedly/i.test(detail)) return { ok: false, kind: 'transient', detail };
    return waits(`The connection to the mail server cannot be protected: ${detail}`);
  }
  if (code === 'EENVELOPE') return { ok: false, kind: 'refused', code: 'bad_address', detail };
  if (code === 'EMESSAGE') return { ok: false, kind: 'refused', code: 'too_long', detail };
  if (phase === 'data') return { ok: false, kind: 'ambiguous', detail };
  if (phase === 'connect') return { ok: false, kind: 'unreachable', detail };
  return { ok: false, kind: 'transient', detail };
}

function answeredOutcome(status: number, phase: Failure['phase'], detail: string): SendOutcome {
  const enhanced = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(detail)?.[0] ?? '';
  if (status >= 400 && status < 500) {
    if (status === 421) return limited('account', detail);
    // 450 and 4.7.x are how greylisting and limits of a recipient are told.
    if (phase !== 'login' && (status === 450 || enhanced.startsWith('4.7.'))) return limited('conversation', detail);
    return { ok: false, kind: 'transient', detail };
  }
  if (phase === 'login' || [530, 534, 535, 538].includes(status)) {
    return waits(`The mail server refused the login: ${detail}`);
  }
  // The server talks no SMTP that we know; nothing was handed in.
  if (phase === 'connect') return { ok: false, kind: 'transient', detail };
  return { ok: false, kind: 'refused', code: refusal(status, enhanced), detail };
}

const limited = (scope: 'account' | 'conversation', detail: string): SendOutcome => ({
  ok: false,
  kind: 'rate_limited',
  scope,
  retryAfterMs: waitMs,
  detail,
});

function refusal(status: number, enhanced: string): string {
  if (enhanced === '5.2.2') return 'mailbox_full';
  if (status === 552 || /^5\.(2\.3|3\.4)$/.test(enhanced)) return 'too_long';
  if (enhanced.startsWith('5.1.') || status === 551 || status === 553) return 'no_such_address';
  return 'rejected';
}
