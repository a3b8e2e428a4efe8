/**
 * Where platforms and programs deliver. No token is asked for: the channel verifies a request by its signature, over
 * the bytes as they came.
 */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod/mini';
import { notFound } from '../../../core/errors.ts';
import type { HookRequest } from '../../../core/ports/channel.ts';
import { readRaw } from '../body.ts';
import { HttpError } from '../errors.ts';
import type { HookVerdict } from '../hook-limits.ts';
import { type Call, type Reply, route } from '../route.ts';
import { anyFields, failure } from '../schemas/base.ts';

/** Names that are no channel's: what they will take has a form of its own. */
const reserved = new Set(['wake', 'agent']);

/** Until a body is there of which nobody has proved yet to be the sender. */
const maxBodyMs = 4500;

type HookCall = Pick<
  Call<string, Record<string, unknown>, undefined, unknown>,
  'query' | 'request' | 'response' | 'address' | 'context'
>;

/**
 * A name that does not exist, a channel that takes no hooks and a signature that is wrong are answered alike: what is
 * configured here is nobody's business.
 */
const refusal = (): HttpError =>
  new HttpError(401, 'unauthorized', 'There is no such hook, or the request is not signed with its secret.');

const headersOf = ({ headers }: IncomingMessage): HookRequest['headers'] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );

async function deliver(name: string, method: 'GET' | 'POST', call: HookCall): Promise<Reply> {
  if (reserved.has(name)) throw notFound('hook');
  const { request, response, context, address } = call;
  const end = await context.hooks.begin(name, address);
  let verdict: HookVerdict = 'wrong';
  try {
    const limits = { maxBytes: context.options().maxBodyBytes, timeoutMs: Math.min(context.timings.bodyMs, maxBodyMs) };
    const body = method === 'GET' ? new Uint8Array() : await readRaw(request, response, limits);
    verdict = 'unknown';
    const query = new URLSearchParams(call.query as Record<string, string>);
    const answer = await context.gateway.hook(name, { method, headers: headersOf(request), query, body });
    if (answer === null || answer.status === 401 || answer.status === 403) {
      verdict = 'wrong';
      throw refusal();
    }
    const { status, body: text = '', contentType = 'application/json', headers = {}, error } = answer;
    if (error !== undefined) throw new HttpError(status, error.code, error.message, { headers });
    if (status < 400) verdict = 'passed';
    return { status, type: contentType, text, headers };
  } finally {
    end(verdict);
  }
}

const answers = {
  401: { description: 'There is no such hook, or the request is not signed with its secret.', schema: failure },
  429: { description: 'Too many requests; see Retry-After.', schema: failure },
  503: { description: 'It cannot be taken now; see Retry-After and send it again.', schema: failure },
};
const taken = { description: 'It is committed; the body is what the platform wants to read.', schema: z.any };

export const hookRoutes = [
  route({
    method: 'POST',
    path: '/hooks/{name}',
    summary: 'A message for the webhook channel of that name, signed as Standard Webhooks are.',
    scope: null,
    query: anyFields,
    body: 'raw',
    headers: {
      'webhook-id': 'Names the message; a repeat has the same.',
      'webhook-timestamp': 'Seconds since the epoch, at most five minutes off.',
      'webhook-signature': '`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.',
    },
    answers: {
      202: { description: 'The message is committed, now or by an earlier request with its id.', schema: z.any },
      409: { description: 'The id was used for another message.', schema: failure },
      ...answers,
    },
    handle: (call) => deliver(call.params.name, 'POST', call),
  }),
  route({
    method: 'POST',
    path: '/hooks/{type}/{account}',
    summary: 'What a platform delivers to an account, signed as the platform does.',
    scope: null,
    query: anyFields,
    body: 'raw',
    answers: { 200: taken, ...answers },
    handle: (call) => deliver(`${call.params.type}/${call.params.account}`, 'POST', call),
  }),
  route({
    method: 'GET',
    path: '/hooks/{type}/{account}',
    summary: 'The question by which a platform makes sure that this address is ours.',
    scope: null,
    query: anyFields,
    answers: {
      200: { description: 'What the platform wants to hear.', type: 'text/plain; charset=utf-8' },
      ...answers,
    },
    handle: (call) => deliver(`${call.params.type}/${call.params.account}`, 'GET', call),
  }),
];
