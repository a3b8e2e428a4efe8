import type { ErrorDialect } from '../failure.ts';
import { stringAt, objectAt } from '../json.ts';

/** `{"error":"…"}`, over HTTP and as a line of the stream: words only, no codes. Proxies in front wrap it in an object. */
export const ollamaErrors: ErrorDialect = {
  read(body) {
    const message = stringAt(body, 'error') ?? stringAt(objectAt(body, 'error'), 'message');
    return message === undefined ? null : { message };
  },
  kinds: {},
};
