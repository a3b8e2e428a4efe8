import type { Route } from '../route.ts';
import { chatRoutes } from './chat.ts';
import { probeRoutes } from './probes.ts';
import { statusRoutes } from './status.ts';

/** The table: every route of the server, in the order of the document. */
export const routes: readonly Route[] = [...probeRoutes, ...chatRoutes, ...statusRoutes];
