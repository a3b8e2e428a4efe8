import type { ApprovalInfo } from '../../../core/ports/approval-gateway.ts';
import type { Gateway } from '../../../core/ports/gateway.ts';
import type { Principal } from '../../../core/principal.ts';
import { json, route } from '../route.ts';
import { approval, approvals, approvalsQuery, approvalTicket } from '../schemas/approvals.ts';
import { failure, type Wire } from '../schemas/base.ts';

const defaultPage = 50;
const missing = { description: 'No such question of yours.', schema: failure };
const over = { description: 'It was answered already, or has expired.', schema: failure };

const wireApproval = (info: ApprovalInfo): Wire<typeof approval> => ({ ...info, effects: [...info.effects] });

async function answer(
  { gateway }: { gateway: Gateway },
  principal: Principal,
  id: string,
  approve: boolean,
): Promise<Wire<typeof approvalTicket>> {
  const { messageId, runId, sessionKey } = await gateway.answerApproval(principal, id, approve);
  return { message_id: messageId, run_id: runId, session: sessionKey };
}

/** Calls of tools that wait for a person: one's own, with `admin` everybody's. */
export const approvalRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/approvals',
    summary: 'Questions about calls of tools, newest first; `open=true`: those that can be answered.',
    scope: 'read',
    query: approvalsQuery,
    answers: { 200: { description: 'A page of questions.', schema: approvals } },
    async handle({ principal, query, context }) {
      const { open, ...page } = query;
      const options = { limit: defaultPage, ...page, ...(open === undefined ? {} : { open: open === 'true' }) };
      const { items, nextCursor } = await context.gateway.approvals(principal, options);
      return json({ approvals: items.map(wireApproval), next_cursor: nextCursor });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/approvals/{id}',
    summary: 'One question, with all of the arguments.',
    scope: 'read',
    answers: { 200: { description: 'The question.', schema: approval }, 404: missing },
    handle: async ({ principal, params, context }) =>
      json(wireApproval(await context.gateway.approval(principal, params.id))),
  }),
  route({
    method: 'POST',
    path: '/api/v1/approvals/{id}/approve',
    summary: 'Let the call be made; the run goes on where it was asked, and its answer is said there.',
    scope: 'send',
    answers: {
      202: { description: 'The answer is on its way.', schema: approvalTicket },
      404: missing,
      409: over,
    },
    handle: async ({ principal, params, context }) => json(await answer(context, principal, params.id, true), 202),
  }),
  route({
    method: 'POST',
    path: '/api/v1/approvals/{id}/deny',
    summary: 'Let the call not be made.',
    scope: 'send',
    answers: {
      202: { description: 'The answer is on its way.', schema: approvalTicket },
      404: missing,
      409: over,
    },
    handle: async ({ principal, params, context }) => json(await answer(context, principal, params.id, false), 202),
  }),
];
