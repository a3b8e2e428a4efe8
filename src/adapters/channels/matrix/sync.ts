/**
 * Receiving by `/sync`. One request at a time; the token of an answer is stored in the commit that holds its events, so
 * what was not committed is told again. https://spec.matrix.org/latest/client-server-api/#syncing
 */
import { noLongerNeeded } from '../../../core/abort.ts';
import type { ChannelContext, InboundEvent, InboundSink } from '../../../core/ports/channel.ts';
import { field, textField } from '../json-http.ts';
import type { Receiving } from '../receiving.ts';
import { segment } from './api.ts';
import type { ApiFailure, ApiOutcome, MatrixApi } from './api.ts';
import { answeredIn, translate, wantedTypes } from './inbound.ts';
import { isDeadToken } from './outcome.ts';
import type { Rooms } from './rooms.ts';
import { eventsOf, Timeline } from './timeline.ts';

const sinceCursor = 'since';

/** How long the server holds a request without news, and what an answer may take beyond it. */
const holdMs = 30_000;
const marginMs = 15_000;
const callTimeoutMs = 15_000;
const maxSyncBytes = 32_000_000;
/** Events in one commit. */
const maxBatch = 200;
/** A server that does not hold the request must not turn the loop into a flood. */
const minPauseMs = 500;
/** Rooms and invitations that health names. */
const maxNamed = 3;
const maxNoted = 100;
/** Invitations that are followed at the same time, and how often each is tried. */
const maxJoining = 20;
const maxJoins = 6;
const joinPauseMs = 2000;
/** Homeservers ask others for a room for so long. */
const joinTimeoutMs = 60_000;
const joinWaitMs = 2000;

export interface SyncOptions {
  account: string;
  /** Whether an invitation to this room by this person is followed. */
  joins: (inviter: string, room: string) => boolean;
}

interface Pending {
  events: InboundEvent[];
  since: string;
}

export class Sync {
  /** `@bot:example.org`, once known. */
  me: string | null = null;
  readonly #api: MatrixApi;
  readonly #rooms: Rooms;
  readonly #receiving: Receiving;
  readonly #sink: InboundSink;
  readonly #context: ChannelContext;
  readonly #options: SyncOptions;
  readonly #timeline: Timeline;
  #myName = '';
  #since: string | null;
  /** Received and not yet committed. */
  #pending: Pending | null = null;
  /** The next request asks for an answer at once, so that health need not wait for one to run out. */
  #probing = true;
  readonly #encrypted = new Set<string>();
  readonly #uninvited = new Set<string>();
  /** By room. */
  readonly #joining = new Map<string, Promise<void>>();
  #gap = '';

  constructor(
    api: MatrixApi,
    rooms: Rooms,
    receiving: Receiving,
    sink: InboundSink,
    context: ChannelContext,
    options: SyncOptions,
  ) {
    this.#api = api;
    this.#rooms = rooms;
    this.#receiving = receiving;
    this.#sink = sink;
    this.#context = context;
    this.#options = options;
    this.#timeline = new Timeline(api, context.signal);
    this.#since = context.cursors.get(sinceCursor) ?? null;
  }

  /** Nothing can be read there, and what is sent there would be open to the server. */
  isEncrypted(room: string): boolean {
    return this.#encrypted.has(room);
  }

  step(): Promise<number> {
    if (this.me === null) return this.#identify();
    if (this.#pending !== null) return this.#commit(this.#pending);
    return this.#ask(this.me);
  }

  async #identify(): Promise<number> {
    const answer = await this.#get('client/v3/account/whoami');
    if (!answer.ok) return this.#failed(answer);
    const me = textField(answer.result, 'user_id');
    if (me === undefined || !me.startsWith('@')) {
      return this.#receiving.degrade("The answer to whoami is not a homeserver's; check homeserver.");
    }
    const profile = await this.#get(`client/v3/profile/${segment(me)}`);
    this.#myName = profile.ok ? (textField(profile.result, 'displayname') ?? '') : '';
    this.me = me;
    this.#receiving.identity = me;
    return 0;
  }

