/**
 * After every connection the channels we know are asked for what was written since they were last heard: neither a new
 * session nor a resumed one promises that nothing is missing. What comes twice is one to the store.
 */
import type { ChannelContext } from '../../../core/ports/channel.ts';
import type { DiscordApi } from './api.ts';
import type { ToldMessage } from './inbound.ts';
import type { Intake } from './intake.ts';
import type { Places } from './places.ts';
import { isLater, isSnowflake } from './snowflake.ts';

const pageSize = 100;
const maxParallel = 4;
/** What is written now waits for what was written then, but not longer than so many attempts. */
const attemptsBeforeRelease = 3;
const minBackoffMs = 1000;
const maxBackoffMs = 60_000;

export interface BackfillDeps {
  api: DiscordApi;
  intake: Intake;
  places: Places;
  context: ChannelContext;
}

export class Backfill {
  readonly #deps: BackfillDeps;
  /** Channels that wait, each with where to begin. */
  readonly #waiting = new Map<string, string>();
  readonly #running = new Set<string>();
  /** Of a channel under way: there was a further gap. */
  readonly #again = new Set<string>();
  readonly #work = new Set<Promise<void>>();

  constructor(deps: BackfillDeps) {
    this.#deps = deps;
  }

  get active(): number {
    return this.#waiting.size + this.#running.size;
  }

  /** There may be a gap in this channel after the message `since`. */
  begin(channel: string, since: string): void {
    this.#deps.intake.hold(channel, since);
    if (this.#running.has(channel)) this.#again.add(channel);
    else this.#waiting.set(channel, since);
    this.#next();
  }

  /** Settles when nothing is under way; the signal of the context ends it. */
  async settled(): Promise<void> {
    await Promise.all(this.#work);
  }

  #next(): void {
    const { context, intake } = this.#deps;
    for (const [channel, since] of this.#waiting) {
      if (this.#running.size >= maxParallel || context.signal.aborted) return;
      this.#waiting.delete(channel);
      this.#running.add(channel);
      const work = this.#catchUp(channel, since)
        .catch((error: unknown) => context.log.error('what was missed could not be fetched', { error }))
        .finally(() => {
          this.#running.delete(channel);
          this.#work.delete(work);
          if (!context.signal.aborted) intake.caughtUp(channel);
          this.#next();
        });
      this.#work.add(work);
    }
  }

  async #catchUp(channel: string, since: string): Promise<void> {
    const { intake, context } = this.#deps;
    const { signal, clock, log } = context;
    let after = since;
    for (let failures = 0; !signal.aborted;) {
      this.#again.delete(channel);
      const page = await this.#page(channel, after);
      if ('waitMs' in page) {
        if (page.waitMs === null) {
          log.warn('what was written in a channel meanwhile cannot be read; the bot needs "Read Message History"', {
            channel_id: channel,
            reason: page.reason,
          });
          return;
        }
        if (++failures === attemptsBeforeRelease) intake.release(channel);
        const backoffMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(failures - 1, 10));
        await clock.sleep(Math.max(page.waitMs, backoffMs), signal).catch(() => undefined);
        continue;
      }
      failures = 0;
      const last = page.messages.at(-1)?.id;
      if (last !== undefined) {
        await intake.page(channel, page.messages, last, page.place);
        after = last;
      }
      if (!page.full && !this.#again.has(channel)) return;
    }
  }

  /** `waitMs: null`: it is of no use to ask again. */
  async #page(
    channel: string,
    after: string,
  ): Promise<
    | { messages: ToldMessage[]; full: boolean; place: NonNullable<ReturnType<Places['known']>> }
    | { waitMs: number | null; reason: string }
  > {
    const { api, places, context } = this.#deps;
    const place = await places.find(channel);
    const path = `/channels/${channel}/messages`;
    const answer = await api.call<ToldMessage[]>({
      method: 'GET',
      path: `${path}?limit=${pageSize}&after=${after}`,
      route: `GET ${path}`,
      signal: context.signal,
    });
    if (!answer.ok) {
      const useless = (answer.status === 403 || answer.status === 404) && answer.code !== 0;
      return { waitMs: useless ? null : (answer.wait?.ms ?? 0), reason: answer.description };
    }
    if (place === null) return { waitMs: 0, reason: 'where the channel lies is not known' };
    const told = Array.isArray(answer.result) ? answer.result : [];
    const messages = told
      .filter((message) => isSnowflake(message?.id) && isLater(message.id, after))
      .map((message) => ({ ...message, channel_id: channel }))
      .sort((a, b) => (a.id === b.id ? 0 : isLater(a.id, b.id) ? 1 : -1));
    return { messages, full: messages.length >= pageSize, place };
  }
}
