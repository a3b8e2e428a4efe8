/**
 * When a provider says we may ask again. Forms seen in the field: `retry-after-ms`; `retry-after` in seconds or as an
 * HTTP date; OpenAI's and Groq's `x-ratelimit-reset-requests|tokens` ("6m0s", "1.2s", "20ms") beside
 * `x-ratelimit-remaining-*`; Anthropic's `anthropic-ratelimit-*-reset` (RFC 3339); and words: "try again in 1.2s".
 */
const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** A larger number of seconds is no wait but a moment: seconds or milliseconds since 1970, as some limiters write. */
const firstMomentS = 1_000_000_000;
const firstMomentMs = firstMomentS * 1000;
/** What is longer is a mistake of who wrote it, and could not be kept as a time. */
const maxHintMs = 366 * 86_400_000;

/** Milliseconds to wait, rounded up, or undefined when nothing was said. `nowMs` is the wall clock, for dates. */
export function retryAfterMs(headers: Record<string, string>, message: string, nowMs: number): number | undefined {
  const wait = fromRetryAfter(headers, nowMs) ?? fromWords(message) ?? fromRateLimits(headers, nowMs);
  return wait === undefined ? undefined : Math.min(wait, maxHintMs);
}

function fromRetryAfter(headers: Record<string, string>, nowMs: number): number | undefined {
  const ms = number(headers['retry-after-ms']);
  if (ms !== undefined) return Math.ceil(ms);
  const text = headers['retry-after']?.trim();
  if (text === undefined || text === '') return undefined;
  return fromSeconds(text, nowMs) ?? untilDate(text, nowMs);
}

function fromSeconds(text: string, nowMs: number): number | undefined {
  const seconds = number(text);
  if (seconds === undefined || seconds < firstMomentS)
    return seconds === undefined ? undefined : Math.ceil(seconds * 1000);
  const moment = seconds < firstMomentMs ? seconds * 1000 : seconds;
  return Math.max(0, Math.ceil(moment - nowMs));
}

/** The longest of the limits that are used up; a limit that has something left is not what refused the request. */
function fromRateLimits(headers: Record<string, string>, nowMs: number): number | undefined {
  let longest: number | undefined;
  for (const [name, value] of Object.entries(headers)) {
    const limit =
      /^x-ratelimit-(?<place>reset)-(?<what>\w+)$/.exec(name) ??
      /^anthropic-ratelimit-(?<what>[\w-]+)-(?<place>reset)$/.exec(name);
    if (limit === null) continue;
    const remaining = number(headers[name.replace('reset', 'remaining')]);
    if (remaining !== undefined && remaining > 0) continue;
    const wait = fromSeconds(value, nowMs) ?? duration(value) ?? untilDate(value, nowMs);
    if (wait !== undefined) longest = Math.max(longest ?? 0, wait);
  }
  return longest;
}

function fromWords(message: string): number | undefined {
  const match =
    /(?:try again|retry)(?: after| in)\s+((?:\d+(?:\.\d+)?\s*(?:ms|milliseconds?|h|hours?|m|min|minutes?|s|sec|seconds?)\b\s*|\d+m(?=\d))+)/i.exec(
      message,
    );
  return match?.[1] === undefined ? undefined : duration(match[1]);
}

/** `"6m0s"`, `"1.2s"`, `"20ms"`, `"3 minutes"` → milliseconds. */
function duration(text: string): number | undefined {
  let total: number | undefined;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|milli|[smhd])/gi)) {
    const factor = unitMs[unit.toLowerCase() === 'milli' ? 'ms' : unit.toLowerCase()];
    if (factor !== undefined) total = (total ?? 0) + Number(amount) * factor;
  }
  return /^[\d-]+T/.test(text) || total === undefined ? undefined : Math.ceil(total);
}

function untilDate(text: string, nowMs: number): number | undefined {
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
