import { ClankerError, type ErrorOptions } from '../../core/errors.ts';
import type { ProviderError, ProviderErrorKind } from '../../core/ports/provider.ts';
import { isTransient } from '../../core/retry.ts';
import { formatDuration } from '../../core/units.ts';

interface Named {
  provider: string;
  model: string;
}

/** What went wrong and what to do about it, in one sentence each. */
const words: Record<ProviderErrorKind, (of: Named) => string> = {
  auth: ({ provider }) => `The key of provider "${provider}" was refused; check providers.${provider}.api_key.`,
  permission: ({ provider, model }) =>
    `The key of provider "${provider}" may not use the model "${model}"; check what the key is allowed, or choose another model.`,
  billing: ({ provider }) => `Provider "${provider}" wants to be paid; check the account's balance and spending limit.`,
  quota_exhausted: ({ provider }) =>
    `The quota of provider "${provider}" is used up; raise it or wait until it is reset.`,
  rate_limited: ({ provider }) => `Provider "${provider}" takes no more requests for now; try again later.`,
  overloaded: ({ provider }) => `Provider "${provider}" is overloaded; try again later.`,
  server: ({ provider }) => `Provider "${provider}" had an error of its own; try again later.`,
  network: ({ provider }) =>
    `Provider "${provider}" could not be reached or broke off; check that it runs and providers.${provider}.base_url.`,
  timeout_headers: ({ provider }) =>
    `Provider "${provider}" did not answer in time; check that it runs, or raise providers.${provider}.headers_timeout.`,
  timeout_first: ({ provider, model }) =>
    `The model "${model}" did not begin to answer in time; try again, or raise providers.${provider}.first_output_timeout.`,
  timeout_idle: ({ provider, model }) =>
    `The model "${model}" stopped in the middle of its answer; try again, or raise providers.${provider}.idle_timeout.`,
  stream_incomplete: ({ provider }) => `The answer of provider "${provider}" broke off before its end; try again.`,
  bad_response: ({ provider }) =>
    `Provider "${provider}" answered with something that is no model answer; check providers.${provider}.base_url and api.`,
  context_overflow: ({ model }) => `The conversation is too long for the model "${model}"; begin a new one with /new.`,
  request_too_large: ({ provider }) =>
    `The request is too large for provider "${provider}"; send less, or smaller files.`,
  invalid_request: ({ provider, model }) =>
    `Provider "${provider}" refused the request for "${model}" as invalid; the log has its words.`,
  tools_unsupported: ({ model }) => `The model "${model}" cannot call tools; choose another one.`,
  model_not_found: ({ provider, model }) =>
    `Provider "${provider}" has no model "${model}", or none at its address; check providers.${provider}.model and base_url.`,
  content_refused: ({ model }) => `The model "${model}" refused to answer this.`,
  aborted: () => 'The run was stopped.',
  deadline: () => 'The answer took longer than a run may take; try again, or ask for less at once.',
};

const timeouts: readonly ProviderErrorKind[] = ['timeout_headers', 'timeout_first', 'timeout_idle', 'deadline'];

export const wordsFor = (kind: ProviderErrorKind, of: Named): string => words[kind](of);

/**
 * A provider's failure as the product's: code `timeout` (a clock or the deadline), `aborted`, or `provider`;
 * `provider_unavailable` when the provider asked for a wait that did not fit into the call.
 */
export function failureOf(error: ProviderError, of: Named): ClankerError {
  const message = wordsFor(error.kind, of);
  const options: ErrorOptions = { retryable: isTransient(error.kind), cause: error };
  if (error.kind === 'aborted') return new ClankerError('conflict', 'aborted', message, options);
  if (timeouts.includes(error.kind))
    return new ClankerError('provider', 'timeout', message, { ...options, retryable: true });
  if (error.retryAfterMs !== undefined && error.retryAfterMs > 0) {
    return unavailable(message, error.retryAfterMs, error);
  }
  return new ClankerError('provider', 'provider', message, options);
}

/** All candidates failed: what each of them said, in the order they were asked, under the code of the last. */
export function failureOfAll(failures: readonly { error: ProviderError; candidate: Named }[]): ClankerError | null {
  const errors = failures.map(({ error, candidate }) => failureOf(error, candidate));
  const last = errors.at(-1);
  if (last === undefined || errors.length === 1) return last ?? null;
  const message = `No model could answer. ${errors.map(({ message }) => message).join(' ')}`;
  const { kind, code, retryAfterMs, cause } = last;
  return new ClankerError(kind, code, message, {
    retryable: errors.some(({ retryable }) => retryable),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause,
  });
}

/** Nothing can be asked now; `retryAfterMs` is when the first candidate can. */
export function unavailable(message: string, retryAfterMs: number, cause?: unknown): ClankerError {
  const wait = formatDuration(Math.ceil(retryAfterMs / 1000) * 1000);
  return new ClankerError('provider', 'provider_unavailable', `${message} It can be asked again in ${wait}.`, {
    retryable: true,
    retryAfterMs,
    ...(cause === undefined ? {} : { cause }),
  });
}
