/**
 * Receiving from the daemon's event stream. An event counts as told once it was written to us; so the next is read only
 * after the commit of the last, and a daemon that numbers its events is asked for those after the last committed one.
 */
import { HttpFailure } from '../../../core/ports/http-client.ts';
import type { ChannelContext, InboundEvent, InboundSink } from '../../../core/ports/channel.ts';
import { field, textField } from '../json-http.ts';
import type { Receiving } from '../receiving.ts';
import type { SignalApi } from './api.ts';
import { translate } from './inbound.ts';
import { SentEvents } from './sse.ts';
import type { SentEvent } from './sse.ts';

const eventCursor = 'event';
/** No event's id: asked for what comes after it, a daemon tells all that it still has. */
const beginning = '0';
const callTimeoutMs = 15_000;
/** The daemon sends a sign of life every 15 s. */
const silenceMs = 60_000;
const lookMs = 5000;

export interface ListenOptions {
  account: string;
  number: string;
  listed: ReadonlySet<string>;
}

export class Listening {
  readonly #api: SignalApi;
  readonly #receiving: Receiving;
  readonly #sink: InboundSink;
  readonly #context: ChannelContext;
  readonly #options: ListenOptions;
  #isKnown = false;
  #aci: string | null = null;
  #after: string | null;

  constructor(
    api: SignalApi,
    receiving: Receiving,
    sink: InboundSink,
    context: ChannelContext,
    options: ListenOptions,
  ) {
    this.#api = api;
    this.#receiving = receiving;
    this.#sink = sink;
    this.#context = context;
    this.#options = options;
    this.#after = context.cursors.get(eventCursor) ?? null;
  }

  step(): Promise<number> {
    return this.#isKnown ? this.#listen() : this.#identify();
  }

  /** Asks for our account id. Daemons for one account do not list accounts, and do without. */
  async #identify(): Promise<number> {
    const { number } = this.#options;
    const answer = await this.#api.call('listAccounts', {}, this.#context.signal, { timeoutMs: callTimeoutMs });
    if (this.#context.signal.aborted) return 0;
    if (!answer.ok && answer.code === 0) {
      return this.#receiving.degrade(`signal-cli cannot be reached (${answer.words}); start it, or check api_root.`);
    }
    const accounts: unknown[] = answer.ok && Array.isArray(answer.result) ? answer.result : [];
    const ours = accounts.find((account) => textField(account, 'number') === number);
    if (accounts.length > 0 && ours === undefined) {
      return this.#receiving.fatal(`signal-cli has no account ${number}: register or link it, or check number.`);
    }
    this.#aci = textField(ours, 'aci') ?? null;
    this.#isKnown = true;
    this.#receiving.identity = number;
    return 0;
  }

  /** One connection, from its beginning to its end. */
  async #listen(): Promise<number> {
    const { signal, clock } = this.#context;
    const line = new AbortController();
    const end = (): void => line.abort();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    let heardAt = clock.monotonic();
    let isReading = true;
    const watch = setInterval(() => {
      if (isReading && clock.monotonic() - heardAt > silenceMs) end();
    }, lookMs);
    try {
      const response = await this.#api.events(this.#after, line.signal);
      if (response.status !== 200) {
        await response.body[Symbol.asyncIterator]().return?.();
        return this.#receiving.degrade(
          `signal-cli does not let us listen (HTTP ${response.status}); is it started with --http, and is api_root right?`,
        );
      }
      this.#receiving.connected();
      if (this.#after === null) await this.#commit([], beginning);
      const events = new SentEvents();
      for await (const bytes of response.body) {
        isReading = false;
        this.#receiving.received(clock.now());
        await this.#take(events.push(bytes));
        heardAt = clock.monotonic();
        isReading = true;
        if (signal.aborted) return 0;
      }
      return this.#ended('it was closed');
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      if (signal.aborted) return 0;
      return this.#ended(line.signal.aborted ? `nothing was heard for ${silenceMs / 1000} s` : error.code);
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', end);
    }
  }

  #ended(reason: string): number {
    // Another daemon may listen there the next time.
    this.#isKnown = false;
    return this.#receiving.degrade(`The connection to signal-cli ended and is made again: ${reason}.`);
  }

  async #take(sent: readonly SentEvent[]): Promise<void> {
    const events: InboundEvent[] = [];
    let last = this.#after;
    for (const { id, data } of sent) {
      const translated = this.#translate(data);
      if (!translated.ok) this.#sink.malformed(translated.detail);
      else if (translated.event !== null) events.push(translated.event);
      if (id !== null && id.length <= 256) last = id;
    }
    if (events.length > 0) this.#receiving.event(this.#context.clock.now());
    if (events.length > 0 || last !== this.#after) await this.#commit(events, last);
  }

  #translate(data: string): ReturnType<typeof translate> {
    try {
      const told: unknown = JSON.parse(data);
      // Some versions wrap it as a notification.
      const params = field(told, 'params');
      return translate(field(params, 'envelope') === undefined ? told : params, { ...this.#options, aci: this.#aci });
    } catch (error) {
      if (error instanceof SyntaxError) return { ok: false, detail: 'an event that is no JSON' };
      throw error;
    }
  }

  /** Offered until it is stored: it is not told again. */
  async #commit(events: InboundEvent[], last: string | null): Promise<void> {
    const { signal, clock, log } = this.#context;
    const cursor = last === null || last === this.#after ? undefined : { key: eventCursor, value: last };
    while (!signal.aborted) {
      try {
        await this.#sink.commit(events, cursor);
        this.#after = last;
        this.#receiving.connected();
        return;
      } catch (error) {
        log.warn('what signal-cli told could not be stored yet and is offered again', { error });
        const pause = this.#receiving.degrade(
          'Messages are received but cannot be stored; check the disk and the log.',
        );
        await clock.sleep(pause, signal).catch(() => undefined);
      }
    }
  }
}
