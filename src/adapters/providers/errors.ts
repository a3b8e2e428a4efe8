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

const contextOverflow =
  /context[_ ]length[_ ]exceeded|maximum context length|context window|exceeds? the (?:available )?context|prompt is too long|context size|reduce the length of the messages/i;
const toolsUnsupported =
  /does not support (?:tools|function calling|tool use)|tool (?:use|calling) (?:is )?not supported|tools? (?:are|is) not supported|support tool use/i;
const quotaExhausted =
  /insufficient_quota|exceeded your current quota|enforced_spend_limit_reached|billing_hard_limit|spend(?:ing)? limit/i;
const unpaid = /credit balance is too low|payment required|billing_error/i;

/** The kind of an HTTP failure; a body's own words win over the status where they are more exact. */
export function kindOfStatus(status: number, { message, code = '' }: ReportedError): ProviderErrorKind {
  const words = `${code} ${message}`;
  if (status === 401) return 'auth';
  if (status === 402) return 'billing';
  if (status === 413) return 'request_too_large';
  if (status === 429) return quotaExhausted.test(words) ? 'quota_exhausted' : 'rate_limited';
  if (status === 503 || status === 529) return 'overloaded';
  if (status >= 300 && status < 400) return 'bad_response';
  if (toolsUnsupported.test(words)) return 'tools_unsupported';
  if (contextOverflow.test(words)) return 'context_overflow';
  if (status >= 500 || status === 408) return 'server';
  if (quotaExhausted.test(words)) return 'quota_exhausted';
  if (unpaid.test(words)) return 'billing';
  if (status === 403) return 'permission';
  if (status === 404) return 'model_not_found';
  return 'invalid_request';
}

/** The kind of an error that came inside a stream, where no status says it: by the provider's names, else by its words. */
export function kindOfReport(
  names: Readonly<Record<string, ProviderErrorKind>>,
  { message, code = '' }: ReportedError,
): ProviderErrorKind {
  const words = `${code} ${message}`;
  const status = /^[1-5]\d\d$/.test(code) ? Number(code) : 0;
  if (names[code] !== undefined) return names[code];
  if (status >= 400) return kindOfStatus(status, { message });
  if (toolsUnsupported.test(words)) return 'tools_unsupported';
  if (contextOverflow.test(words)) return 'context_overflow';
  if (quotaExhausted.test(words)) return 'quota_exhausted';
  if (/overloaded|server busy|at capacity/i.test(words)) return 'overloaded';
  if (/rate.?limit/i.test(words)) return 'rate_limited';
  return 'server';
}

/** Refusals cost nothing: these the provider did not begin to work on. What broke inside it may have been. */
export function acceptedByKind(kind: ProviderErrorKind): ProviderError['accepted'] {
  return kind === 'server' || kind === 'bad_response' ? 'maybe' : 'no';
}
