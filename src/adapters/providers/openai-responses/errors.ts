import type { ErrorDialect } from '../failure.ts';
import { objectAt, stringAt } from '../json.ts';

/**
 * The same error object as Chat Completions; inside a stream `{"type":"error","code","message"}`, with the fields at the
 * top level or under `error`.
 */
export const responsesErrors: ErrorDialect = {
  read(body) {
    const error = objectAt(body, 'error') ?? (body['type'] === 'error' ? body : undefined);
    if (error === undefined) return null;
    const type = stringAt(error, 'type');
    const code = stringAt(error, 'code') ?? (type === 'error' ? undefined : type);
    return {
      message: stringAt(error, 'message') ?? JSON.stringify(error),
      ...(code === undefined ? {} : { code }),
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
    model_not_found: 'model_not_found',
    invalid_request_error: 'invalid_request',
    invalid_prompt: 'content_refused',
    content_filter: 'content_refused',
  },
};
