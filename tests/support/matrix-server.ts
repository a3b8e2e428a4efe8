/**
 * A strict homeserver on loopback: sync tokens, limited timelines, reading back, transactions, invitations, media. What
 * a well-behaved client would not do is a violation. It keeps rooms and what a person would read in them.
 */
import type { ServerResponse } from 'node:http';
import { cut, LoopbackServer, reply } from './loopback-server.ts';
import type { Answered, Asked } from './loopback-server.ts';

export interface RoomEvent {
  event_id: string;
  type: string;
  sender: string;
  content: Record<string, unknown>;
  origin_server_ts: number;
  state_key?: string;
  unsigned?: Record<string, unknown>;
}

interface Entry {
  at: number;
  event: RoomEvent;
}

interface Room {
  id: string;
  name: string;
  members: Set<string>;
  entries: Entry[];
  /** The position at which we came in. */
  joinedAt: number;
}

interface Waiting {
  response: ServerResponse;
  answer(): void;
}

/** What the next send or edit comes to, instead of or after being carried out. */
export type SendFault = Answered | 'lost';

export class MatrixServer {
  readonly me = '@bot:test';
  readonly token = 'syt_strict_token_of_a_homeserver';
  readonly violations: string[] = [];
  readonly rooms = new Map<string, Room>();
  readonly media = new Map<string, Buffer>();
  readonly typing: string[] = [];
  readonly joins: string[] = [];
  /** Of sends and edits, in order. */
  readonly faults: SendFault[] = [];
  /** Answers of the next syncs in place of the real one. */
  readonly syncFaults: Answered[] = [];
  /** Timelines of a sync are cut to this many events. */
  timelineLimit = Infinity;
  /** `join !far:test`: what this server asks another one for, which does not answer it. */
  readonly unreachable = new Set<string>();
  /** A server of before 1.11, without media behind the token. */
  oldMedia = false;
  messagesAsked = 0;
  sends = 0;
  readonly #server: LoopbackServer;
  readonly #invited = new Map<string, RoomEvent>();
  readonly #transactions = new Map<string, string>();
  readonly #waiting = new Set<Waiting>();
  readonly #oriented = Promise.withResolvers<void>();
  #poll = Promise.withResolvers<void>();
  #quietUntil = 0;
  #position = 1;
  #next = 1;

  constructor() {
    this.#server = new LoopbackServer((asked) => this.#handle(asked));
  }

  async listen(): Promise<this> {
    await this.#server.listen();
    return this;
  }

  get url(): string {
    return this.#server.url;
  }

  /** Resolves once somebody has asked with a token of ours: what is said from then on is news. */
  get oriented(): Promise<void> {
    return this.#oriented.promise;
  }

  get polls(): number {
    return this.#waiting.size;
  }

