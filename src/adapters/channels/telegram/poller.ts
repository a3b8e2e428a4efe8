/**
 * Receiving by long polling. One loop, one request at a time. Telegram counts updates as taken once an offset past them
 * is asked for, so the offset moves only after the sink has committed them; nothing else ever moves it.
 */
import type { BotCommand, Update } from '@grammyjs/types';
import type {
  ChannelContext,
  ChannelHealth,
  ChannelState,
  CursorUpdate,
  InboundEvent,
  InboundSink,
} from '../../../core/ports/channel.ts';
import type { Random } from '../../../core/ports/system.ts';
import type { ApiFailure, ApiOutcome, TelegramApi } from './api.ts';
import { allowedUpdates, translate } from './inbound.ts';
import type { BotIdentity } from './inbound.ts';

const offsetCursor = 'offset';

const maxBatch = 100;
/** What an answer may take beyond the time the server holds a poll; a poll that takes longer hangs and is given up. */
const watchdogMarginMs = 15_000;
const maxWatchdogMs = 90_000;
/** Every other call of the receive side. */
const callTimeoutMs = 15_000;
const minBackoffMs = 1000;
const maxBackoffMs = 30_000;
/** How often a refused token is tried again: it may have been refused by mistake. */
const fatalRetryMs = 300_000;

export interface PollerOptions {
  account: string;
  pollTimeoutMs: number;
  /** Groups are configured, so it matters what the bot can see in them. */
  groups: boolean;
  commands: readonly BotCommand[];
  random: Random;
}

interface Batch {
  events: InboundEvent[];
  offset: number;
}

