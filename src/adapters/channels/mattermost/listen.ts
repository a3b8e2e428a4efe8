/**
 * Receiving by WebSocket. The server keeps nothing for those who are away, so what counts is the time up to which
 * everything is committed: it is stored with the posts, and after every connection and every gap all chats are read back
 * from there. What comes twice has the same key.
 */
import type { ChannelContext, InboundEvent, InboundSink } from '../../../core/ports/channel.ts';
import { countField, field, textField } from '../json-http.ts';
import type { Receiving } from '../receiving.ts';
import type { ApiFailure, MattermostApi } from './api.ts';
import { missedPosts } from './backfill.ts';
import { chatFrom, type Author, type Chats } from './chats.ts';
import { Frames } from './frames.ts';
import { translatePost, translateReaction } from './inbound.ts';
import type { Chat, Translated } from './inbound.ts';

const sinceCursor = 'since';
/** Posts of different chats may be told out of order: this much before the newest is read again. */
const overlapMs = 60_000;
/** Events in one commit. */
const maxBatch = 200;

export class Listening {
  /** Who we are, once known. */
  me: { id: string; username: string } | null = null;
  readonly #api: MattermostApi;
  readonly #chats: Chats;
  readonly #receiving: Receiving;
  readonly #sink: InboundSink;
  readonly #context: ChannelContext;
  readonly #account: string;
  /** Everything up to here is committed, by the server's clock; null before the first start. */
  #since: number | null;
  #gap = '';

  constructor(
    api: MattermostApi,
    chats: Chats,
    receiving: Receiving,
    sink: InboundSink,
    context: ChannelContext,
    account: string,
  ) {
    this.#api = api;
    this.#chats = chats;
    this.#receiving = receiving;
    this.#sink = sink;
    this.#context = context;
    this.#account = account;
    const stored = Number(context.cursors.get(sinceCursor));
    this.#since = Number.isSafeInteger(stored) && stored > 0 ? stored : null;
  }

  step(): Promise<number> {
    return this.me === null ? this.#identify() : this.#listen(this.me);
  }

  async #identify(): Promise<number> {
    const answer = await this.#api.call({ method: 'GET', path: 'users/me' }, this.#context.signal);
    if (!answer.ok) return this.#failed(answer);
    const id = textField(answer.result, 'id');
    const username = textField(answer.result, 'username');
    if (id === undefined || username === undefined) {
      return this.#receiving.degrade("The answer to users/me is not Mattermost's; check api_root.");
    }
    this.#receiving.identity = `@${username}`;
    // What was posted before the first start is history, which nobody is answered for.
    if (this.#since === null)
      await this.#commit([], Number.isNaN(answer.date) ? this.#context.clock.now() : answer.date);
    this.me = { id, username };
    return 0;
  }

  /** One connection, from its beginning to its end. */
  async #listen(me: { id: string; username: string }): Promise<number> {
    const { signal, clock } = this.#context;
    const frames = new Frames(this.#api.websocketUrl, this.#api.challenge, clock, signal);
    try {
      let expected: number | null = null;
      for (let batch = await frames.next(); batch !== null && !signal.aborted; batch = await frames.next()) {
        this.#receiving.received(clock.now());
        const events: InboundEvent[] = [];
        for (const text of batch) {
          const frame = parsed(text);
          if (textField(frame, 'status') === 'FAIL' && expected === null) return await this.#refused();
          const seq = countField(frame, 'seq');
          const name = textField(frame, 'event');
          if (seq === undefined || name === undefined) continue;
          // The first event of a connection, or one that follows a gap: what came before is read back.
          if (seq !== expected || name === 'hello') {
            const failure = await this.#catchUp(me);
            if (failure !== null) return await this.#failed(failure);
          }
          expected = seq + 1;
          const failure = await this.#translate(name, frame, me, events);
          if (failure !== null) return await this.#failed(failure);
        }
        await this.#commit(events);
      }
      if (signal.aborted) return 0;
      return this.#receiving.degrade(`The connection to the server ended and is made again: ${frames.reason}.`);
    } finally {
      frames.close();
    }
  }

  async #catchUp(me: { id: string; username: string }): Promise<ApiFailure | null> {
    const { signal, log } = this.#context;
    const missed = await missedPosts(this.#api, this.#chats, this.#since ?? 0, signal);
    if (!missed.ok) return missed;
    for (const { chat, posts } of missed.chats) {
      const events: InboundEvent[] = [];
      for (const post of posts) {
        const author = await this.#chats.author(textField(post, 'user_id') ?? '', signal);
        if ('ok' in author) return author;
        const failure = await this.#learnAuthor(chat, textField(post, 'root_id'), me);
        if (failure !== null) return failure;
        this.#keep(translatePost(post, 'message', this.#about(me, chat, author)), events);
      }
      await this.#commit(events, null);
    }
    // Only now: of a chat that was read first the posts are newer than those of one that was not read yet.
    const newest = missed.chats
      .flatMap(({ posts }) => posts)
      .reduce<number>((at, post) => Math.max(at, createdAt(post)), 0);
    await this.#commit([], newest - overlapMs);
    if (missed.gap !== null)
      log.warn('what was posted while we were away could not be read back whole', { reason: missed.gap });
    this.#gap = missed.gap === null ? '' : `Posts from while we were away may be unanswered: ${missed.gap}.`;
    this.#receiving.connected(this.#gap);
    return null;
  }

