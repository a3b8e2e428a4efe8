import * as z from 'zod/mini';
import type { GatewayEvent } from '../../../core/events.ts';
import type { EventFilter, Subscription } from '../../../core/ports/bus.ts';
import type { Principal } from '../../../core/principal.ts';
import { HttpError } from '../errors.ts';
import { eventData, eventTypes, listenKey } from '../event-data.ts';
import { type DoorContext, route } from '../route.ts';
import { type EventStream, eventStreamType } from '../sse.ts';

const maxListed = 50;

const list = (pattern: string, words: string) =>
  z.string().check(z.maxLength(8000), z.regex(new RegExp(`^${pattern}(?:,${pattern}){0,${maxListed - 1}}$`), words));

const query = () =>
  z.strictObject({
    type: z.exactOptional(
      list(
        `(?:${eventTypes.map((type) => type.replaceAll('.', '\\.')).join('|')})`,
        'must list event types, separated by commas',
      ),
    ),
    session: z.exactOptional(
      list('[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}', 'must list session keys, separated by commas'),
    ),
  });

/** The sequence after which a returning reader wants to go on, or null. */
function lastEventId(header: string | string[] | undefined): number | null {
  if (header === undefined || header === '') return null;
  const seq = typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : Number.NaN;
  if (Number.isSafeInteger(seq)) return seq;
  throw new HttpError(400, 'invalid_cursor', 'The header "Last-Event-ID" must be the id of an event.');
}

const send = (stream: EventStream, event: GatewayEvent): void =>
  stream.send(event.type, JSON.stringify(eventData(event)), event.seq);

interface Replay {
  events: GatewayEvent[];
  complete: boolean;
}

function replayOf(context: DoorContext, principal: Principal, filter: EventFilter, after: number | null): Replay {
  if (after === null) return { events: [], complete: true };
  const kept = context.gateway.eventsSince(principal, after, filter);
  return { events: kept ?? [], complete: kept !== null };
}

/** What was missed first, then what comes. A reader that falls behind is cut off and resumes by its last id. */
async function follow(stream: EventStream, live: Subscription, { events, complete }: Replay): Promise<void> {
  // The reader must load the state anew: not all it missed is still known.
  if (!complete) stream.send('gap', '{}');
  let last = 0;
  for (const event of events) {
    send(stream, event);
    last = event.seq;
  }
  for await (const event of live) {
    if (live.overflowed || !stream.open) break;
    if (event.seq > last) send(stream, event);
  }
  stream.end();
}

export const eventRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/events',
    summary: 'What happens, as it happens. A `gap` event says that some were missed.',
    scope: 'read',
    query,
    headers: { 'Last-Event-ID': 'Go on after this event.' },
    answers: { 200: { description: 'Events; `id` is their sequence.', type: eventStreamType } },
    handle({ principal, query, request, context }) {
      const after = lastEventId(request.headers['last-event-id']);
      const filter: EventFilter = {
        ...(query.type === undefined ? {} : { types: query.type.split(',') as GatewayEvent['type'][] }),
        ...(query.session === undefined
          ? {}
          : { sessions: query.session.split(',').map((key) => listenKey(key, principal, context.channelTypes)) }),
      };
      return {
        status: 200,
        type: eventStreamType,
        stream: (response) => {
          // Subscribed before the replay is read, so that nothing falls between them.
          const live = context.gateway.subscribe(principal, 'events', filter);
          const replay = replayOf(context, principal, filter, after);
          const stream = context.streams.addEndless(response);
          const forget = context.gateway.onRevoked(principal, () => live.close());
          response.once('close', () => {
            forget();
            live.close();
          });
          stream.comment('open');
          return follow(stream, live, replay);
        },
      };
    },
  }),
];