export class Poller {
  readonly #api: TelegramApi;
  readonly #sink: InboundSink;
  readonly #context: ChannelContext;
  readonly #options: PollerOptions;
  readonly #pollSeconds: number;
  #me: BotIdentity | null = null;
  /** The first update_id not yet committed; 0 before the first. */
  #offset: number;
  /** Received and not yet committed. */
  #pending: Batch | null = null;
  #batchLimit = maxBatch;
  /** The next poll asks for an answer at once, so that health need not wait for a poll to run out. */
  #probing = true;
  #failures = 0;
  readonly #health: ChannelHealth = {
    state: 'starting',
    detail: '',
    lastReceiveAt: null,
    lastEventAt: null,
    identity: null,
  };

  constructor(api: TelegramApi, sink: InboundSink, context: ChannelContext, options: PollerOptions) {
    this.#api = api;
    this.#sink = sink;
    this.#context = context;
    this.#options = options;
    this.#offset = storedOffset(context.cursors.get(offsetCursor));
    this.#pollSeconds = Math.min(50, Math.max(1, Math.round(options.pollTimeoutMs / 1000)));
  }

  get health(): ChannelHealth {
    return { ...this.#health };
  }

  /** Returns once the signal has aborted and no request is under way. */
  async run(): Promise<void> {
    const { signal, clock, log } = this.#context;
    while (!signal.aborted) {
      let pauseMs: number;
      try {
        pauseMs = await this.#step();
      } catch (error) {
        // A bug must not end the loop: a channel that silently stopped receiving is the worst of all failures.
        log.error('the loop failed and goes on', { error });
        pauseMs = this.#degrade('An unexpected error; the log has the details.');
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
    this.#set('stopped', '');
  }

  /** One thing at a time; resolves with the milliseconds to wait before the next. */
  #step(): Promise<number> {
    if (this.#me === null) return this.#identify();
    if (this.#pending !== null) return this.#commit(this.#pending);
    return this.#poll();
  }

  async #identify(): Promise<number> {
    const answer = await this.#call<BotIdentity>('getMe', {}, callTimeoutMs);
    if (!answer.ok) return this.#failed(answer);
    if (!Number.isSafeInteger(answer.result?.id) || typeof answer.result.username !== 'string') {
      return this.#degrade("The answer to getMe is not Telegram's; check channels.telegram.api_root.");
    }
    this.#me = answer.result;
    this.#health.identity = `@${this.#me.username}`;
    if (this.#options.commands.length > 0) {
      const menu = await this.#call('setMyCommands', { commands: this.#options.commands }, callTimeoutMs);
      if (!menu.ok) this.#context.log.warn('the menu of commands could not be set', { reason: menu.description });
    }
    return 0;
  }

  async #poll(): Promise<number> {
    const { clock } = this.#context;
    const begun = clock.monotonic();
    const probing = this.#probing;
    const params = {
      offset: this.#offset,
      limit: this.#batchLimit,
      timeout: probing ? 0 : this.#pollSeconds,
      allowed_updates: allowedUpdates,
    };
    const watchdogMs = Math.min(this.#pollSeconds * 1000 + watchdogMarginMs, maxWatchdogMs);
    const answer = await this.#call<Update[]>('getUpdates', params, watchdogMs);
    // Only after silence: against a second poller a probe would succeed for a moment and tell nothing.
    this.#probing = !answer.ok && (answer.code === 0 || answer.accepted === 'maybe');
    if (!answer.ok) {
      if (answer.tooLarge) this.#batchLimit = 1;
      return this.#failed(answer);
    }
    if (!Array.isArray(answer.result)) return this.#degrade('The answer to getUpdates is not a list.');
    this.#received();
    this.#batchLimit = maxBatch;
    if (answer.result.length > 0) return this.#take(answer.result);
    // A server that does not hold the poll must not turn the loop into a flood.
    if (probing) return 0;
    return Math.max(0, minBackoffMs / 2 - (clock.monotonic() - begun));
  }

  #take(updates: Update[]): Promise<number> {
    const now = this.#context.clock.now();
    const me = this.#me;
    if (me === null) throw new Error('received before the bot was known');
    const context = { account: this.#options.account, me, now };
    const events: InboundEvent[] = [];
    const known = updates.filter((update) => Number.isSafeInteger(update?.update_id) && update.update_id >= 0);
    for (let i = known.length; i < updates.length; i++) this.#sink.malformed('an update without an update_id');
    for (const update of known.sort((a, b) => a.update_id - b.update_id)) {
      const translated = translate(update, context);
      if (!translated.ok) this.#sink.malformed(translated.detail);
      else if (translated.event !== null) events.push(translated.event);
    }
    // Past the last update of this very batch, also when that is lower than before: after a week without updates
    // Telegram begins its ids anew at random. Without any id it is past the one that was asked for, which cannot
    // confirm an update nobody has seen.
    const offset = (known.at(-1)?.update_id ?? this.#offset) + 1;
    if (events.length > 0) this.#health.lastEventAt = now;
    const stuck = offset === this.#offset;
    this.#pending = { events, offset };
    return this.#commit(this.#pending, stuck || known.length === 0);
  }

  async #commit({ events, offset }: Batch, stuck = false): Promise<number> {
    const cursor: CursorUpdate = { key: offsetCursor, value: String(offset) };
    try {
      await this.#sink.commit(events, cursor);
    } catch (error) {
      this.#context.log.warn('what Telegram sent could not be stored yet; it is asked for again', { error });
      return this.#degrade('Messages are received but cannot be stored; check the disk and the log.');
    }
    this.#pending = null;
    this.#offset = offset;
    if (stuck) return this.#degrade('What Telegram sends does not move on although it was confirmed.');
    this.#recovered();
    return 0;
  }

  #received(): void {
    this.#health.lastReceiveAt = this.#context.clock.now();
    if (this.#pending === null) this.#recovered();
  }

  #recovered(): void {
    this.#failures = 0;
    const blind = this.#options.groups && this.#me?.can_read_all_group_messages === false;
    this.#set(
      'connected',
      blind
        ? 'In groups the bot sees only commands, mentions and replies: privacy mode is on (@BotFather, /setprivacy).'
        : '',
    );
  }

  async #failed(failure: ApiFailure): Promise<number> {
    if (this.#context.signal.aborted) return 0;
    const { code, description } = failure;
    if (code === 401 || code === 404) {
      this.#set(
        'fatal',
        'Telegram does not know this bot token. Copy it again from @BotFather into channels.telegram.bot_token ' +
          '(and check api_root if you set it).',
      );
      return fatalRetryMs;
    }
    if (code === 429) {
      this.#set('degraded', `Telegram asks to wait: ${description}`);
      return Math.max(failure.retryAfterMs ?? 0, this.#backoff());
    }
    if (code === 409 && /webhook/i.test(description)) return this.#removeWebhook();
    if (code === 409) {
      return this.#degrade(
        'Another program receives with this bot token, so messages go to it or to us by chance. Stop the other one, ' +
          'or give this gateway a bot of its own.',
      );
    }
    return this.#degrade(code === 0 ? `Telegram cannot be reached: ${description}` : `Telegram failed: ${description}`);
  }

  async #removeWebhook(): Promise<number> {
    this.#context.log.warn('the bot has a webhook, which keeps it from polling; it is removed, its messages stay');
    const removed = await this.#call('deleteWebhook', { drop_pending_updates: false }, callTimeoutMs);
    return this.#degrade(
      removed.ok
        ? 'A webhook was set on the bot and has been removed; a program that sets it again must be stopped.'
        : 'A webhook is set on the bot and could not be removed yet.',
    );
  }

  #degrade(detail: string): number {
    this.#set('degraded', detail);
    return this.#backoff();
  }

  /** 1 s, 2 s, 4 s … 30 s, with jitter so that two pollers do not stay in step; never under a second. */
  #backoff(): number {
    const ceiling = Math.min(minBackoffMs * 2 ** Math.min(++this.#failures, 10), maxBackoffMs);
    return Math.max(minBackoffMs, ceiling * (0.5 + this.#options.random.unit() / 2));
  }

  #set(state: ChannelState, detail: string): void {
    if (state === this.#health.state && detail === this.#health.detail) return;
    this.#health.state = state;
    this.#health.detail = detail;
  }

  /** A call that is over after `timeoutMs` at the latest, held by the clock of the context. */
  async #call<T>(method: string, params: object, timeoutMs: number): Promise<ApiOutcome<T>> {
    const { clock, signal } = this.#context;
    const call = new AbortController();
    const watch = new AbortController();
    const end = (): void => call.abort();
    signal.addEventListener('abort', end, { once: true });
    clock.sleep(timeoutMs, watch.signal).then(end, () => undefined);
    try {
      const outcome = await this.#api.call<T>(method, params, call.signal);
      if (outcome.ok || outcome.code !== 0 || !call.signal.aborted) return outcome;
      return { ...outcome, description: `${method} hung and was given up after ${timeoutMs / 1000} s` };
    } finally {
      signal.removeEventListener('abort', end);
      watch.abort();
    }
  }
}

function storedOffset(value: string | undefined): number {
  const offset = Number(value ?? 0);
  return Number.isSafeInteger(offset) && offset > 0 ? offset : 0;
}
