/**
 * What was said while nobody listened, read from the history of the conversations that were heard last. A message that
 * arrives meanwhile in such a conversation waits for what came before it, but never so long that Slack loses patience.
 */
import type { ChannelContext } from '../../../core/ports/channel.ts';
import type { ApiFailure, ApiOutcome, Params, SlackApi } from './api.ts';
import type { SlackMessage } from './deliveries.ts';
import { isDirect, placeOf } from './inbound.ts';
import type { Arrival, Intake } from './intake.ts';
import { placeKey } from './positions.ts';
import type { Place, Positions } from './positions.ts';

const pageSize = 200;
const maxPages = 3;
const maxTries = 5;
const minPauseMs = 1000;
/** Before what Slack could not tell is asked for again. */
const laterMs = 15_000;
/** Slack waits three seconds for an acknowledgement. */
const holdMs = 1500;
/** Over all conversations. */
const maxHeld = 500;
/** Conversations that are looked into although nothing was ever heard there. */
const maxNewChats = 100;

interface Gap extends Place {
  /** Everything later may be missing. */
  after: string;
  held: Arrival[];
  /** Rises when the gap became longer while it was read. */
  round: number;
}

interface History {
  messages?: SlackMessage[];
  has_more?: boolean;
  response_metadata?: { next_cursor?: string };
}

export class CatchUp {
  readonly #api: SlackApi;
  readonly #intake: () => Intake;
  readonly #positions: Positions;
  readonly #context: ChannelContext;
  /** The next to be read first. */
  readonly #gaps = new Map<string, Gap>();
  #held = 0;
  #lookForChats = false;
  #wake = Promise.withResolvers<void>();

  constructor(api: SlackApi, positions: Positions, context: ChannelContext, intake: () => Intake) {
    this.#api = api;
    this.#positions = positions;
    this.#context = context;
    this.#intake = intake;
    context.signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
  }

  /**
   * We listen again; what was said until now may be missing everywhere. `long`: so long that Slack has given up
   * delivering it by itself, so conversations that were never heard are looked into as well.
   */
  begin(long: boolean): void {
    const before = [...this.#gaps];
    const known = new Map(before);
    this.#gaps.clear();
    for (const { ts, ...place } of this.#positions.places()) this.#add(place, ts, known);
    for (const [key, gap] of before) if (!this.#gaps.has(key)) this.#add(gap, gap.after, known);
    this.#lookForChats ||= long;
    this.#wake.resolve();
  }

  /** Whether messages of a conversation may be missing; with null, of any. */
  isBehind(place: Place | null): boolean {
    if (place === null) return this.#gaps.size > 0 || this.#lookForChats;
    return this.#gaps.has(placeKey(place));
  }

  /** Takes an arrival that must wait for what came before it. */
  holds(arrival: Arrival): boolean {
    const place = placeOf(arrival.delivery);
    const gap = place === null ? undefined : this.#gaps.get(placeKey(place));
    if (gap === undefined || this.#held >= maxHeld) return false;
    this.#held++;
    gap.held.push(arrival);
    this.#first(gap);
    if (gap.held.length === 1) {
      const { clock, signal } = this.#context;
      clock.sleep(holdMs, signal).then(
        () => this.#release(gap),
        () => undefined,
      );
    }
    return true;
  }

  /** Returns once the signal has aborted. */
  async run(): Promise<void> {
    const { signal, log } = this.#context;
    while (!signal.aborted) {
      const [gap] = this.#gaps.values();
      try {
        if (gap !== undefined) await this.#close(gap);
        else if (this.#lookForChats) await this.#findChats();
        else {
          this.#wake = Promise.withResolvers();
          await this.#wake.promise;
        }
      } catch (error) {
        log.error('a conversation could not be read again', { error });
        if (gap !== undefined) this.#end(gap);
      }
    }
  }

  #add({ channel, thread }: Place, after: string, known: ReadonlyMap<string, Gap> = this.#gaps): void {
    const key = placeKey({ channel, thread });
    const gap = known.get(key) ?? { channel, thread, after, held: [], round: 0 };
    gap.round++;
    this.#gaps.set(key, gap);
  }

  /** Reads one conversation and hands over what is new in it, oldest first, then what waited for that. */
  async #close(gap: Gap): Promise<void> {
    const { signal, log } = this.#context;
    const { round, channel, thread, after } = gap;
    const messages = await this.#read(gap);
    if (signal.aborted || gap.round !== round) return;
    // The gap stays one, also over a restart; the other conversations are not held up by it.
    if (messages === 'later') {
      this.#gaps.delete(placeKey(gap));
      this.#gaps.set(placeKey(gap), gap);
      return this.#pause();
    }
    if (messages !== null) {
      if (messages.length > 0) log.info('messages that came while away are read again', { channel, thread, after });
      for (const message of messages) {
        const event = { ...message, type: 'message', channel };
        this.#intake().add({ delivery: { type: 'event', payload: { event } }, done: () => undefined });
      }
    }
    this.#end(gap);
    await this.#intake().drained();
  }

  #end(gap: Gap): void {
    this.#gaps.delete(placeKey(gap));
    this.#release(gap);
  }

  #release(gap: Gap): void {
    const held = gap.held.splice(0);
    this.#held -= held.length;
    for (const arrival of held) this.#intake().add(arrival);
  }

  #first(gap: Gap): void {
    const rest = [...this.#gaps].filter(([, each]) => each !== gap);
    this.#gaps.clear();
    this.#gaps.set(placeKey(gap), gap);
    for (const [key, each] of rest) this.#gaps.set(key, each);
  }

  #pause(): Promise<void> {
    const { clock, signal } = this.#context;
    return clock.sleep(laterMs, signal).catch(() => undefined);
  }

