import * as z from 'zod/mini';
import type { SendTicket } from '../../../core/ports/gateway.ts';
import type { Call } from '../route.ts';
import { json, route } from '../route.ts';
import type { Principal } from '../../../core/principal.ts';
import type { Wire } from '../schemas/base.ts';
import { plainSendFailure, sendBody, sendFailure, sent } from '../schemas/send.ts';
import { idempotencyKeyOf } from './chat.ts';

type SendCall = Pick<
  Call<string, unknown, Wire<typeof sendBody>, Principal>,
  'principal' | 'body' | 'request' | 'context'
>;

/** Resolves once the message is committed to the outbox. */
function send({ principal, body, request, context }: SendCall): Promise<SendTicket> {
  const { idempotency_key: field, ...message } = body;
  const key = idempotencyKeyOf(request, field);
  return context.gateway.send(principal, { ...message, ...(key === undefined ? {} : { idempotencyKey: key }) });
}

const headers = { 'Idempotency-Key': 'The same as the field `idempotency_key`.' };

export const sendRoutes = [
  route({
    method: 'POST',
    path: '/api/v1/message',
    summary: 'Deliver a message through a channel. Answered after the commit, or after the platform took it.',
    scope: 'send',
    query: () => z.strictObject({ wait: z.exactOptional(z.literal('delivered')) }),
    body: sendBody,
    headers,
    errorStyle: 'message',
    answers: {
      200: { description: 'Delivered (with wait=delivered).', schema: sent },
      202: { description: 'Committed: it will be delivered, also after a restart.', schema: sent },
      403: { description: 'The target is not allowed.', schema: sendFailure },
      404: { description: 'No such channel.', schema: sendFailure },
      502: { description: 'The platform refused it (with wait=delivered).', schema: sendFailure },
    },
    async handle(call) {
      const ticket = await send(call);
      call.about(ticket.messageId);
      const delivered = call.query.wait === 'delivered';
      if (delivered) await ticket.delivered;
      return json({ success: true, message_id: ticket.messageId }, delivered ? 200 : 202);
    },
  }),
  route({
    method: 'POST',
    path: '/api/message',
    summary: 'The same for older scripts: answered 200 after the commit, the error as plain text.',
    scope: 'send',
    body: sendBody,
    headers,
    errorStyle: 'message-plain',
    answers: {
      200: { description: 'Committed.', schema: sent },
      404: { description: 'No such channel.', schema: plainSendFailure },
    },
    async handle(call) {
      const { messageId } = await send(call);
      call.about(messageId);
      return json({ success: true, message_id: messageId });
    },
  }),
];
