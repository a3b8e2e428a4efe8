import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { ClankerError, notFound } from '../../core/errors.ts';
import type { ChatTicket, Gateway } from '../../core/ports/gateway.ts';
import type { EventFilter, Subscription } from '../../core/ports/bus.ts';
import { type Bucket, fullBucket, takeIfThere } from '../../core/pace.ts';
import type { Clock } from '../../core/ports/system.ts';
import { type Principal, requireScope } from '../../core/principal.ts';
import { RecentMap } from './bounded.ts';
import { HttpError, httpErrorOf } from './errors.ts';
import { eventData, listenKey } from './event-data.ts';
import { type ClientFrame, FrameError, type FrameId, frameText, parseFrame, textFrame } from './frames.ts';
import { chatRequestOf } from './routes/chat.ts';

/** Close codes of the contract. */
export const closes = { auth: 4401, abuse: 1008, restart: 1012, slow: 1013 } as const;

/** Bytes a reader may be behind. */
const maxBufferedBytes = 1_048_576;
/** A peer that does not take part in closing is cut off. */
const closeGraceMs = 2000;
/** Frames per second of one socket, with a burst. */
const frameRate = { perSecond: 100, burst: 200 };
/** Malformed frames that are forgiven: ten within ten seconds are not. */
const malformedRate = { perSecond: 1, burst: 9 };
const maxRuns = 128;
/** Frames that may arrive while the token is being looked at. */
const maxEarlyFrames = 16;
const rememberedRuns = 1000;

const streamedTypes = [
  'message',
  'run.started',
  'run.delta',
  'run.retrying',
  'run.tool',
  'run.finished',
  'run.failed',
  'job.fired',
  'job.missed',
  'task.changed',
  'task.progress',
] as const;

export interface ClientSocketDeps {
  gateway: Gateway;
  clock: Clock;
  channelTypes: ReadonlySet<string>;
  version: string;
  authMs: number;
  /** Rejects with 401 or 429. */
  authenticate: (token: string) => Promise<Principal>;
  /** Takes one request of the principal's budget. */
  allows: (principal: Principal) => boolean;
  /** Called once, when the socket is authenticated. */
  onAuthenticated: () => void;
  onRefused: (reason: string) => void;
}

/** One WebSocket client: authenticates, talks, listens. Every send is bounded by what the peer has read. */
export class ClientSocket {
  readonly #ws: WebSocket;
  readonly #stream: Duplex;
  readonly #deps: ClientSocketDeps;
  readonly #frames: Bucket;
  readonly #malformed: Bucket;
  readonly #tickets = new Set<ChatTicket>();
  /** Runs begun here, whose events come by their ticket and not by a subscription as well. */
  readonly #ownRuns = new RecentMap<true>(rememberedRuns);
  readonly #authTimer: NodeJS.Timeout;
  #principal: Principal | null = null;
  #authenticating: Promise<void> | null = null;
  #early = 0;
  /** Settles when every chat.send so far has its run id. */
  #opening: Promise<void> = Promise.resolve();
  #subscription: Subscription | null = null;
  #forgetRevoked = (): void => {};
  #answered = true;
  #held = false;
  #stopping = false;

