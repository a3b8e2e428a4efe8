/**
 * From what providers say when they fail to our kinds. Statuses and phrases are those the providers document or were
 * seen to send; a dialect's own errors.ts adds its names.
 */
import type { ProviderError, ProviderErrorKind } from '../../core/ports/provider.ts';

/** A provider's error, read from an HTTP body or from a stream. */
export interface ReportedError {
  message: string;
  /** The provider's own `code` or `type`. */
  code?: string | undefined;
}

// Read with quotation marks taken away. Two of these are mended by asking in another way: an overflow by a shorter
// history, a server without tools by leaving them out; a wording that is missed here is a conversation that is stuck.
const contextOverflow =
  /context[_ ]length[_ ]exceeded|maximum (?:context|model|prompt) length|context window|exceeds? (?:the )?(?:available )?context|exceeds? the maximum number of (?:input )?tokens|(?:prompt|input) is too long|context size|greater than the context length|context length of only|context (?:the )?overflows|must have less than \d+ tokens|inputs tokens \+ max_new_tokens must be|reduce the length of the messages/i;
const toolsUnsupported =
  /(?:not|doesnt) support (?:tools?|functions?)\b|support tool use|\b(?:tools?|functions?)(?: use| calls?| calling)? (?:is |are )?not (?:supported|enabled)|enable-auto-tool-choice|tools param requires|(?:unsupported parameter|argument supplied): tools\b/i;
const quotaExhausted =
  /insufficient_quota|exceeded your current quota|enforced_spend_limit_reached|billing_hard_limit|spend(?:ing)? limit/i;
/** Gemini calls its limits per minute a quota, too. */
const soonAgain = /retry in \d/i;
const unpaid = /credit balance is too low|payment required|billing_error/i;
const keyRefused = /api[_ ]key[_ ](?:not valid|invalid)|(?:invalid|incorrect)[_ ]api[_ ]key/i;
const contentRefused = /content_filter|content_policy|content management policy|invalid_prompt/i;

const wordsOf = ({ message, code = '' }: ReportedError): string => `${code} ${message}`.replaceAll(/["'`]/g, '');

/** The kind of an HTTP failure; a body's own words win over the status where they are more exact. */
export function kindOfStatus(status: number, reported: ReportedError): ProviderErrorKind {
  const words = wordsOf(reported);
  if (status === 401) return 'auth';
  if (status === 402) return 'billing';
  if (status === 413) return 'request_too_large';
  if (status === 429) return quotaExhausted.test(words) && !soonAgain.test(words) ? 'quota_exhausted' : 'rate_limited';
  // 498: no capacity in Groq's flexible tier.
  if (status === 503 || status === 529 || status === 498) return 'overloaded';
  if (status >= 300 && status < 400) return 'bad_response';
  if (toolsUnsupported.test(words)) return 'tools_unsupported';
  if (contextOverflow.test(words)) return 'context_overflow';
  if (status >= 500 || status === 408) return 'server';
  if (quotaExhausted.test(words)) return 'quota_exhausted';
  if (unpaid.test(words)) return 'billing';
  if (keyRefused.test(words)) return 'auth';
  if (contentRefused.test(words)) return 'content_refused';
  if (status === 403) return 'permission';
  if (status === 404) return 'model_not_found';
  return 'invalid_request';
}

/** The kind of an error that came inside a stream, where no status says it: by its words, else by the provider's names. */
export function kindOfReport(
  names: Readonly<Record<string, ProviderErrorKind>>,
  reported: ReportedError,
): ProviderErrorKind {
  const { code = '' } = reported;
  const words = wordsOf(reported);
  const status = /^[1-5]\d\d$/.test(code) ? Number(code) : 0;
  if (status >= 400) return kindOfStatus(status, reported);
  if (toolsUnsupported.test(words)) return 'tools_unsupported';
  if (contextOverflow.test(words)) return 'context_overflow';
  if (quotaExhausted.test(words)) return 'quota_exhausted';
  const named = Object.hasOwn(names, code) ? names[code] : undefined;
  if (named !== undefined) return named;
  if (/overloaded|server busy|at capacity/i.test(words)) return 'overloaded';
  if (/rate.?limit/i.test(words)) return 'rate_limited';
  return 'server';
}

/** Refusals cost nothing: these the provider did not begin to work on. What broke inside it may have been. */
export function acceptedByKind(kind: ProviderErrorKind): ProviderError['accepted'] {
  return kind === 'server' || kind === 'bad_response' ? 'maybe' : 'no';
}
