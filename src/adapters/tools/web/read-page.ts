/** Pages for what is no tool: the same way out, the same rules. */
import { ClankerError } from '../../../core/errors.ts';
import { holdsSecret } from '../../../core/leaks.ts';
import { HttpFailure } from '../../../core/ports/http-client.ts';
import type { PageReader } from '../../../core/ports/page-reader.ts';
import type { PublicHttpClient, PublicResponse } from '../../../core/ports/public-http.ts';
import { readText } from './read-text.ts';

export interface PageReaderDeps {
  http: PublicHttpClient;
  /** Milliseconds and bytes of one page. */
  limits: () => { timeoutMs: number; maxBytes: number };
}

/** Failures of the way that waiting does not mend: they are about the address, or what stands there. */
const final: ReadonlySet<string> = new Set([
  'invalid_url',
  'blocked_port',
  'blocked_host',
  'not_public',
  'not_allowed',
  'too_many_redirects',
  'refused_redirect',
  'too_large',
  'bad_encoding',
]);

export function pageReader({ http, limits }: PageReaderDeps): PageReader {
  return async (url, { mayReachPrivate, signal }) => {
    if (holdsSecret({ url }))
      throw new ClankerError('invalid_input', 'holds_secret', 'The address holds a secret of the gateway.');
    try {
      const response = await http.request({ method: 'GET', url, ...limits(), mayReachPrivate, signal });
      const refused = failureOf(response);
      if (refused !== null) {
        await leave(response.body);
        throw refused;
      }
      const read = await readText(response, signal);
      if (read.kind === 'text') return { title: read.title, text: read.text, url: response.url };
      if (read.kind === 'nothing') return { title: '', text: '', url: response.url };
      await leave(read.body);
      throw new ClankerError('invalid_input', 'no_text', `What stands there is no text but ${read.type}.`);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HttpFailure)) throw error;
      const retryable = !final.has(error.code);
      throw new ClankerError('network', error.code.toLowerCase(), error.message, { retryable, cause: error });
    }
  };
}

function failureOf({ status }: PublicResponse): ClankerError | null {
  if (status < 400) return null;
  const retryable = status >= 500 || status === 408 || status === 425 || status === 429;
  return new ClankerError('network', 'http_status', `The page answered HTTP ${status}.`, { retryable });
}

/** Leaving the loop is what frees the socket; one that was never entered does not. */
async function leave(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of body) break;
}