  async #translate(
    name: string,
    frame: unknown,
    me: { id: string; username: string },
    into: InboundEvent[],
  ): Promise<ApiFailure | null> {
    const data = field(frame, 'data');
    if (name === 'posted' || name === 'post_edited') {
      const post = parsed(textField(data, 'post') ?? '');
      this.#chats.authorship.note(textField(post, 'id') ?? '', textField(post, 'user_id') === me.id);
      const chat = await this.#chatOf(textField(post, 'channel_id') ?? '', data);
      if ('ok' in chat) return chat;
      const failure = await this.#learnAuthor(chat, textField(post, 'root_id'), me);
      if (failure !== null) return failure;
      const author = { name: (textField(data, 'sender_name') ?? '').replace(/^@/, ''), isBot: false };
      this.#keep(translatePost(post, name === 'posted' ? 'message' : 'edit', this.#about(me, chat, author)), into);
    } else if (name === 'reaction_added' || name === 'reaction_removed') {
      const chat = await this.#chatOf(textField(field(frame, 'broadcast'), 'channel_id') ?? '', null);
      if ('ok' in chat) return chat;
      const reaction = parsed(textField(data, 'reaction') ?? '');
      const failure = await this.#learnAuthor(chat, textField(reaction, 'post_id'), me);
      if (failure !== null) return failure;
      const about = this.#about(me, chat, { name: '', isBot: false });
      this.#keep(translateReaction(reaction, name === 'reaction_removed', about), into);
    }
    return null;
  }

  /** In a direct chat everything is addressed to us, whatever it answers. */
  #learnAuthor({ type }: Chat, post: string | undefined, me: { id: string }): Promise<ApiFailure | null> {
    if (type === 'D' || post === undefined || post === '') return Promise.resolve(null);
    return this.#chats.learnAuthor(post, me.id, this.#context.signal);
  }

  #chatOf(id: string, told: unknown): Chat | Promise<Chat | ApiFailure> {
    const type = textField(told, 'channel_type');
    if (type === undefined) return this.#chats.of(id, this.#context.signal);
    return this.#chats.learn(chatFrom({ type, display_name: textField(told, 'channel_display_name') }, id));
  }

  #about(me: { id: string; username: string }, chat: Chat, author: Author): Parameters<typeof translatePost>[2] {
    return { account: this.#account, me, chat, author, isOurs: (post) => this.#chats.authorship.isOurs(post) };
  }

  #keep(translated: Translated, into: InboundEvent[]): void {
    if (!translated.ok) this.#sink.malformed(translated.detail);
    else if (translated.event !== null) into.push(translated.event);
  }

  /**
   * Offered until it is stored: what was told is not told again. `since`: up to when everything is stored with it; by
   * default a little before the newest of the events, null when that is not known yet. It never goes back.
   */
  async #commit(events: InboundEvent[], since: number | null = newestOf(events) - overlapMs): Promise<void> {
    const { signal, clock, log } = this.#context;
    const cursor =
      since !== null && since > (this.#since ?? 0) ? { key: sinceCursor, value: String(since) } : undefined;
    let rest = events;
    let isDone = rest.length === 0 && cursor === undefined;
    while (!isDone && !signal.aborted) {
      const isLast = rest.length <= maxBatch;
      try {
        await this.#sink.commit(rest.slice(0, maxBatch), isLast ? cursor : undefined);
      } catch (error) {
        log.warn('what the server told could not be stored yet and is offered again', { error });
        const pause = this.#receiving.degrade(
          'Messages are received but cannot be stored; check the disk and the log.',
        );
        await clock.sleep(pause, signal).catch(() => undefined);
        continue;
      }
      rest = rest.slice(maxBatch);
      isDone = isLast;
    }
    if (!isDone) return;
    if (cursor !== undefined) this.#since = since;
    if (this.me !== null && this.#receiving.health.state === 'degraded') this.#receiving.connected(this.#gap);
    if (events.length > 0) this.#receiving.event(clock.now());
  }

  /** The socket did not take the token: the next question tells why. */
  #refused(): Promise<number> {
    this.me = null;
    return Promise.resolve(this.#receiving.degrade('The server does not let us listen.'));
  }

  async #failed(failure: ApiFailure): Promise<number> {
    if (this.#context.signal.aborted) return 0;
    const { status, words } = failure;
    if (status === 401) {
      this.me = null;
      return this.#receiving.fatal(
        'Mattermost does not know this bot token, or the bot was switched off: make a new one (Integrations, Bot ' +
          'Accounts) and set bot_token.',
      );
    }
    if (status === 429) {
      const pause = this.#receiving.degrade(`The server asks to wait: ${words}`);
      return Math.max(failure.retryAfterMs ?? 0, pause);
    }
    return this.#receiving.degrade(
      status === 0 ? `The server cannot be reached: ${words}` : `The server failed: ${words}`,
    );
  }
}

const newestOf = (events: readonly InboundEvent[]): number =>
  events.reduce((newest, { kind, occurredAt }) => (kind === 'message' ? Math.max(newest, occurredAt) : newest), 0);

const createdAt = (post: unknown): number => countField(post, 'create_at') ?? 0;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