  /** Oldest first; null when the conversation cannot be read, `later` when only now it cannot. */
  async #read({ channel, thread, after }: Gap): Promise<SlackMessage[] | 'later' | null> {
    const messages: SlackMessage[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const range = { channel, oldest: after, limit: pageSize, cursor };
      const answer =
        thread === null
          ? await this.#patiently<History>('conversations.history', range)
          : await this.#patiently<History>('conversations.replies', { ...range, ts: thread });
      if (!answer.ok) {
        this.#unreadable(channel, answer);
        if (isPassing(answer)) return 'later';
        return messages.length > 0 ? inOrder(messages, after) : null;
      }
      messages.push(...(Array.isArray(answer.result.messages) ? answer.result.messages : []));
      cursor = answer.result.response_metadata?.next_cursor;
      if (cursor === undefined || cursor === '') return inOrder(messages, after);
    }
    this.#context.log.warn('more was said while away than is read again', { channel, read: messages.length });
    return inOrder(messages, after);
  }

  /** Whoever wrote to us for the first time while nobody listened; people before channels. */
  async #findChats(): Promise<void> {
    const { since } = this.#positions;
    const answer = await this.#patiently<{ channels?: { id?: unknown }[] }>('users.conversations', {
      types: 'im,mpim,private_channel,public_channel',
      exclude_archived: true,
      limit: maxNewChats,
    });
    if (!answer.ok && isPassing(answer)) return this.#pause();
    this.#lookForChats = false;
    if (!answer.ok || since === null || !Array.isArray(answer.result.channels)) return;
    const heard = new Set(this.#positions.places().map(placeKey));
    const ids = answer.result.channels.flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
    for (const channel of [...ids.filter(isDirect), ...ids.filter((id) => !isDirect(id))]) {
      if (!heard.has(channel)) this.#add({ channel, thread: null }, since);
    }
  }

  /** Repeats what passes by itself; a wait that Slack asks for is kept. */
  async #patiently<T>(method: string, params: Params): Promise<ApiOutcome<T>> {
    const { clock, signal } = this.#context;
    for (let tries = 1; ; tries++) {
      const answer = await this.#api.call<T>(method, params, signal);
      if (answer.ok || signal.aborted || tries === maxTries) return answer;
      if (!isPassing(answer)) return answer;
      const pauseMs = Math.max(answer.retryAfterMs ?? 0, minPauseMs * 2 ** (tries - 1));
      await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  #unreadable(channel: string, { description: reason }: ApiFailure): void {
    if (this.#context.signal.aborted) return;
    this.#context.log.warn('what was said while away cannot be read', { channel, reason });
  }
}

const isPassing = ({ error, accepted }: ApiFailure): boolean =>
  error === 'ratelimited' || error === 'no_answer' || accepted === 'maybe';

/** Slack gives histories newest first and threads oldest first, with the message that began them. */
const inOrder = (messages: readonly SlackMessage[], after: string): SlackMessage[] =>
  messages
    .filter(({ ts }) => typeof ts === 'string' && Number(ts) > Number(after))
    .sort((a, b) => Number(a.ts) - Number(b.ts));
