/**
 * Receiving by long polling. One request at a time. Telegram counts updates as taken once an offset past them is asked
 * for, so the offset moves only after the sink has committed them; nothing else ever moves it.
 */
import type { Update } from '@grammyjs/types';
import type { CursorUpdate, InboundEvent, InboundSink } from '../../../core/ports/channel.ts';
import { albumQuietMs, albumSizes, eventsOf, takeable } from './albums.ts';
import type { Arrival } from './albums.ts';
import type { ApiFailure } from './api.ts';
import { allowedUpdates, translate } from './inbound.ts';
import { callTimeoutMs } from './reception.ts';
import type { Reception } from './reception.ts';

const offsetCursor = 'offset';

const maxBatch = 100;
/** What an answer may take beyond the time the server holds a poll; a poll that takes longer hangs and is given up. */
const watchdogMarginMs = 15_000;
const maxWatchdogMs = 90_000;
/** A server that does not hold the poll must not turn the loop into a flood. */
const minRoundMs = 500;

interface Batch {
  events: InboundEvent[];
  offset: number;
  /** Updates behind them wait until their album is whole. */
  held: boolean;
}

interface Told extends Arrival {
  /** Why it could not be understood. */
  malformed: string | null;
}

export class Poller {
  readonly #reception: Reception;
  readonly #sink: InboundSink;
  readonly #pollSeconds: number;
  /** The first update_id not yet committed; 0 before the first. */
  #offset = 0;
  /** Received and not yet committed. */
  #pending: Batch | null = null;
  /** Albums at the last look and how many of each there were. */
  #albums: ReadonlyMap<string, number> = new Map();
  #batchLimit = maxBatch;
  /** The next poll asks for an answer at once, so that health need not wait for a poll to run out. */
  #probing = true;
  /** A webhook was removed once. */
  #removedWebhook = false;

  constructor(reception: Reception, sink: InboundSink, pollTimeoutMs: number) {
    this.#reception = reception;
    this.#sink = sink;
    this.#pollSeconds = Math.min(50, Math.max(1, Math.round(pollTimeoutMs / 1000)));
  }

