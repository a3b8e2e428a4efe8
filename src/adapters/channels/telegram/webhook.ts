/**
 * Receiving by webhook: Telegram calls us, once an update at a time and again until it hears 200, which it does only
 * after the commit. What Telegram knows of that (how much waits, what went wrong last) is looked at from time to time,
 * as a channel that nobody calls hears nothing of its own deafness. https://core.telegram.org/bots/api#setwebhook
 */
import type { Update, WebhookInfo } from '@grammyjs/types';
import type { HookRequest, HookResponse, InboundEvent, InboundSink } from '../../../core/ports/channel.ts';
import type { Secret } from '../../../core/secret.ts';
import { verifyTelegram } from '../verify.ts';
import type { AlbumShelf } from './album-shelf.ts';
import { allowedUpdates, translate } from './inbound.ts';
import { callTimeoutMs } from './reception.ts';
import type { Reception } from './reception.ts';

const lookEveryMs = 30_000;
/** Requests come side by side and out of order; those of so short a time are put into theirs. */
const gatherMs = 10;
/** Requests that wait for a commit; Telegram makes 40 at a time. */
const maxWaiting = 200;

export interface WebhookSettings {
  /** Where Telegram reaches us. */
  url: string;
  secret: Secret;
}

interface Waiting {
  update: Update;
  settled: PromiseWithResolvers<void>;
}

const notNow: HookResponse = { status: 503, headers: { 'retry-after': '1' } };

export class WebhookReceiver {
  readonly #reception: Reception;
  readonly #sink: InboundSink;
  readonly #albums: AlbumShelf;
  readonly #settings: WebhookSettings;
  readonly #waiting: Waiting[] = [];
  #draining = false;
  #set = false;

  constructor(reception: Reception, sink: InboundSink, albums: AlbumShelf, settings: WebhookSettings) {
    this.#reception = reception;
    this.#sink = sink;
    this.#albums = albums;
    this.#settings = settings;
  }

  /** Keeps the webhook set and health true; resolves with the milliseconds to wait before the next step. */
  step(): Promise<number> {
    if (this.#reception.me === null) return this.#reception.identify();
    return this.#set ? this.#look() : this.#setWebhook();
  }

  async hook(request: HookRequest): Promise<HookResponse> {
    if (!verifyTelegram(request, this.#settings.secret).ok) return { status: 401 };
    if (request.method !== 'POST') return { status: 405 };
    const { signal, clock } = this.#reception.context;
    if (this.#reception.me === null || signal.aborted || this.#waiting.length >= maxWaiting) return notNow;
    const update = updateIn(request.body);
    if (update === null) {
      this.#sink.malformed('a delivery that is no update');
      return { status: 400 };
    }
    const now = clock.now();
    this.#reception.receiving.received(now);
    this.#reception.receiving.event(now);
    const settled = Promise.withResolvers<void>();
    this.#waiting.push({ update, settled });
    if (!this.#draining) void this.#drain();
    try {
      await settled.promise;
      return { status: 200 };
    } catch (error) {
      if (!signal.aborted) this.#reception.context.log.warn('what Telegram sent could not be stored yet', { error });
      return notNow;
    }
  }

  /** Commits what came, in the order of the updates; what comes meanwhile is the next batch. */
  async #drain(): Promise<void> {
    const { clock, signal } = this.#reception.context;
    this.#draining = true;
    while (this.#waiting.length > 0) {
      await clock.sleep(gatherMs, signal).catch(() => undefined);
      const batch = this.#waiting.splice(0).sort((a, b) => a.update.update_id - b.update.update_id);
      if (signal.aborted) for (const { settled } of batch) settled.reject(new Error('stopping'));
      else await this.#commit(batch);
    }
    this.#draining = false;
  }

  async #commit(batch: Waiting[]): Promise<void> {
    const { me, account, context } = this.#reception;
    if (me === null) throw new Error('received before the bot was known');
    const plain: { event: InboundEvent; settled: Waiting['settled'] }[] = [];
    const parts: Promise<void>[] = [];
    for (const { update, settled } of batch) {
      const read = translate(update, { account, me, now: context.clock.now() });
      if (!read.ok) this.#sink.malformed(read.detail);
      if (!read.ok || read.event === null) settled.resolve();
      else if (read.album === null) plain.push({ event: read.event, settled });
      else parts.push(this.#albums.add(read.album, read.event).then(settled.resolve, settled.reject));
    }
    const events = plain.map(({ event }) => event);
    if (events.length > 0) {
      try {
        await this.#sink.commit(events);
        for (const { settled } of plain) settled.resolve();
        this.#reception.acknowledge(events);
      } catch (error) {
        for (const { settled } of plain) settled.reject(error);
      }
    }
    await Promise.all(parts);
  }

  async #setWebhook(): Promise<number> {
    const { url, secret } = this.#settings;
    // Without `drop_pending_updates`: what waits is delivered.
    const params = { url, secret_token: secret.reveal(), allowed_updates: allowedUpdates };
    const answer = await this.#reception.call('setWebhook', params, callTimeoutMs);
    if (!answer.ok && answer.code === 400) {
      return this.#reception.degrade(
        `Telegram does not take webhook_url: ${answer.description}. It must be an https address that ` +
          'Telegram can reach, on port 443, 80, 88 or 8443.',
      );
    }
    if (!answer.ok) return this.#reception.failed(answer);
    this.#set = true;
    this.#reception.context.log.info('Telegram delivers to the webhook', { url });
    return 0;
  }

  async #look(): Promise<number> {
    const { receiving, context } = this.#reception;
    const answer = await this.#reception.call<WebhookInfo>('getWebhookInfo', {}, callTimeoutMs);
    if (!answer.ok) return this.#reception.failed(answer);
    const { url, pending_update_count: pending, last_error_date: errorAt, last_error_message: error } = answer.result;
    // Telegram may write it in another way than we did.
    if (URL.parse(url ?? '')?.href !== URL.parse(this.#settings.url)?.href) {
      this.#set = false;
      return this.#reception.degrade(
        'Another program has taken the webhook of this bot, or removed it; it is set again. Stop the other program, or ' +
          'give this gateway a bot of its own.',
      );
    }
    const waits = typeof pending === 'number' && pending > 0;
    const failedAt = typeof errorAt === 'number' ? errorAt * 1000 : 0;
    if (waits && failedAt > (receiving.health.lastReceiveAt ?? 0)) {
      return this.#reception.degrade(
        `Telegram cannot deliver to webhook_url: ${String(error).slice(0, 200)} (${pending} wait).`,
      );
    }
    // With nothing waiting this says as much as an empty poll.
    if (!waits) receiving.received(context.clock.now());
    this.#reception.connected();
    return lookEveryMs;
  }
}

function updateIn(body: Uint8Array): Update | null {
  try {
    const update = JSON.parse(new TextDecoder().decode(body)) as Update | null;
    return Number.isSafeInteger(update?.update_id) ? update : null;
  } catch {
    return null;
  }
}