  async #ask(me: string): Promise<number> {
    const { clock } = this.#context;
    const begun = clock.monotonic();
    const timeout = this.#probing || this.#since === null ? 0 : holdMs;
    const answer = await this.#api.call(
      {
        method: 'GET',
        path: 'client/v3/sync',
        query: {
          timeout: String(timeout),
          filter: filterFor(this.#since === null ? 1 : 100),
          ...(this.#since === null ? {} : { since: this.#since }),
        },
        timeoutMs: timeout + marginMs,
        maxBytes: maxSyncBytes,
      },
      this.#context.signal,
    );
    if (!answer.ok && answer.status === 400 && this.#since !== null) return this.#startOver(answer);
    if (!answer.ok) return this.#failed(answer);
    const next = textField(answer.result, 'next_batch');
    if (next === undefined) return this.#receiving.degrade('The answer to sync has no next_batch.');
    this.#receiving.received(clock.now());
    const stuck = next === this.#since && timeout > 0;
    await this.#invites(answer.result, me);
    const failure = await this.#take(answer.result, me, next);
    if (failure !== null) return this.#failed(failure);
    const pause = await this.#commit(this.#pending ?? { events: [], since: next });
    return pause > 0 || !stuck ? pause : Math.max(0, minPauseMs - (clock.monotonic() - begun));
  }

  /** The token is from another life of the server: what came since cannot be asked for. */
  #startOver(failure: ApiFailure): number {
    this.#context.log.warn('the homeserver does not know where we were; messages since then are not answered', {
      reason: failure.words,
    });
    this.#gap = 'The homeserver had forgotten where we were; messages from before the last start may be unanswered.';
    this.#since = null;
    return this.#receiving.degrade(this.#gap);
  }

  async #take(result: unknown, me: string, next: string): Promise<ApiFailure | null> {
    const events: InboundEvent[] = [];
    const joined = Object.entries(field(field(result, 'rooms'), 'join') ?? {}) as [string, unknown][];
    for (const [id, room] of joined) {
      // Of those who came in a gap and were silent a sync need not tell: https://spec.matrix.org/latest/client-server-api/#lazy-loading-room-members
      if (field(field(room, 'timeline'), 'limited') === true) this.#rooms.forget(id);
      for (const event of [...eventsOf(field(room, 'state')), ...eventsOf(field(room, 'timeline'))]) {
        this.#rooms.learn(event);
        if (textField(event, 'type') === 'm.room.member') this.#rooms.forget(id);
      }
      // Without a token everything is history: nobody is answered for what was said before we came.
      if (this.#since === null) continue;
      const told = await this.#timeline.of(id, room, me, this.#since);
      if (!told.ok) return told;
      if (told.gap !== null) this.#missed(id, told.gap);
      const failure = await this.#translate(id, told.events, me, events);
      if (failure !== null) return failure;
    }
    if (events.length > 0) this.#receiving.event(this.#context.clock.now());
    this.#pending = { events, since: next };
    return null;
  }

  async #translate(id: string, told: unknown[], me: string, into: InboundEvent[]): Promise<ApiFailure | null> {
    for (const event of told)
      this.#rooms.authorship.note(textField(event, 'event_id') ?? '', textField(event, 'sender') === me);
    const others = told.filter((event) => textField(event, 'sender') !== me && field(event, 'state_key') === undefined);
    if (others.length === 0) return null;
    const room = await this.#rooms.of(id, this.#context.signal);
    if ('ok' in room) return room;
    const context = {
      account: this.#options.account,
      me,
      myName: this.#myName,
      room,
      isOurs: (event: string) => this.#rooms.authorship.isOurs(event),
      nameOf: (user: string) => this.#rooms.nameOf(user),
    };
    for (const event of others) {
      if (textField(event, 'type') === 'm.room.encrypted') this.#unreadable(id);
      const answered = room.direct ? undefined : answeredIn(event);
      const failure =
        answered === undefined ? null : await this.#rooms.learnAuthor(id, answered, me, this.#context.signal);
      if (failure !== null) return failure;
      const translated = translate(event, context);
      if (!translated.ok) this.#sink.malformed(translated.detail);
      else if (translated.event !== null) into.push(translated.event);
    }
    return null;
  }

  /**
   * Follows invitations of people who may talk to us. A room may lie with a server that does not answer, so the sync
   * waits only for what is quick.
   */
  async #invites(result: unknown, me: string): Promise<void> {
    const invited = Object.entries(field(field(result, 'rooms'), 'invite') ?? {}) as [string, unknown][];
    const begun: Promise<void>[] = [];
    for (const [id, room] of invited) {
      const invitation = eventsOf(field(room, 'invite_state')).find(
        (event) =>
          textField(event, 'type') === 'm.room.member' &&
          textField(event, 'state_key') === me &&
          textField(field(event, 'content'), 'membership') === 'invite',
      );
      const inviter = textField(invitation, 'sender') ?? '';
      if (!this.#options.joins(inviter, id)) {
        this.#context.log.warn('an invitation by somebody who is not allowed is not followed', { room: id, inviter });
        note(this.#uninvited, `${inviter} (${id})`);
      } else if (this.#joining.has(id)) continue;
      else if (this.#joining.size >= maxJoining) {
        this.#context.log.warn('too many invitations are being followed; this one is not', { room: id, inviter });
      } else {
        const joining = this.#join(id, inviter)
          .catch((error: unknown) => this.#context.log.error('a room could not be joined', { room: id, error }))
          .finally(() => this.#joining.delete(id));
        this.#joining.set(id, joining);
        begun.push(joining);
      }
    }
    if (begun.length === 0) return;
    const enough = new AbortController();
    const { clock } = this.#context;
    const late = clock.sleep(joinWaitMs, enough.signal).catch(() => undefined);
    await Promise.race([Promise.all(begun), late]);
    enough.abort(noLongerNeeded);
  }

  /** Tried some times; the invitation stays, and a person can repeat it. */
  async #join(id: string, inviter: string): Promise<void> {
    const { signal, clock, log } = this.#context;
    const path = `client/v3/rooms/${segment(id)}/join`;
    for (let tries = 1; ; tries++) {
      const call = { method: 'POST', path, body: {}, timeoutMs: joinTimeoutMs } as const;
      const joined = await this.#api.call(call, signal);
      if (joined.ok) return log.info('a room was joined', { room: id, inviter });
      if (signal.aborted) return;
      const { status, accepted, retryAfterMs, words } = joined;
      const passes = status === 429 || accepted === 'maybe' || status === 0;
      if (!passes || tries === maxJoins) {
        return log.warn('a room could not be joined', { room: id, inviter, reason: words });
      }
      await clock.sleep(Math.max(retryAfterMs ?? 0, joinPauseMs * 2 ** (tries - 1)), signal).catch(() => undefined);
    }
  }

  async #commit(pending: Pending): Promise<number> {
    this.#pending = pending;
    try {
      while (pending.events.length > maxBatch) {
        await this.#sink.commit(pending.events.slice(0, maxBatch));
        pending.events = pending.events.slice(maxBatch);
      }
      if (pending.events.length > 0 || pending.since !== this.#since) {
        await this.#sink.commit(pending.events, { key: sinceCursor, value: pending.since });
      }
    } catch (error) {
      this.#context.log.warn('what the homeserver sent could not be stored yet and is offered again', { error });
      return this.#receiving.degrade('Messages are received but cannot be stored; check the disk and the log.');
    }
    for (const { conversation, dedupe } of pending.events) this.#timeline.committed(conversation.native, dedupe);
    this.#pending = null;
    this.#since = pending.since;
    this.#probing = false;
    this.#receiving.connected(this.#notes());
    return 0;
  }

  async #failed(failure: ApiFailure): Promise<number> {
    if (this.#context.signal.aborted) return 0;
    const { status, words } = failure;
    this.#probing = true;
    if (isDeadToken(failure)) return this.#receiving.fatal(deadTokenWords(failure));
    if (failure.tooLarge)
      return this.#receiving.degrade('The answer to sync is too large; the account is in too many rooms.');
    if (status === 429) {
      const pause = this.#receiving.degrade(`The homeserver asks to wait: ${words}`);
      return Math.max(failure.retryAfterMs ?? 0, pause);
    }
    return this.#receiving.degrade(
      status === 0 ? `The homeserver cannot be reached: ${words}` : `The homeserver failed: ${words}`,
    );
  }

  #unreadable(room: string): void {
    if (this.#encrypted.has(room)) return;
    note(this.#encrypted, room);
    this.#context.log.warn('a room is encrypted; what is said there cannot be read and is not answered', { room });
  }

  #missed(room: string, reason: string): void {
    this.#gap = `Messages in ${room} may be unanswered: ${reason}`;
    this.#context.log.warn('what was said in a room while we were away could not be read back whole', { room, reason });
  }

  #notes(): string {
    const notes: string[] = [];
    if (this.#encrypted.size > 0) {
      notes.push(
        `Encrypted rooms are not supported, nothing is answered in ${named(this.#encrypted)}: use a room without encryption.`,
      );
    }
    if (this.#uninvited.size > 0) {
      notes.push(`Not joined, as nobody there is allowed: invited by ${named(this.#uninvited)}.`);
    }
    return [...notes, this.#gap].filter((text) => text !== '').join(' ');
  }

  #get(path: string): Promise<ApiOutcome> {
    return this.#api.call({ method: 'GET', path, timeoutMs: callTimeoutMs }, this.#context.signal);
  }
}

const filterFor = (limit: number): string =>
  JSON.stringify({
    presence: { types: [] },
    account_data: { types: [] },
    room: {
      account_data: { types: [] },
      ephemeral: { types: [] },
      state: { types: ['m.room.member'], lazy_load_members: true },
      timeline: { limit, types: wantedTypes },
    },
  });

function deadTokenWords({ errcode, softLogout }: ApiFailure): string {
  if (errcode === 'M_USER_DEACTIVATED') return 'The account was deactivated; give access_token of another.';
  if (errcode === 'M_USER_LOCKED') return 'The account is locked; ask the administrator of the homeserver.';
  return softLogout
    ? 'The homeserver ended the session of this access token (soft logout): log in again and set access_token.'
    : 'The homeserver does not know this access token: log in again and set access_token (and check homeserver).';
}

function note(set: Set<string>, name: string): void {
  set.add(name);
  if (set.size > maxNoted) set.delete(set.values().next().value ?? '');
}

function named(set: ReadonlySet<string>): string {
  const all = [...set];
  const more = all.length - maxNamed;
  return all.slice(0, maxNamed).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
