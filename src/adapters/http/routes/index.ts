import * as z from 'zod/mini';
import { type Route, route } from '../route.ts';
import { approvalRoutes } from './approvals.ts';
import { chatRoutes } from './chat.ts';
import { eventRoutes } from './events.ts';
import { hookRoutes } from './hooks.ts';
import { jobRoutes } from './jobs.ts';
import { maintenanceRoutes } from './maintenance.ts';
import { noteRoutes } from './notes.ts';
import { mcpRoutes } from './mcp.ts';
import { operateRoutes } from './operate.ts';
import { pageRoutes } from './page.ts';
import { peopleRoutes } from './people.ts';
import { probeRoutes } from './probes.ts';
import { replayRoutes } from './replay.ts';
import { rightsRoutes } from './rights.ts';
import { runRoutes } from './runs.ts';
import { sendRoutes } from './send.ts';
import { sessionRoutes } from './sessions.ts';
import { statusRoutes } from './status.ts';
import { taskRoutes } from './tasks.ts';
import { usageRoutes } from './usage.ts';

/** The table: every route of the server, in the order of the document. `/ws` is an upgrade and stands apart. */
export function routeTable(version: string): readonly Route[] {
  let text: string | null = null;
  const described = route({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document, made from the schemas that validate.',
    scope: null,
    answers: { 200: { description: 'OpenAPI 3.1.', schema: () => z.looseObject({ openapi: z.string() }) } },
    async handle() {
      // Made when first asked for, and kept: it costs more than any other answer and never changes.
      if (text === null) {
        const { openApiDocument } = await import('../openapi.ts');
        text = JSON.stringify(openApiDocument(table, version));
      }
      return { status: 200, type: 'application/json', text };
    },
  });
  const table: readonly Route[] = [
    ...probeRoutes,
    described,
    ...chatRoutes,
    ...sendRoutes,
    ...runRoutes,
    ...replayRoutes,
    ...sessionRoutes,
    ...eventRoutes,
    ...statusRoutes,
    ...usageRoutes,
    ...operateRoutes,
    ...peopleRoutes,
    ...rightsRoutes,
    ...maintenanceRoutes,
    ...noteRoutes,
    ...approvalRoutes,
    ...jobRoutes,
    ...taskRoutes,
    ...hookRoutes,
    ...mcpRoutes,
    ...pageRoutes,
  ];
  return table;
}
