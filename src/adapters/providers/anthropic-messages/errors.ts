import type { ErrorDialect } from '../failure.ts';
import { objectAt, stringAt } from '../json.ts';

/**
 * `{"type":"error","error":{"type","message","details"?}}`, over HTTP and as an `error` event. A spend limit arrives as a
 * rate limit whose details hold the true code.
 */
export const anthropicErrors: ErrorDialect = {
  read(body) {
    const error = objectAt(body, 'error');
    if (error === undefined) return null;
    const code = stringAt(objectAt(error, 'details'), 'error_code') ?? stringAt(error, 'type');
    return {
      message: stringAt(error, 'message') ?? JSON.stringify(error),
      ...(code === undefined ? {} : { code }),
    };
  },
  kinds: {
    overloaded_error: 'overloaded',
    api_error: 'server',
    timeout_error: 'server',
    rate_limit_error: 'rate_limited',
    enforced_spend_limit_reached: 'quota_exhausted',
    authentication_error: 'auth',
    permission_error: 'permission',
    billing_error: 'billing',
    not_found_error: 'model_not_found',
    request_too_large: 'request_too_large',
  },
};
