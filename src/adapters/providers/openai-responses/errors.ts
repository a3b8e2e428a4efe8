import type { ErrorDialect } from '../failure.ts';
import { objectAt, stringAt } from '../json.ts';
import { openAiErrorKinds } from '../openai-error-kinds.ts';

/**
 * The same error object as Chat Completions, or a bare string; inside a stream `{"type":"error","code","message"}`, with
 * the fields at the top level or under `error`.
 */
export const responsesErrors: ErrorDialect = {
  read(body) {
    const bare = stringAt(body, 'error');
    if (bare !== undefined) return { message: bare };
    const error = objectAt(body, 'error') ?? (body['type'] === 'error' ? body : undefined);
    if (error === undefined) return null;
    const type = stringAt(error, 'type');
    const code = stringAt(error, 'code') ?? (type === 'error' ? undefined : type);
    return {
      message: stringAt(error, 'message') ?? JSON.stringify(error),
      ...(code === undefined ? {} : { code }),
    };
  },
  kinds: openAiErrorKinds,
};
