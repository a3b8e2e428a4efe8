import * as z from 'zod/mini';
import { textOf, type Message } from '../../../core/message.ts';
import type { Gateway } from '../../../core/ports/gateway.ts';
import type { Principal } from '../../../core/principal.ts';
import { HttpError } from '../errors.ts';
import { writeLines } from '../lines.ts';
import { json, route } from '../route.ts';
import { cursor, failure, limit, ok, pageQuery, type Wire } from '../schemas/base.ts';
import { cleanupBody, closed, type message, messages, session, sessions } from '../schemas/sessions.ts';

const defaultPage = 50;
/** Messages read at a time for an export. */
const exportPage = 200;

const wireMessage = ({ id, seq, role, parts, author, time, runId }: Message): Wire<typeof message> => ({
  id,
  seq,
  role,
  text: textOf(parts),
  parts,
  author,
  time,
  run_id: runId,
});

const missing = { description: 'No such session of yours.', schema: failure };

/** One JSON object per line: the session, then its messages. Reads on only as fast as the client does. */
async function* linesOf(gateway: Gateway, principal: Principal, key: string, first: unknown): AsyncGenerator<string> {
  yield JSON.stringify({ session: first });
  let at: { cursor?: string } | null = {};
  while (at !== null) {
    const { items, nextCursor } = await gateway.messages(principal, key, { limit: exportPage, ...at });
    for (const item of items) yield JSON.stringify({ message: wireMessage(item) });
    at = nextCursor === null ? null : { cursor: nextCursor };
  }
}

export const sessionRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/sessions',
    summary: 'Sessions, the most recently used first.',
    scope: 'read',
    query: pageQuery,
    answers: { 200: { description: 'A page of sessions.', schema: sessions } },
    async handle({ principal, query, context }) {
      const { items, nextCursor } = await context.gateway.listSessions(principal, { limit: defaultPage, ...query });
      return json({ sessions: items, next_cursor: nextCursor });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/{key}',
    summary: 'One session.',
    scope: 'read',
    answers: { 200: { description: 'The session.', schema: session }, 404: missing },
    handle: async ({ principal, params, context }) => json(await context.gateway.session(principal, params.key)),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/sessions/{key}',
    summary: 'Delete a session with its history.',
    scope: 'manage',
    answers: { 200: { description: 'It is gone.', schema: ok }, 404: missing },
    async handle({ principal, params, context }) {
      await context.gateway.deleteSession(principal, params.key);
      return json({ ok: true });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/sessions/cleanup',
    summary: 'Let sessions that nobody used for so long begin a new history; with `admin` everybody’s.',
    scope: 'manage',
    body: cleanupBody,
    answers: { 200: { description: 'How many.', schema: closed } },
    async handle({ principal, body, context }) {
      return json({ closed: await context.gateway.closeStaleSessions(principal, body.max_age_seconds * 1000) });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/sessions/{key}/reset',
    summary: 'Begin a new history; the old messages stay stored.',
    scope: 'manage',
    answers: { 200: { description: 'The session.', schema: session }, 404: missing },
    handle: async ({ principal, params, context }) => json(await context.gateway.resetSession(principal, params.key)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/{key}/messages',
    summary: 'Its messages, oldest first. `before` pages backwards from a message id, `cursor` forwards.',
    scope: 'read',
    query: () =>
      z.strictObject({
        limit: z.exactOptional(limit),
        cursor: z.exactOptional(cursor),
        before: z.exactOptional(cursor),
      }),
    answers: { 200: { description: 'A page of messages.', schema: messages }, 404: missing },
    async handle({ principal, params, query, context }) {
      if (query.cursor !== undefined && query.before !== undefined) {
        throw new HttpError(400, 'invalid_input', 'Give "cursor" or "before", not both.');
      }
      const page = await context.gateway.messages(principal, params.key, { limit: defaultPage, ...query });
      return json({ messages: page.items.map(wireMessage), next_cursor: page.nextCursor });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/{key}/export',
    summary: 'The whole session as JSON lines: {"session"} first, then one {"message"} a line.',
    scope: 'read',
    answers: { 200: { description: 'JSON lines.', type: 'application/x-ndjson' }, 404: missing },
    async handle({ principal, params, context }) {
      const { gateway } = context;
      const found = await gateway.session(principal, params.key);
      return {
        status: 200,
        type: 'application/x-ndjson',
        stream: (response) => writeLines(response, linesOf(gateway, principal, params.key, found)),
      };
    },
  }),
];