  /** `stream` is what the socket was made of: frames are written to it directly. */
  constructor(ws: WebSocket, stream: Duplex, deps: ClientSocketDeps, principal: Principal | null) {
    this.#ws = ws;
    this.#stream = stream;
    this.#deps = deps;
    const now = deps.clock.monotonic();
    this.#frames = fullBucket(frameRate, now);
    this.#malformed = fullBucket(malformedRate, now);
    // Without a listener an error of the peer (a bad frame, a reset) would end the process.
    ws.on('error', () => {});
    ws.on('pong', () => (this.#answered = true));
    ws.on('message', (data: Buffer, binary) => void this.#receive(data, binary));
    ws.once('close', () => this.#closed());
    this.#authTimer = setTimeout(() => this.#refuse('unauthorized', 'No token came in time.'), deps.authMs);
    if (principal !== null) this.#welcome(principal);
  }

  /** Drops a peer that did not answer the last ping; asks again otherwise. */
  ping(): void {
    if (!this.#answered) {
      this.#ws.terminate();
      return;
    }
    this.#answered = false;
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
  }

  /** The gateway stops: runs of this client are finished after the restart. */
  stop(): void {
    this.#stopping = true;
    this.#close(closes.restart, 'the gateway stops; connect again');
  }

  #close(code: number, reason: string): void {
    this.#ws.close(code, reason);
    const timer = setTimeout(() => this.#ws.terminate(), closeGraceMs).unref();
    this.#ws.once('close', () => clearTimeout(timer));
  }

  #closed(): void {
    clearTimeout(this.#authTimer);
    this.#forgetRevoked();
    this.#subscription?.close();
    if (!this.#stopping) for (const ticket of this.#tickets) ticket.leave();
  }

  get #open(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  #send(type: string, payload: unknown, id: FrameId = null): void {
    if (!this.#open) return;
    if (!this.#held) {
      this.#held = true;
      this.#stream.cork();
      process.nextTick(this.#flush);
    }
    this.#stream.write(textFrame(frameText(type, payload, id, this.#deps.clock.now())));
  }

  /** Frames of one moment leave together: a write to the system costs more than all else that a frame does. */
  readonly #flush = (): void => {
    this.#held = false;
    this.#stream.uncork();
    if (!this.#open || this.#ws.bufferedAmount <= maxBufferedBytes) return;
    this.#deps.onRefused('slow_consumer');
    this.#close(closes.slow, 'too slow a reader');
  };

  #fail(error: unknown, id: FrameId): void {
    const { code, message } = httpErrorOf(error);
    this.#send('error', { code, message }, id);
  }

  #welcome(principal: Principal): void {
    clearTimeout(this.#authTimer);
    this.#principal = principal;
    this.#forgetRevoked = this.#deps.gateway.onRevoked(principal, () =>
      this.#refuse('revoked', 'The token is no longer valid.'),
    );
    this.#deps.onAuthenticated();
    const { person, scope, name } = principal;
    this.#send('hello', { version: this.#deps.version, protocol: 1, person, scope, name });
  }

  #refuse(code: string, message: string): void {
    this.#send('error', { code, message });
    this.#close(closes.auth, message);
  }

  async #receive(data: Buffer, binary: boolean): Promise<void> {
    this.#answered = true;
    const { clock, allows, onRefused } = this.#deps;
    if (!this.#open) return;
    const principal = this.#principal;
    if (!takeIfThere(this.#frames, frameRate, clock.monotonic()) || (principal !== null && !allows(principal))) {
      onRefused('rate_limited');
      this.#send('error', { code: 'rate_limited', message: 'Too many frames; slow down.' }, idIn(data));
      return;
    }
    let frame: ClientFrame;
    try {
      if (binary) throw new FrameError(null, new HttpError(400, 'bad_json', 'Frames are text.'));
      frame = parseFrame(data);
    } catch (error) {
      this.#onMalformed(error as FrameError);
      return;
    }
    try {
      await (principal === null ? this.#beforeToken(frame) : this.#handle(frame, principal));
    } catch (error) {
      this.#fail(error, frame.id);
    }
  }

  #onMalformed({ id, cause }: FrameError): void {
    if (this.#principal === null) {
      this.#refuse('unauthorized', 'The first frame must be auth with a token.');
      return;
    }
    this.#fail(cause, id);
    if (takeIfThere(this.#malformed, malformedRate, this.#deps.clock.monotonic())) return;
    this.#deps.onRefused('malformed_frames');
    this.#close(closes.abuse, 'too many malformed frames');
  }

  /** Before the token was judged: the first frame brings it, what comes right after waits for it. */
  async #beforeToken(frame: ClientFrame): Promise<void> {
    if (this.#authenticating === null) {
      if (frame.type !== 'auth') {
        this.#refuse('unauthorized', 'The first frame must be auth with a token.');
        return;
      }
      this.#authenticating = this.#authenticate(frame.payload.token);
      await this.#authenticating;
      return;
    }
    if (++this.#early > maxEarlyFrames) {
      this.#close(closes.abuse, 'too many frames before the token was judged');
      return;
    }
    await this.#authenticating;
    if (this.#principal !== null && this.#open) await this.#handle(frame, this.#principal);
  }

  async #authenticate(token: string): Promise<void> {
    try {
      const principal = await this.#deps.authenticate(token);
      if (this.#open) this.#welcome(principal);
    } catch (error) {
      const { code, message } = httpErrorOf(error);
      this.#refuse(code, message);
    }
  }

  async #handle(frame: ClientFrame, principal: Principal): Promise<void> {
    switch (frame.type) {
      case 'auth':
        throw new HttpError(400, 'already_authenticated', 'This socket has a token already.');
      case 'ping':
        this.#send('pong', {}, frame.id);
        return;
      case 'subscribe':
        this.#subscribe(frame.payload, frame.id, principal);
        return;
      case 'chat.abort':
        requireScope(principal, 'send');
        if (!(await this.#deps.gateway.abortRun(principal, frame.payload.run_id))) throw notFound('run under way');
        this.#send('ack', { run_id: frame.payload.run_id, aborted: true }, frame.id);
        return;
      case 'chat.send':
        await this.#chat(frame.payload, frame.id, principal);
    }
  }

  async #chat(
    payload: Extract<ClientFrame, { type: 'chat.send' }>['payload'],
    id: FrameId,
    principal: Principal,
  ): Promise<void> {
    requireScope(principal, 'send');
    if (this.#tickets.size >= maxRuns) {
      throw new ClankerError('rate_limited', 'too_many_runs', `One socket may have ${maxRuns} runs under way.`);
    }
    const asked = this.#deps.gateway.chat(principal, chatRequestOf(payload));
    const opened = asked.then(
      ({ runId }) => this.#ownRuns.set(runId, true),
      () => undefined,
    );
    this.#opening = this.#opening.then(() => opened);
    const ticket = await asked;
    if (!this.#open) {
      if (!this.#stopping) ticket.leave();
      return;
    }
    this.#tickets.add(ticket);
    const { messageId, runId, sessionKey } = ticket;
    this.#send('ack', { message_id: messageId, run_id: runId, session: sessionKey }, id);
    // Not waited for: the frame and all who read it would be kept for as long as the run lasts.
    void this.#follow(ticket, id);
  }

  /** Shows what a run does until it has ended; never rejects. */
  async #follow(ticket: ChatTicket, id: FrameId): Promise<void> {
    try {
      ticket.follow((event) => {
        if (event.type !== 'run.finished' && event.type !== 'run.failed') this.#send(event.type, eventData(event), id);
      });
      this.#send('run.finished', await ticket.answer, id);
    } catch (error) {
      const { code, message } = httpErrorOf(error);
      this.#send('run.failed', { run_id: ticket.runId, error: { code, message } }, id);
    } finally {
      this.#tickets.delete(ticket);
    }
  }

  /** Replaces what was listened to before. */
  #subscribe(payload: Extract<ClientFrame, { type: 'subscribe' }>['payload'], id: FrameId, principal: Principal): void {
    const { gateway, channelTypes } = this.#deps;
    const filter: EventFilter =
      'all' in payload
        ? { types: streamedTypes }
        : { types: streamedTypes, sessions: payload.sessions.map((key) => listenKey(key, principal, channelTypes)) };
    this.#subscription?.close();
    const subscription = gateway.subscribe(principal, 'websocket', filter);
    this.#subscription = subscription;
    this.#send('subscribed', 'all' in payload ? { all: true } : { sessions: filter.sessions }, id);
    void this.#listen(subscription);
  }

  async #listen(subscription: Subscription): Promise<void> {
    for await (const event of subscription) {
      if (!this.#open || subscription !== this.#subscription) break;
      if (subscription.overflowed) {
        this.#close(closes.slow, 'too slow a reader');
        break;
      }
      await this.#opening;
      if ('runId' in event && this.#ownRuns.get(event.runId) === true) continue;
      this.#send(event.type, eventData(event));
    }
    subscription.close();
  }
}

/** The id of a frame that is refused unread, looked for in its first bytes only: a flood must stay cheap. */
function idIn(data: Buffer): FrameId {
  const [, text, digits] =
    /"id"\s*:\s*(?:"([A-Za-z0-9_:.-]{1,128})"|(\d{1,15})\b)/.exec(data.toString('latin1', 0, 512)) ?? [];
  return text ?? (digits === undefined ? null : Number(digits));
}
