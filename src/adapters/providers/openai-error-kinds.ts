import type { ProviderErrorKind } from '../../core/ports/provider.ts';

/** Codes and types of OpenAI's error object, in both of its APIs and in those of compatible servers. */
export const openAiErrorKinds: Readonly<Record<string, ProviderErrorKind>> = {
  server_error: 'server',
  server_overloaded: 'overloaded',
  overloaded_error: 'overloaded',
  rate_limit_exceeded: 'rate_limited',
  rate_limit_error: 'rate_limited',
  insufficient_quota: 'quota_exhausted',
  context_length_exceeded: 'context_overflow',
  invalid_api_key: 'auth',
  authentication_error: 'auth',
  model_not_found: 'model_not_found',
  invalid_request_error: 'invalid_request',
  invalid_prompt: 'content_refused',
  content_filter: 'content_refused',
};
