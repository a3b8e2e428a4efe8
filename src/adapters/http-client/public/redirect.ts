import type { IncomingMessage } from 'node:http';
import { HttpFailure } from '../../../core/ports/http-client.ts';
import type { Hop } from './exchange.ts';

const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * The request that an answer redirects to, or null when it is no redirect: https://fetch.spec.whatwg.org/#http-redirect-fetch.
 * Stricter than it in three ways. Nothing of the caller's headers goes to another origin; a request that changes something
 * is never repeated there, as it was meant for the first; and a public page cannot lead into the private network.
 */
export function redirected(
  hop: Hop,
  { statusCode = 0, headers: { location } }: IncomingMessage,
  judge: (text: string, mayReachPrivate: boolean) => { url: URL; private: boolean },
): Hop | null {
  if (!redirects.has(statusCode) || location === undefined) return null;
  const next = judge(absolute(location, hop.url), hop.private);
  const toGet =
    statusCode === 303 ? hop.method !== 'HEAD' : (statusCode === 301 || statusCode === 302) && hop.method === 'POST';
  const method = toGet ? 'GET' : hop.method;
  const sameOrigin = next.url.origin === hop.url.origin;
  if (!sameOrigin && method !== 'GET' && method !== 'HEAD')
    throw new HttpFailure(
      'headers',
      'maybe',
      'refused_redirect',
      `${hop.url.origin} wants the ${method} sent to ${next.url.origin} instead; ask that address itself if it is meant.`,
    );
  const { accept = '*/*', 'user-agent': agent = '' } = hop.headers;
  const kept = sameOrigin ? { ...hop.headers } : { accept, 'user-agent': agent };
  if (toGet)
    for (const name of Object.keys(kept)) if (name.startsWith('content-')) delete kept[name as keyof typeof kept];
  return { ...next, method, headers: kept, body: toGet ? undefined : hop.body };
}

/** The place as it was written when it names a host, as its very spelling is judged. */
function absolute(location: string, base: URL): string {
  const written = Buffer.from(location, 'latin1').toString('utf8');
  if (/^[a-z][a-z0-9+.-]*:/i.test(written) || /^[/\\]{2}/.test(written))
    return written.startsWith('//') ? base.protocol + written : written;
  // eslint-disable-next-line no-control-regex -- a parser would drop them silently
  if (/[\u0000-\u0020\\]/.test(written)) return written;
  return URL.parse(written, base)?.href ?? written;
}