  /** Resolves once a sync waits for news. */
  async polled(): Promise<void> {
    while (this.#waiting.size === 0) await this.#poll.promise;
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  drop(): void {
    for (const { response } of this.#waiting) if (response.socket !== null) cut(response.socket);
    this.#waiting.clear();
  }

  room(id: string, members: string[], name = 'A room'): Room {
    const room: Room = { id, name, members: new Set([this.me, ...members]), entries: [], joinedAt: 0 };
    this.rooms.set(id, room);
    return room;
  }

  /** Somebody says something; returns its id. */
  say(roomId: string, sender: string, content: Record<string, unknown>, type = 'm.room.message'): string {
    return this.put(roomId, { type, sender, content });
  }

  put(roomId: string, event: Omit<RoomEvent, 'event_id' | 'origin_server_ts'>): string {
    const id = `$event${this.#next++}`;
    this.append(roomId, { event_id: id, origin_server_ts: Date.now(), ...event });
    return id;
  }

  append(roomId: string, event: RoomEvent): void {
    this.#roomOf(roomId).entries.push({ at: this.#position++, event });
    this.#wake();
  }

  invite(roomId: string, inviter: string): void {
    const room = this.room(roomId, [inviter]);
    room.members.delete(this.me);
    const event = { event_id: `$event${this.#next++}`, origin_server_ts: Date.now(), sender: inviter };
    const invitation = { ...event, type: 'm.room.member', state_key: this.me, content: { membership: 'invite' } };
    this.#invited.set(roomId, invitation);
    room.entries.push({ at: this.#position++, event: invitation });
    this.#wake();
  }

  /** What stands from us in a room now: edits applied. */
  shown(roomId: string): { ref: string; content: Record<string, unknown> }[] {
    const shown: { ref: string; content: Record<string, unknown> }[] = [];
    for (const { event } of this.#roomOf(roomId).entries) {
      if (event.sender !== this.me || event.type !== 'm.room.message') continue;
      const relation = event.content['m.relates_to'] as { rel_type?: string; event_id?: string } | undefined;
      if (relation?.rel_type !== 'm.replace') shown.push({ ref: event.event_id, content: event.content });
      else {
        const target = shown.find(({ ref }) => ref === relation.event_id);
        if (target !== undefined) target.content = event.content['m.new_content'] as Record<string, unknown>;
      }
    }
    return shown;
  }

  #roomOf(id: string): Room {
    const room = this.rooms.get(id);
    if (room === undefined) throw new Error(`no room ${id}`);
    return room;
  }

  #handle(asked: Asked): Answered | 'cut' | null {
    const [root, api, version, ...rest] = asked.path;
    if (root !== '_matrix') return unknown;
    const authorized = asked.headers.authorization === `Bearer ${this.token}`;
    const path = [api, version, ...rest].join('/');
    if (/^(client\/v1\/media|media\/v3)\/download\//.test(path)) return this.#download(asked, authorized);
    if (!authorized) return refusal(401, 'M_UNKNOWN_TOKEN', { soft_logout: false });
    if (asked.query.has('access_token')) this.violations.push('a token in an address');
    if (api === 'media' && rest[0] === 'upload') return this.#upload(asked);
    if (api !== 'client' || version !== 'v3') return unknown;
    if (rest[0] === 'account') return { status: 200, json: { user_id: this.me } };
    if (rest[0] === 'profile') return { status: 200, json: { displayname: 'Clanker' } };
    if (rest[0] === 'sync') return this.#sync(asked);
    if (rest[0] === 'rooms') return this.#inRoom(asked, rest.slice(1));
    return unknown;
  }

  #inRoom(asked: Asked, [id = '', verb = '', ...rest]: string[]): Answered | 'cut' {
    const room = this.rooms.get(id);
    if (room === undefined) return refusal(404, 'M_NOT_FOUND');
    if (this.unreachable.has(`${verb} ${id}`)) return { status: 504, json: {} };
    if (verb === 'join') return this.#join(room);
    if (!room.members.has(this.me)) return refusal(403, 'M_FORBIDDEN');
    if (verb === 'joined_members')
      return { status: 200, json: { joined: Object.fromEntries([...room.members].map((user) => [user, {}])) } };
    if (verb === 'state') return { status: 200, json: { name: room.name } };
    if (verb === 'event') {
      const event = room.entries.find((entry) => entry.event.event_id === rest[0])?.event;
      return event === undefined ? refusal(404, 'M_NOT_FOUND') : { status: 200, json: event };
    }
    if (verb === 'messages') return this.#messages(room, asked);
    if (verb === 'typing') {
      this.typing.push(id);
      return { status: 200, json: {} };
    }
    if (verb === 'send' && asked.method === 'PUT') return this.#send(room, asked, rest[1] ?? '');
    return unknown;
  }

  #send(room: Room, asked: Asked, transaction: string): Answered | 'cut' {
    this.sends++;
    const fault = this.faults.shift();
    if (fault !== undefined && fault !== 'lost') return fault;
    if (transaction === '') this.violations.push('a send without a transaction');
    if (asked.body.length > 64_000) return refusal(413, 'M_TOO_LARGE');
    const key = `${room.id} ${transaction}`;
    let id = this.#transactions.get(key);
    if (id === undefined) {
      id = this.put(room.id, { type: 'm.room.message', sender: this.me, content: asked.json });
      this.#transactions.set(key, id);
    }
    return fault === 'lost' ? 'cut' : { status: 200, json: { event_id: id } };
  }

  #join(room: Room): Answered {
    const invitation = this.#invited.get(room.id);
    if (invitation === undefined) return refusal(403, 'M_FORBIDDEN');
    this.#invited.delete(room.id);
    room.members.add(this.me);
    room.joinedAt = this.#position;
    this.joins.push(room.id);
    const unsigned = { prev_content: { membership: 'invite' } };
    const content = { membership: 'join' };
    this.put(room.id, { type: 'm.room.member', state_key: this.me, sender: this.me, content, unsigned });
    return { status: 200, json: { room_id: room.id } };
  }

  #messages(room: Room, { query }: Asked): Answered {
    this.messagesAsked++;
    const from = positionIn(query.get('from'));
    const to = positionIn(query.get('to')) ?? 0;
    if (from === null || query.get('dir') !== 'b') return refusal(400, 'M_INVALID_PARAM');
    const before = room.entries.filter(({ at }) => at < from && at >= to).toReversed();
    const page = before.slice(0, Math.min(Number(query.get('limit')), 5));
    const last = page.at(-1);
    const more = last !== undefined && page.length < before.length;
    return { status: 200, json: { chunk: page.map(({ event }) => event), ...(more ? { end: `s${last.at}` } : {}) } };
  }