  /** One thing at a time; resolves with the milliseconds to wait before the next. */
  step(): Promise<number> {
    if (this.#reception.me === null) return this.#identify();
    if (this.#pending !== null) return this.#commit(this.#pending);
    return this.#poll();
  }

  async #identify(): Promise<number> {
    const pauseMs = await this.#reception.identify();
    const { me, context } = this.#reception;
    if (me !== null) this.#offset = storedOffset(context.cursors.get(offsetCursor), me.id);
    return pauseMs;
  }

  async #poll(): Promise<number> {
    const { clock } = this.#reception.context;
    const begun = clock.monotonic();
    const probing = this.#probing;
    const params = {
      offset: this.#offset,
      limit: this.#batchLimit,
      timeout: probing ? 0 : this.#pollSeconds,
      allowed_updates: allowedUpdates,
    };
    const watchdogMs = Math.min(this.#pollSeconds * 1000 + watchdogMarginMs, maxWatchdogMs);
    const answer = await this.#reception.call<Update[]>('getUpdates', params, watchdogMs);
    // Only after silence: against a second poller a probe would succeed for a moment and tell nothing.
    this.#probing = !answer.ok && (answer.code === 0 || answer.accepted === 'maybe');
    if (!answer.ok) {
      if (answer.tooLarge) this.#batchLimit = 1;
      return this.#failed(answer);
    }
    if (!Array.isArray(answer.result)) return this.#reception.degrade('The answer to getUpdates is not a list.');
    this.#reception.receiving.received(clock.now());
    this.#reception.connected();
    this.#batchLimit = maxBatch;
    if (answer.result.length > 0) return this.#take(answer.result);
    if (probing) return 0;
    return Math.max(0, minRoundMs - (clock.monotonic() - begun));
  }

  #take(updates: Update[]): Promise<number> {
    const known = updates.filter((update) => Number.isSafeInteger(update?.update_id) && update.update_id >= 0);
    const told = known.sort((a, b) => a.update_id - b.update_id).map((update) => this.#read(update));
    const end = takeable(told, this.#albums);
    const taken = told.slice(0, end);
    this.#albums = albumSizes(told.slice(end));
    for (let i = known.length; i < updates.length; i++) this.#sink.malformed('an update without an update_id');
    for (const { malformed } of taken) if (malformed !== null) this.#sink.malformed(malformed);
    const events = eventsOf(taken);
    if (events.length > 0) this.#reception.receiving.event(this.#reception.context.clock.now());
    const held = told[end];
    if (held !== undefined) {
      if (end === 0) return Promise.resolve(albumQuietMs);
      this.#pending = { events, offset: held.updateId, held: true };
      return this.#commit(this.#pending);
    }
    // Past the last update of this very batch, also when that is lower than before: after a week without updates
    // Telegram begins its ids anew at random. Without any id it is past the one that was asked for, which cannot
    // confirm an update nobody has seen.
    const offset = (known.at(-1)?.update_id ?? this.#offset) + 1;
    const stuck = offset === this.#offset || known.length === 0;
    this.#pending = { events, offset, held: false };
    return this.#commit(this.#pending, stuck);
  }

  #read(update: Update): Told {
    const { me, account, context } = this.#reception;
    if (me === null) throw new Error('received before the bot was known');
    const read = translate(update, { account, me, now: context.clock.now() });
    const updateId = update.update_id;
    if (!read.ok) return { updateId, event: null, album: null, malformed: read.detail };
    return { updateId, event: read.event, album: read.album, malformed: null };
  }

  async #commit({ events, offset, held }: Batch, stuck = false): Promise<number> {
    const { context, me } = this.#reception;
    const cursor: CursorUpdate = { key: offsetCursor, value: `${me?.id}:${offset}` };
    try {
      await this.#sink.commit(events, cursor);
    } catch (error) {
      context.log.warn('what Telegram sent could not be stored yet; it is asked for again', { error });
      return this.#reception.degrade('Messages are received but cannot be stored; check the disk and the log.');
    }
    this.#pending = null;
    this.#offset = offset;
    this.#reception.acknowledge(events);
    if (stuck) return this.#reception.degrade('What Telegram sends does not move on although it was confirmed.');
    this.#reception.connected();
    return held ? albumQuietMs : 0;
  }

  #failed(failure: ApiFailure): Promise<number> {
    const { code, description } = failure;
    if (code !== 409) return Promise.resolve(this.#reception.failed(failure));
    if (/webhook/i.test(description)) return this.#removeWebhook();
    return Promise.resolve(
      this.#reception.degrade(
        'Another program receives with this bot token, so messages go to it or to us by chance. Stop the other one, ' +
          'or give this gateway a bot of its own.',
      ),
    );
  }

  async #removeWebhook(): Promise<number> {
    this.#reception.context.log.warn(
      'the bot has a webhook, which keeps it from polling; it is removed, its messages stay',
    );
    const params = { drop_pending_updates: false };
    const removed = await this.#reception.call('deleteWebhook', params, callTimeoutMs);
    if (!removed.ok) return this.#reception.degrade('A webhook is set on the bot and could not be removed yet.');
    // The first is mostly our own, of the time before `mode` was changed.
    const first = !this.#removedWebhook;
    this.#removedWebhook = true;
    this.#probing = first;
    if (first) return 0;
    return this.#reception.degrade(
      'A webhook is set on the bot again and again, so messages go there; stop the program that sets it, or give ' +
        'this gateway a bot of its own.',
    );
  }
}

/**
 * Every bot has ids of its own: where the account was given another one, the offset of the one before would confirm
 * what nobody has seen. One without a bot was stored before it was named.
 */
function storedOffset(value: string | undefined, bot: number): number {
  const [, of, id] = /^(?:(\d+):)?(\d+)$/.exec(value ?? '') ?? [];
  const offset = Number(id ?? 0);
  return (of === undefined || of === String(bot)) && Number.isSafeInteger(offset) ? offset : 0;
}
