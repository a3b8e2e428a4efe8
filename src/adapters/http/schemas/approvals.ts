/** Shapes of calls of tools that wait for a person. */
import * as z from 'zod/mini';
import type { ApprovalInfo } from '../../../core/ports/approval-gateway.ts';
import { effects } from '../../../core/ports/tool.ts';
import { nextCursor, nullable, pageFields, time } from './base.ts';

export const approvalsQuery = () =>
  z.strictObject({
    open: z.exactOptional(z.enum(['true', 'false'])),
    ...pageFields(),
  });

export const approval = () =>
  z.strictObject({
    id: z.string(),
    person: z.string(),
    session: z.string(),
    run: z.string(),
    tool: z.string(),
    args: z.looseObject({}),
    digest: z.string(),
    effects: z.array(z.enum(effects)),
    reason: z.string(),
    tainted: nullable(z.string()),
    state: z.enum(['open', 'approved', 'denied', 'expired']),
    createdAt: time,
    expiresAt: time,
    decidedBy: nullable(z.string()),
    decidedAt: nullable(time),
  } satisfies Record<keyof ApprovalInfo, unknown>);
export const approvals = () => z.strictObject({ approvals: z.array(approval()), next_cursor: nextCursor });
export const approvalTicket = () => z.strictObject({ message_id: z.string(), run_id: z.string(), session: z.string() });
