/** Which channel lies where: what a message does not say of the place it was written in. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { APIChannel } from 'discord-api-types/v10';
import type { DiscordApi } from './api.ts';
import { isSnowflake } from './snowflake.ts';

const maxPlaces = 5000;
const maxTitle = 128;
/** A place that could not be looked up is not asked for again before this. */
const forgetFailureMs = 10_000;
/** What passes is tried so often; only messages of that channel wait for it. */
const maxTries = 6;
const minPauseMs = 250;
const maxPauseMs = 10_000;

export interface Place {
  /** Null for direct messages. */
  guild: string | null;
  /** The channel a thread is in, or the category a channel is in. */
  parent: string | null;
  title: string | null;
}

type Told = Partial<Record<'id' | 'guild_id' | 'parent_id' | 'name', unknown>>;

/** The shape of a channel that Discord tells in events and answers alike. */
export const placeOf = (channel: Told, guild: unknown = channel.guild_id): Place => ({
  guild: isSnowflake(guild) ? guild : null,
  parent: isSnowflake(channel.parent_id) ? channel.parent_id : null,
  title: typeof channel.name === 'string' ? channel.name.slice(0, maxTitle) : null,
});

/** Places by channel, from events where there are some and from the API where not; least recently used out. */
export class Places {
  readonly #api: DiscordApi;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Place>();
  readonly #asked = new Map<string, Promise<Place | null>>();

  constructor(api: DiscordApi, signal: AbortSignal) {
    this.#api = api;
    this.#signal = signal;
  }

  learn(channel: Told, guild?: unknown): void {
    if (isSnowflake(channel.id)) this.#keep(channel.id, placeOf(channel, guild));
  }

  known(channel: string): Place | undefined {
    const place = this.#known.get(channel);
    if (place !== undefined) this.#keep(channel, place);
    return place;
  }

  /** Null when Discord does not tell. */
  find(channel: string): Promise<Place | null> {
    const known = this.known(channel);
    if (known !== undefined) return Promise.resolve(known);
    const asked = this.#asked.get(channel);
    if (asked !== undefined) return asked;
    const asking = this.#ask(channel).catch(() => null);
    this.#asked.set(channel, asking);
    const forget = (place: Place | null): void => {
      const timer = setTimeout(() => this.#asked.delete(channel), place === null ? forgetFailureMs : 0);
      timer.unref();
    };
    void asking.then(forget);
    return asking;
  }

  async #ask(channel: string): Promise<Place | null> {
    const signal = this.#signal;
    for (let tries = 1; ; tries++) {
      const answer = await this.#api.call<APIChannel>({ method: 'GET', path: `/channels/${channel}`, signal });
      if (answer.ok) {
        this.learn({ ...(answer.result as Told), id: channel });
        return this.#known.get(channel) ?? null;
      }
      const { status, wait } = answer;
      const passes = status === 0 || status === 429 || status >= 500;
      if (!passes || tries === maxTries) return null;
      await sleep(Math.min(maxPauseMs, Math.max(wait?.ms ?? 0, minPauseMs * 2 ** tries)), undefined, { signal });
    }
  }

  #keep(channel: string, place: Place): void {
    this.#known.delete(channel);
    this.#known.set(channel, place);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxPlaces && oldest !== undefined) this.#known.delete(oldest);
  }
}
