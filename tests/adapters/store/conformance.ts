/** What every engine behind the Store port must do. An engine's test file calls this with its own opener. */
import type { TestContext } from 'node:test';
import type { Store } from '../../../src/core/ports/store.ts';
import { historyConformance } from './conformance/history.ts';
import { budgetsConformance } from './conformance/budgets.ts';
import { approvalsConformance } from './conformance/approvals.ts';
import { inboundConformance } from './conformance/inbound.ts';
import { jobsConformance } from './conformance/jobs.ts';
import { listsConformance } from './conformance/lists.ts';
import { notesConformance } from './conformance/notes.ts';
import { outboundConformance } from './conformance/outbound.ts';
import { pairingConformance } from './conformance/pairing.ts';
import { peopleConformance } from './conformance/people.ts';
import { runsConformance } from './conformance/runs.ts';
import { taskWorkConformance } from './conformance/task-work.ts';
import { tasksConformance } from './conformance/tasks.ts';

/** An empty store of its own for one test, closed and removed after it. */
export type OpenEmpty = (t: TestContext) => Promise<Store>;

export function storeConformance(engine: string, openEmpty: OpenEmpty): void {
  inboundConformance(engine, openEmpty);
  runsConformance(engine, openEmpty);
  outboundConformance(engine, openEmpty);
  listsConformance(engine, openEmpty);
  peopleConformance(engine, openEmpty);
  pairingConformance(engine, openEmpty);
  budgetsConformance(engine, openEmpty);
  notesConformance(engine, openEmpty);
  historyConformance(engine, openEmpty);
  approvalsConformance(engine, openEmpty);
  jobsConformance(engine, openEmpty);
  tasksConformance(engine, openEmpty);
  taskWorkConformance(engine, openEmpty);
}
