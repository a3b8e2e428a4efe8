import type { LogFilter, LogLine } from '../../../core/ports/maintenance-gateway.ts';
import type { LogLevel } from '../../../core/ports/system.ts';
import { HttpError } from '../errors.ts';
import { backupBody, lastRestored, logLines, logsQuery, madeBackup } from '../schemas/maintenance.ts';
import { json, route } from '../route.ts';
import { failure, type Wire } from '../schemas/base.ts';
import { eventStreamType } from '../sse.ts';

const defaultLines = 100;
const ranks: Record<LogLevel, number> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 };
const busy = { description: 'Another backup is being written or restored.', schema: failure };
const bad = { description: 'The path or the backup cannot be used; the message says why.', schema: failure };

/** Backups, and the log as it stands in memory. */
export const maintenanceRoutes = [
  route({
    method: 'POST',
    path: '/api/v1/backup',
    summary: 'Write a backup to a new folder on the machine of the gateway; answered when it was read again.',
    scope: 'admin',
    body: backupBody,
    answers: { 201: { description: 'The backup.', schema: madeBackup }, 400: bad, 409: busy },
    handle: async ({ principal, body, context }) => json(await context.gateway.backup(principal, body.path), 201),
  }),
  route({
    method: 'POST',
    path: '/api/v1/restore',
    summary: 'Check a backup and begin anew with it; the data of before lie aside. Answered when it was checked.',
    scope: 'admin',
    body: backupBody,
    answers: { 202: { description: 'The gateway begins anew.', schema: madeBackup }, 400: bad, 409: busy },
    handle: async ({ principal, body, context }) => json(await context.gateway.restore(principal, body.path), 202),
  }),
  route({
    method: 'GET',
    path: '/api/v1/restore',
    summary: 'What the last restore came to: the rows were counted again.',
    scope: 'admin',
    answers: { 200: { description: 'Null when there was none.', schema: lastRestored } },
    handle: async ({ principal, context }) => json({ restored: await context.gateway.lastRestored(principal) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/logs',
    summary: 'The last lines of the log, oldest first; about 256 KB are kept in memory.',
    scope: 'admin',
    query: logsQuery,
    answers: { 200: { description: 'The lines.', schema: logLines } },
    handle({ principal, query, context }) {
      const lines = context.gateway.logs(principal, filterOf(query), query.limit ?? defaultLines);
      return json({ logs: lines.map(({ text }) => JSON.parse(text) as unknown) });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/logs/follow',
    summary: 'Lines of the log as they are written; first the last `limit` that are kept (default: none).',
    scope: 'admin',
    query: logsQuery,
    headers: { 'Last-Event-ID': 'In place of the last ones: first all that are kept and came after this line.' },
    answers: { 200: { description: '`log` events; `id` grows, also over restarts.', type: eventStreamType } },
    handle({ principal, query, request, context }) {
      const { level = 'trace', limit } = query;
      const after = lineId(request.headers['last-event-id']);
      return {
        status: 200,
        type: eventStreamType,
        stream(response) {
          const { gateway, streams } = context;
          const stream = streams.addEndless(response);
          const send = ({ n, text }: LogLine): void => stream.send('log', text, n);
          const kept =
            after === null
              ? limit === undefined
                ? []
                : gateway.logs(principal, filterOf(query), limit)
              : gateway.logs(principal, { level, after }, Infinity);
          stream.comment('open');
          for (const line of kept) send(line);
          const end = gateway.followLogs(principal, (line) => {
            if (ranks[line.level] >= ranks[level]) send(line);
          });
          const forget = gateway.onRevoked(principal, () => stream.end());
          return new Promise<void>((resolve) => {
            response.once('close', () => {
              forget();
              end();
              resolve();
            });
          });
        },
      };
    },
  }),
];

function filterOf({ level, since }: Wire<typeof logsQuery>): LogFilter {
  return {
    ...(level === undefined ? {} : { level }),
    ...(since === undefined ? {} : { since: Date.parse(since) }),
  };
}

function lineId(header: string | string[] | undefined): number | null {
  if (header === undefined || header === '') return null;
  const n = typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : Number.NaN;
  if (Number.isSafeInteger(n)) return n;
  throw new HttpError(400, 'invalid_cursor', 'The header "Last-Event-ID" must be the id of a line.');
}
