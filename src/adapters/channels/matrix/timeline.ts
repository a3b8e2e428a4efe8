/** The new events of one room: what a sync told, and before it what the sync left out. */
import { field, textField } from '../json-http.ts';
import { segment } from './api.ts';
import type { ApiFailure, MatrixApi } from './api.ts';
import { wantedTypes } from './inbound.ts';
import { Patience } from './patience.ts';

const pageSize = 100;
/** Of one room at once; more is told as a gap. */
const maxPages = 20;
const maxRooms = 2000;
const timeoutMs = 30_000;

/** Oldest first; `gap` says in words why some may be missing. */
export type Told = { ok: true; events: unknown[]; gap: string | null } | ApiFailure;

export class Timeline {
  readonly #api: MatrixApi;
  readonly #signal: AbortSignal;
  readonly #patience = new Patience();
  /** The last committed event of each room: where reading back may end. */
  readonly #last = new Map<string, string>();

  constructor(api: MatrixApi, signal: AbortSignal) {
    this.#api = api;
    this.#signal = signal;
  }

  committed(room: string, eventId: string): void {
    this.#last.delete(room);
    this.#last.set(room, eventId);
    if (this.#last.size > maxRooms) this.#last.delete(this.#last.keys().next().value ?? '');
  }

  async of(room: string, synced: unknown, me: string, since: string): Promise<Told> {
    const timeline = field(synced, 'timeline');
    const events = eventsOf(timeline);
    const isCut = field(timeline, 'limited') === true;
    const from = newcomer(events, me);
    if (from !== null) return { ok: true, events: events.slice(from), gap: null };
    const cameWhileAway = eventsOf(field(synced, 'state')).some((event) => isOwnJoin(event, me));
    const start = textField(timeline, 'prev_batch');
    if (!isCut || cameWhileAway || start === undefined) return { ok: true, events, gap: null };
    const missed = await this.#before(room, start, since);
    if (!missed.ok) return missed;
    return { ...missed, events: [...missed.events, ...events] };
  }

  /** What was said between two tokens, oldest first. */
  async #before(room: string, start: string, since: string): Promise<Told> {
    const known = this.#last.get(room);
    const found: unknown[] = [];
    const done = (gap: string | null): Told => ({ ok: true, events: found.toReversed(), gap });
    let from = start;
    for (let page = 0; page < maxPages; page++) {
      const answer = await this.#api.call(
        {
          method: 'GET',
          path: `client/v3/rooms/${segment(room)}/messages`,
          query: {
            dir: 'b',
            from,
            to: since,
            limit: String(pageSize),
            filter: JSON.stringify({ types: wantedTypes, lazy_load_members: true }),
          },
          timeoutMs,
          maxBytes: 16_000_000,
        },
        this.#signal,
      );
      if (!answer.ok) {
        const final = answer.status >= 400 && answer.status < 500 && answer.status !== 429 && answer.status !== 401;
        return final || !this.#patience.with(room, answer) ? done(answer.words) : answer;
      }
      for (const event of listOf(field(answer.result, 'chunk'))) {
        if (known !== undefined && textField(event, 'event_id') === known) return done(null);
        found.push(event);
      }
      const end = textField(answer.result, 'end');
      if (end === undefined || end === since || end === from) return done(null);
      from = end;
    }
    return done(`more than ${maxPages * pageSize} were said while we were away`);
  }
}

/**
 * Where what concerns us begins in a room we have just come into: after the invitation, as people write before it is
 * followed, or after our coming. Null when we were there before, or when it cannot be told: nothing may be left out.
 */
function newcomer(events: readonly unknown[], me: string): number | null {
  const asked = events.findLastIndex((event) => isOwnMembership(event, me, 'invite'));
  const came = events.findLastIndex((event) => isOwnJoin(event, me));
  const start = asked === -1 ? came : asked;
  return start === -1 ? null : start + 1;
}

/** We came in. A new display name of ours looks the same but for what we were before. */
function isOwnJoin(event: unknown, me: string): boolean {
  const before = membershipBefore(event);
  return isOwnMembership(event, me, 'join') && before !== undefined && before !== 'join';
}

const membershipBefore = (event: unknown): string | undefined =>
  textField(field(field(event, 'unsigned'), 'prev_content') ?? field(event, 'prev_content'), 'membership');

const isOwnMembership = (event: unknown, me: string, membership: string): boolean =>
  textField(event, 'type') === 'm.room.member' &&
  textField(event, 'state_key') === me &&
  textField(field(event, 'content'), 'membership') === membership;

export const eventsOf = (section: unknown): unknown[] => listOf(field(section, 'events'));

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
