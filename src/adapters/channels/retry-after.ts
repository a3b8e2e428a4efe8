/** The longest pause that is believed; beyond it a mistake is likelier than a wish. */
const maxRetryAfterMs = 86_400_000;

/** The header `Retry-After` (RFC 9110), seconds or a date, as milliseconds rounded up; null when it says nothing. */
export function retryAfterMs(headers: Readonly<Record<string, string>>, nowMs: number): number | null {
  const text = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Math.min(maxRetryAfterMs, Math.ceil(Number(text) * 1000));
  // Without a letter it would be read as a year or a month.
  const at = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.min(maxRetryAfterMs, Math.max(0, at - nowMs));
}
