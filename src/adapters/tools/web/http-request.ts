import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import { holdsSecret } from '../../../core/leaks.ts';
import { HttpFailure } from '../../../core/ports/http-client.ts';
import type { PublicHttpClient } from '../../../core/ports/public-http.ts';
import type { Tool, ToolOutput } from '../../../core/ports/tool.ts';
import { judgeUrl, type UrlRules } from '../../../core/public-url.ts';
import { answerOf, type AnswerDeps } from './answer.ts';
import type { HttpClientOptions } from './options.ts';

export interface HttpRequestDeps extends AnswerDeps {
  http: PublicHttpClient;
}

const maxBodyLength = 100_000;
const maxHeaders = 20;
const maxHeaderLength = 2000;
/** Parsing and storing come after the request. */
const afterwardsMs = 10_000;

const problem = (text: string): ToolOutput => ({ text, isError: true });

const input = () =>
  z.strictObject({
    url: z.string(),
    method: z.optional(z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])),
    headers: z.optional(z.record(z.string(), z.string().check(z.maxLength(maxHeaderLength)))),
    body: z.optional(z.string().check(z.maxLength(maxBodyLength))),
  });

/**
 * Looks at the public web, and speaks to services there. A service of the private network counts as something of the
 * person that is touched, so that a page which wants it asked leads to a question first.
 */
export function httpRequestTool(options: HttpClientOptions, deps: HttpRequestDeps): Tool {
  const listed: UrlRules = { ports: [], allowHosts: [], denyHosts: [], allowPrivate: options.allow_private };
  const isPrivate = (url: string): boolean => {
    const judged = judgeUrl(url, listed, true);
    return 'url' in judged && judged.private;
  };
  return defineTool({
    name: 'http_request',
    description: 'Fetches a public http(s) URL. Pages come as readable text.',
    effects: ['read', 'write', 'send'],
    timeoutMs: options.timeout + afterwardsMs,
    input,
    // What goes along in headers is as much of a message as what stands in the address.
    addressOf: ({ url, headers = {} }) => [url, ...Object.entries(headers).flat()].join('\n'),
    effectsOf: ({ url, method = 'GET' }) => [
      method === 'GET' || method === 'HEAD' ? 'read' : 'send',
      ...(isPrivate(url) ? (['write'] as const) : []),
    ],
    async run({ url, method = 'GET', headers = {}, body }, { person, role, signal }) {
      if (!options.methods.includes(method)) return problem(`The configuration does not allow ${method}.`);
      if (body !== undefined && (method === 'GET' || method === 'HEAD')) return problem(`A ${method} has no body.`);
      if (Object.keys(headers).length > maxHeaders) return problem(`A request has at most ${maxHeaders} headers.`);
      if (holdsSecret({ url, headers, body: body ?? '' }))
        return problem('This holds a secret of the gateway, which must not leave. Nothing was sent.');
      try {
        const response = await deps.http.request({
          method,
          url,
          headers: body === undefined ? headers : { 'content-type': typeOf(body), ...lowerCased(headers) },
          ...(body === undefined ? {} : { body }),
          timeoutMs: options.timeout,
          maxBytes: options.max_bytes,
          mayReachPrivate: role === 'owner',
          signal,
        });
        return await answerOf(response, method, person, options.max_bytes, signal, deps);
      } catch (error) {
        if (error instanceof HttpFailure) return problem(`${error.message} (${error.code})`);
        throw error;
      }
    },
  });
}

const typeOf = (body: string): string => (/^\s*[[{]/.test(body) ? 'application/json' : 'text/plain; charset=utf-8');

const lowerCased = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