  #sync(asked: Asked): Answered | null {
    if (Date.now() < this.#quietUntil) this.violations.push('asked again before the pause was over');
    const fault = this.syncFaults.shift();
    if (fault !== undefined) {
      this.#quietUntil = Date.now() + ((fault.json as { retry_after_ms?: number }).retry_after_ms ?? 0);
      return fault;
    }
    const { query, response } = asked;
    const since = query.has('since') ? positionIn(query.get('since')) : 0;
    if (since === null || since > this.#position) return refusal(400, 'M_UNKNOWN_POS');
    const filter = JSON.parse(query.get('filter') ?? 'null') as { room?: { timeline?: { limit?: number } } } | null;
    if (filter === null) this.violations.push('a sync without a filter');
    const limit = Math.min(filter?.room?.timeline?.limit ?? 10, this.timelineLimit);
    if (this.#waiting.size > 0) this.violations.push('two syncs at once');
    const now = (): Answered => ({ status: 200, json: this.#news(since, limit, query.has('since')) });
    const isNew = since === 0 || this.#position > since;
    if (query.has('since')) this.#oriented.resolve();
    if (isNew || Number(query.get('timeout')) === 0) return now();
    const waiting: Waiting = { response, answer: () => this.#waiting.delete(waiting) && reply(response, now()) };
    const timer = setTimeout(() => waiting.answer(), Number(query.get('timeout')));
    response.once('close', () => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    });
    this.#waiting.add(waiting);
    this.#poll.resolve();
    this.#poll = Promise.withResolvers();
    return null;
  }

  #news(since: number, limit: number, isIncrement: boolean): object {
    const join: Record<string, object> = {};
    for (const room of this.rooms.values()) {
      // Of a room that one has just come into, the last events are told whenever they were said.
      const isNew = room.joinedAt >= since;
      const entries = room.entries.filter(({ at }) => isNew || at >= since);
      if (!room.members.has(this.me) || (entries.length === 0 && isIncrement)) continue;
      const told = entries.slice(-limit);
      const timeline = {
        events: told.map(({ event }) => event),
        limited: isNew || told.length < entries.length,
        prev_batch: `s${told[0]?.at ?? since}`,
      };
      join[room.id] = { timeline, state: { events: [] } };
    }
    const invite = Object.fromEntries(
      [...this.#invited].map(([id, event]) => [id, { invite_state: { events: [event] } }]),
    );
    return { next_batch: `s${this.#position}`, rooms: { join, invite } };
  }

  #wake(): void {
    for (const waiting of this.#waiting) waiting.answer();
  }

  #upload({ body, headers }: Asked): Answered {
    const id = `media${this.#next++}`;
    this.media.set(id, body);
    if (headers['content-type'] === undefined) this.violations.push('an upload without a type');
    return { status: 200, json: { content_uri: `mxc://test/${id}` } };
  }

  #download({ path }: Asked, authorized: boolean): Answered {
    const isOld = path[1] === 'media';
    if (isOld !== this.oldMedia) return refusal(404, 'M_UNRECOGNIZED');
    if (!isOld && !authorized) return refusal(401, 'M_MISSING_TOKEN');
    const bytes = this.media.get(path.at(-1) ?? '');
    return bytes === undefined ? refusal(404, 'M_NOT_FOUND') : { status: 200, bytes };
  }
}

/** `s12` → 12. */
function positionIn(token: string | null): number | null {
  const match = /^s(\d+)$/.exec(token ?? '');
  return match === null ? null : Number(match[1]);
}

export const refusal = (status: number, errcode: string, more: object = {}): Answered => ({
  status,
  json: { errcode, error: 'the server says no', ...more },
});

const unknown: Answered = { status: 404, json: { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' } };
