/** What the receiver's answer means for delivery. A pure table over the status; its body says nothing to us. */
import type { SendOutcome } from '../../../core/ports/channel.ts';
import { retryAfterMs } from '../retry-after.ts';

/** When a 429 or 503 does not say how long. */
const defaultRetryAfterMs = 5000;

/** `ref`: how the part is called on the wire. */
export function outcomeOf(
  { status, headers }: { status: number; headers: Readonly<Record<string, string>> },
  ref: string,
  nowMs: number,
): SendOutcome {
  if (status >= 200 && status < 300) return { ok: true, ref };
  const detail = `The receiver answered HTTP ${status}.`;
  const refused = (code: string, words: string): SendOutcome => ({
    ok: false,
    kind: 'refused',
    code,
    detail: `${detail} ${words}`,
  });
  const hintMs = retryAfterMs(headers, nowMs);
  if (status === 429 || (status === 503 && hintMs !== null)) {
    return { ok: false, kind: 'rate_limited', scope: 'account', retryAfterMs: hintMs ?? defaultRetryAfterMs, detail };
  }
  if (status >= 300 && status < 400) {
    return refused('redirect', 'Redirects are not followed; set url to where it leads.');
  }
  // Mended by the operator of either side: what is owed waits for it.
  if (status === 401) return refused('bad_token', 'It does not accept our signature: compare the secrets.');
  if (status === 410) return refused('gone', 'It wants no more answers; remove url or change it.');
  // Too early, or the receiver gave up reading: nothing was taken.
  if (status === 408 || status === 425) return { ok: false, kind: 'transient', detail };
  if (status >= 400 && status < 500) return refused(status === 403 ? 'forbidden' : 'bad_request', 'It refuses this.');
  // An error of a server tells nothing about whether it took the message before.
  return { ok: false, kind: 'ambiguous', detail };
}
