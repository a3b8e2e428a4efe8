import * as z from 'zod/mini';
import { readUpload } from '../body.ts';
import { readLines, writeLines } from '../lines.ts';
import { json, route } from '../route.ts';
import { failure, limit } from '../schemas/base.ts';
import { auditLog, auditQuery, auditVerdict, erasure, erasures } from '../schemas/rights.ts';
import { session, sessionName } from '../schemas/sessions.ts';

const defaultPage = 50;
const maxImportBytes = 16_000_000;
const noPerson = { description: 'No such person.', schema: failure };
const lines = 'application/x-ndjson';

/** What belongs to people, and who did what. */
export const rightsRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/people/{id}/export',
    summary: 'All that belongs to a person, as JSON lines: oneself; with `admin` everybody.',
    scope: 'read',
    answers: { 200: { description: 'JSON lines, the last one {"end"}.', type: lines }, 404: noPerson },
    async handle({ principal, params, context }) {
      const exported = await context.gateway.exportPerson(principal, params.id);
      return { status: 200, type: lines, stream: (response) => writeLines(response, exported) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/people/{id}/erase',
    summary: 'Remove a person and all that is theirs, for good; answered when nothing is left.',
    scope: 'admin',
    answers: {
      200: { description: 'The receipt.', schema: erasure },
      404: noPerson,
      409: { description: 'The person "owner" stays.', schema: failure },
    },
    handle: async ({ principal, params, context }) => json(await context.gateway.erasePerson(principal, params.id)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/erasures',
    summary: 'Receipts of people who were erased, newest first.',
    scope: 'admin',
    query: () => z.strictObject({ limit: z.exactOptional(limit) }),
    answers: { 200: { description: 'The receipts.', schema: erasures } },
    handle: async ({ principal, query, context }) =>
      json({ erasures: await context.gateway.erasures(principal, query.limit ?? defaultPage) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'Who did what, newest first. `actor` is a token, an account that somebody spoke through, or a person.',
    scope: 'admin',
    query: auditQuery,
    answers: { 200: { description: 'A page of the log.', schema: auditLog } },
    async handle({ principal, query, context }) {
      const { action, actor, since, ...page } = query;
      const filter = {
        ...(action === undefined ? {} : { action }),
        ...(actor === undefined ? {} : { actor }),
        ...(since === undefined ? {} : { since: Date.parse(since) }),
      };
      const { items, nextCursor } = await context.gateway.audit(principal, filter, { limit: defaultPage, ...page });
      return json({ audit: items, next_cursor: nextCursor });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit/verify',
    summary: 'Walk the chain of the audit log: whether every row is what was written, and none is gone.',
    scope: 'admin',
    answers: { 200: { description: 'What was found.', schema: auditVerdict } },
    handle: async ({ principal, context }) => json(await context.gateway.verifyAudit(principal)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/sessions/import',
    summary: 'Bring in an exported session (JSON lines, at most 16 MB) as a new one of your own.',
    scope: 'manage',
    query: () => z.strictObject({ session: z.exactOptional(sessionName) }),
    body: 'raw',
    answers: {
      201: { description: 'The session.', schema: session },
      400: { description: 'The file is no export of a session; the message names the line.', schema: failure },
      409: { description: 'There is a session of that name.', schema: failure },
      413: { description: 'It is too large.', schema: failure },
    },
    async handle({ principal, query, request, response, context }) {
      const limits = { maxBytes: maxImportBytes, idleMs: context.timings.uploadIdleMs };
      const values = readLines(readUpload(request, response, limits));
      return json(await context.gateway.importSession(principal, values, query.session), 201);
    },
  }),
];
