/** What people and channels are called: data to show, never trusted and never an id. Asked for once, kept for a while. */
import type { ChannelContext } from '../../../core/ports/channel.ts';
import type { SlackApi } from './api.ts';
import { Recent } from './recent.ts';

/** People and channels kept in mind; who was asked about the longest ago is forgotten first. */
const maxKnown = 1000;
const keepMs = 3_600_000;
/** Names are asked for before a message is committed, and Slack waits for the commit: better an id than a late answer. */
const patienceMs = 800;
/** After a failure (no scope, no answer) nothing is asked for this long. */
const restMs = 60_000;
const maxName = 128;

export interface Known {
  name: string;
  /** BCP 47. */
  language: string | null;
}

interface User {
  user?: {
    name?: unknown;
    real_name?: unknown;
    locale?: unknown;
    profile?: { display_name?: unknown; real_name?: unknown } | null;
  } | null;
}
interface Channel {
  channel?: { name?: unknown } | null;
}

export class Names {
  readonly #api: SlackApi;
  readonly #context: Pick<ChannelContext, 'clock' | 'signal'>;
  readonly #known = new Recent<Known & { until: number }>(maxKnown);
  #restUntil = 0;

  constructor(api: SlackApi, context: Pick<ChannelContext, 'clock' | 'signal'>) {
    this.#api = api;
    this.#context = context;
  }

  get(id: string): Known | null {
    return this.#known.get(id) ?? null;
  }

  /** Resolves when the names are known, or will not be in time. */
  async learn(ids: readonly string[]): Promise<void> {
    const now = this.#context.clock.monotonic();
    if (now < this.#restUntil) return;
    const unknown = ids.filter((id) => (this.#known.get(id)?.until ?? 0) <= now);
    await Promise.all(unknown.map((id) => this.#ask(id)));
  }

  async #ask(id: string): Promise<void> {
    const { signal, clock } = this.#context;
    const isUser = /^[UW]/.test(id);
    const answer = isUser
      ? await this.#api.call<User>('users.info', { user: id, include_locale: true }, signal, patienceMs)
      : await this.#api.call<Channel>('conversations.info', { channel: id }, signal, patienceMs);
    const now = clock.monotonic();
    if (!answer.ok && !answer.error.endsWith('_not_found')) {
      this.#restUntil = now + Math.max(restMs, answer.retryAfterMs ?? 0);
      return;
    }
    // Who is not found (a guest of another workspace) is not asked for again with every message.
    const known = !answer.ok ? null : isUser ? userOf(answer.result as User) : channelOf(answer.result as Channel);
    this.#known.set(id, { name: known?.name ?? id, language: known?.language ?? null, until: now + keepMs });
  }
}

const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, maxName) : null;

function userOf({ user }: User): Known | null {
  const name =
    textOf(user?.profile?.display_name) ??
    textOf(user?.profile?.real_name) ??
    textOf(user?.real_name) ??
    textOf(user?.name);
  const locale = textOf(user?.locale);
  return name === null
    ? null
    : { name, language: locale !== null && /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(locale) ? locale : null };
}

function channelOf({ channel }: Channel): Known | null {
  const name = textOf(channel?.name);
  return name === null ? null : { name: `#${name}`, language: null };
}
