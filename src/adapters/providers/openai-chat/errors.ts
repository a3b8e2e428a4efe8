import type { ErrorDialect } from '../failure.ts';
import { objectAt, stringAt } from '../json.ts';
import { openAiErrorKinds } from '../openai-error-kinds.ts';

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
  kinds: openAiErrorKinds,
};
