import type { IncomingMessage } from 'node:http';
import type { ChatRequest, ChatTicket } from '../../../core/ports/gateway.ts';
import { errorBody, HttpError, httpErrorOf } from '../errors.ts';
import { eventData } from '../event-data.ts';
import { json, route } from '../route.ts';
import { failure, idempotencyKey, type Wire } from '../schemas/base.ts';
import { chatAnswer, chatBody, type chatFrame } from '../schemas/chat.ts';
import { type EventStream, eventStreamType } from '../sse.ts';

/** The request as the gateway takes it; which session is meant, the gateway knows. */
export function chatRequestOf(body: Wire<typeof chatFrame>): ChatRequest {
  const { idempotency_key: idempotencyKey, ...rest } = body;
  return { ...rest, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
}

/** The key of the header or the field; both and different is a mistake that must not be guessed away. */
export function idempotencyKeyOf(request: IncomingMessage, field: string | undefined): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return field;
  if (typeof header !== 'string' || !idempotencyKey.safeParse(header).success) {
    throw new HttpError(
      400,
      'invalid_input',
      'The header "Idempotency-Key" must be 1 to 255 printable ASCII characters.',
    );
  }
  if (field !== undefined && field !== header) {
    throw new HttpError(400, 'invalid_input', 'The header "Idempotency-Key" and the field "idempotency_key" differ.');
  }
  return header;
}

const wantsEvents = (request: IncomingMessage): boolean =>
  /(?:^|,)\s*text\/event-stream\s*(?:;|,|$)/i.test(request.headers.accept ?? '');

/** Events of one run as they come, then its answer or its error. Who joins it late hears first of its start, too. */
async function streamRun(ticket: ChatTicket, stream: EventStream, requestId: string): Promise<void> {
  let lastSeq: number | null = null;
  let started = !ticket.joined;
  const tellStart = (): void => {
    if (started) return;
    started = true;
    const { runId: run_id, messageId: message_id, sessionKey: session } = ticket;
    stream.send('run.started', JSON.stringify({ run_id, message_id, session }));
  };
  try {
    ticket.follow((event) => {
      if (event.type === 'run.finished' || event.type === 'run.failed') {
        lastSeq = event.seq;
        return;
      }
      if (event.type === 'run.started') started = true;
      tellStart();
      stream.send(event.type, JSON.stringify(eventData(event)), event.seq);
    });
    const answer = await ticket.answer;
    tellStart();
    stream.send('run.finished', JSON.stringify(answer), lastSeq);
  } catch (error) {
    const body = errorBody(httpErrorOf(error), requestId, 'native') as object;
    stream.send('run.failed', JSON.stringify({ run_id: ticket.runId, ...body }), lastSeq);
  }
  stream.end();
}

export const chatRoutes = [
  route({
    method: 'POST',
    path: '/api/v1/chat',
    summary: 'Talk to an agent. Answered when the run is finished, or streamed with "stream": true.',
    scope: 'send',
    body: chatBody,
    headers: {
      'Idempotency-Key': 'The same as the field `idempotency_key`.',
      Accept: '`text/event-stream` asks for events, as `"stream": true` does.',
    },
    answers: {
      200: [
        { description: 'The answer.', schema: chatAnswer },
        {
          description: 'Events: run.started, run.delta, run.tool, then run.finished or run.failed.',
          type: eventStreamType,
        },
      ],
      409: { description: 'The idempotency key was used for another body, or the run was aborted.', schema: failure },
      502: { description: 'The model failed.', schema: failure },
      503: { description: 'No model can be used now; see Retry-After.', schema: failure },
      504: { description: 'The model took too long.', schema: failure },
    },
    async handle({ principal, body, request, response, requestId, context, about, onGone }) {
      const { stream, ...fields } = body;
      const key = idempotencyKeyOf(request, fields.idempotency_key);
      const asked = key === undefined ? fields : { ...fields, idempotency_key: key };
      const ticket = await context.gateway.chat(principal, chatRequestOf(asked));
      about(ticket.messageId);
      // What a stopping server cuts was not left by its client: the run is finished after the restart.
      onGone(() => {
        if (!context.stopping()) ticket.leave();
      });
      if (!response.destroyed) {
        const forget = context.gateway.onRevoked(principal, () => void response.destroy());
        response.once('close', forget);
      }
      if (!(stream ?? wantsEvents(request))) {
        ticket.ignoreEvents();
        return json(await ticket.answer);
      }
      return {
        status: 200,
        type: eventStreamType,
        stream: (response) => streamRun(ticket, context.streams.add(response), requestId),
      };
    },
  }),
];
