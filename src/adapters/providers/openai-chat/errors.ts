import type { ErrorDialect } from '../failure.ts';
import { objectAt, stringAt } from '../json.ts';

/**
 * OpenAI's error object, `{"error":{"message","type","code","param"}}`, and what compatible servers make of it: a bare
 * string, a number as code, or the fields without the envelope (`{"object":"error",…}` of older vLLM).
 */
export const openAiErrors: ErrorDialect = {
  read(body) {
    const bare = stringAt(body, 'error');
    if (bare !== undefined) return { message: bare };
    const error = objectAt(body, 'error') ?? (body['object'] === 'error' ? body : undefined);
    if (error === undefined) return null;
    const code = error['code'] ?? error['type'];
    return {
      message: stringAt(error, 'message') ?? JSON.stringify(error),
      ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    };
  },
  kinds: {
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
  },
};
