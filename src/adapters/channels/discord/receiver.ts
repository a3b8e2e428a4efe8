/**
 * The receive side: one connection at a time, resumed where it was, a new session only when there is no other way, and
 * never more of those than Discord forgives. https://discord.com/developers/docs/topics/gateway
 */
import type { APIGatewayBotInfo, GatewayReadyDispatchData } from 'discord-api-types/v10';
import type { ChannelContext, ChannelHealth, ChannelState, InboundSink } from '../../../core/ports/channel.ts';
import type { Random } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import type { ApiFailure, DiscordApi } from './api.ts';
import { Backfill } from './backfill.ts';
import { meaningOf } from './close-codes.ts';
import { gatewayCursor, identifyCursor, parseCursor } from './cursor.ts';
import type { GatewaySession } from './cursor.ts';
import { identifyPauseMs, maxIdentifiesPerDay, parseBudget, spend } from './identify-budget.ts';
import type { IdentifyBudget } from './identify-budget.ts';
import type { BotIdentity } from './inbound.ts';
import { Intake } from './intake.ts';
import { Interactions } from './interactions.ts';
import { runLink } from './link.ts';
import type { Dispatch, LinkEnd } from './link.ts';
import { registerMenu } from './menu.ts';
import type { MenuCommand } from './menu.ts';
import { Places } from './places.ts';
import { isLater, isSnowflake, snowflakeAt } from './snowflake.ts';

const minBackoffMs = 1000;
const maxBackoffMs = 60_000;
/** Resumes that fail one after the other before the session is given up. */
const maxResumes = 8;
/** A session that lived so long was a good one. */
const stableMs = 60_000;
/** Before a connection that worked and ended is taken up again; longer each time when they end at once. */
const minPauseMs = 100;
const maxPauseMs = 2000;
const shortLivedMs = 10_000;
/** How often what only a person can mend is tried again. */
const fatalRetryMs = 900_000;
/** Channels of which we learn that somebody wrote there while we were away. */
const maxDiscovered = 50;
/** Where people write: texts, direct messages, announcements, threads, and the texts of voice channels. */
const textChannels: ReadonlySet<unknown> = new Set([0, 2, 5, 10, 11, 12, 13]);

export interface ReceiverOptions {
  account: string;
  token: Secret;
  guild: string | null;
  commands: readonly MenuCommand[];
  random: Random;
}

export class Receiver {
  readonly #api: DiscordApi;
  readonly #sink: InboundSink;
  readonly #context: ChannelContext;
  readonly #options: ReceiverOptions;
  readonly #places: Places;
  readonly #health: ChannelHealth = {
    state: 'starting',
    detail: '',
    lastReceiveAt: null,
    lastEventAt: null,
    identity: null,
  };
  #intake: Intake | null = null;
  #backfill: Backfill | null = null;
  #storing: Promise<void> = Promise.resolve();
  #budget: IdentifyBudget;
  #gatewayUrl: string | null = null;
  #failures = 0;
  #resumes = 0;
  #shortLived = 0;
  #identifyFailures = 0;
  /** When the connection was greeted, monotonic; null while it is not. */
  #greetedAt: number | null = null;
  /** What was heard of when the last connection ended. */
  #since: string | null = null;
  #discovered = 0;
  #menuDone = false;

  constructor(api: DiscordApi, sink: InboundSink, context: ChannelContext, options: ReceiverOptions) {
    this.#api = api;
    this.#sink = sink;
    this.#context = context;
    this.#options = options;
    this.#places = new Places(api, context.signal);
    this.#budget = parseBudget(context.cursors.get(identifyCursor));
  }

  get health(): ChannelHealth {
    const { state, detail } = this.#health;
    const lastEventAt = this.#intake?.lastEventAt ?? null;
    if (state === 'connected' && this.#intake?.failing === true) {
      const words = 'Messages are received but cannot be stored; check the disk and the log.';
      return { ...this.#health, state: 'degraded', detail: words, lastEventAt };
    }
    return { ...this.#health, state, detail, lastEventAt };
  }

  get places(): Places {
    return this.#places;
  }

  /** We wrote in a channel. */
  spoke(channel: string, message: string): void {
    this.#intake?.spoke(channel, message);
  }

  /** Returns once the signal has aborted and nothing is under way. */
  async run(): Promise<void> {
    const { signal, clock, log } = this.#context;
    while (!signal.aborted) {
      let pauseMs: number;
      try {
        const intake = this.#intake;
        pauseMs = intake === null ? await this.#introduce() : await this.#connect(intake);
      } catch (error) {
        // A bug must not end the loop: a channel that silently stopped receiving is the worst of all failures.
        log.error('the loop failed and goes on', { error });
        pauseMs = this.#degrade('An unexpected error; the log has the details.');
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
    await Promise.all([this.#storing, this.#backfill?.settled()]);
    this.#set('stopped', '');
  }

  /** Who we are; resolves with the milliseconds to wait before the next step, as all steps do. */
  async #introduce(): Promise<number> {
    const { signal, cursors } = this.#context;
    const { account, guild } = this.#options;
    const answer = await this.#api.call<BotIdentity>({ method: 'GET', path: '/users/@me', signal });
    if (!answer.ok) return this.#refused(answer);
    const { id, username } = answer.result ?? {};
    if (!isSnowflake(id) || typeof username !== 'string') {
      return this.#degrade("The answer of the API is not Discord's; check channels.discord.api_root.");
    }
    this.#health.identity = username;
    const [api, context, places] = [this.#api, this.#context, this.#places];
    const cursor = parseCursor(cursors.get(gatewayCursor));
    const interactions = new Interactions({ api, ...context });
    const about = { account, me: { id, username } };
    this.#intake = new Intake({ sink: this.#sink, context, about, places, interactions, guild }, cursor);
    this.#backfill = new Backfill({ api, context, places, intake: this.#intake });
    this.#storing = this.#intake.run();
    this.#since = cursor.latest;
    return 0;
  }

  async #connect(intake: Intake): Promise<number> {
    if (intake.full) {
      this.#degrade('Messages cannot be stored, so no more are taken; check the disk and the log.');
      await intake.drained();
    }
    const session = intake.session;
    if (session === null) {
      const pauseMs = await this.#mayIdentify();
      if (pauseMs > 0) return pauseMs;
    }
    const url = session?.url ?? this.#gatewayUrl;
    if (!this.#isGateway(url)) {
      intake.setSession(null);
      return this.#degrade('Discord names no gateway; check channels.discord.api_root.');
    }
    const end = await this.#link(url, session, intake);
    return this.#context.signal.aborted ? 0 : this.#judge(end, session, intake);
  }

  /** The token goes there: never unencrypted when the API is asked encrypted. */
  #isGateway(url: unknown): url is string {
    const form = this.#api.encrypted ? /^wss:\/\// : /^wss?:\/\//;
    return typeof url === 'string' && form.test(url) && URL.canParse(url);
  }

  async #link(url: string, session: GatewaySession | null, intake: Intake): Promise<LinkEnd> {
    const { clock, signal } = this.#context;
    const { token, random } = this.#options;
    const ended = new AbortController();
    const stop = (): void => ended.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    this.#greetedAt = null;
    const end = await runLink({
      url,
      token,
      session,
      clock,
      random,
      signal: ended.signal,
      onAlive: () => (this.#health.lastReceiveAt = clock.now()),
      onDispatch: (dispatch) => {
        try {
          this.#dispatched(dispatch, intake);
        } catch (error) {
          // A field that is not what Discord says it is must end neither the connection nor the process.
          this.#sink.malformed(error instanceof Error ? error.message : 'unknown');
        }
        if (intake.full) stop();
      },
    });
    signal.removeEventListener('abort', stop);
    this.#since = intake.latest ?? this.#since;
    return end;
  }

  /** 0 when a new session may be begun now; that it is begun is stored before. */
  async #mayIdentify(): Promise<number> {
    const { clock, signal, log } = this.#context;
    const pauseMs = identifyPauseMs(this.#identifyFailures);
    if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(() => undefined);
    const answer = await this.#api.call<APIGatewayBotInfo>({ method: 'GET', path: '/gateway/bot', signal });
    if (!answer.ok) return this.#refused(answer);
    const { url, session_start_limit: limit } = answer.result ?? {};
    this.#gatewayUrl = url ?? null;
    if (limit?.remaining === 0) {
      this.#set('degraded', 'Discord allows no new session of this bot for now; it is tried again when it does.');
      return Math.max(minBackoffMs, limit.reset_after);
    }
    const now = clock.now();
    const next = spend(this.#budget, now);
    if ('waitMs' in next) {
      this.#set(
        'fatal',
        `${maxIdentifiesPerDay} sessions were begun within a day, and Discord resets the token of a bot that begins ` +
          'too many. Look for a second program with this token; it is tried again when the day is over.',
      );
      return Math.min(next.waitMs, fatalRetryMs);
    }
    try {
      await this.#sink.commit([], { key: identifyCursor, value: JSON.stringify(next.left) });
    } catch (error) {
      log.warn('a new session is not begun before that can be stored', { error });
      return this.#degrade('Nothing can be stored; check the disk and the log.');
    }
    this.#budget = next.left;
    this.#identifyFailures++;
    return 0;
  }

  #dispatched(dispatch: Dispatch, intake: Intake): void {
    const { type, seq, data } = dispatch;
    this.#health.lastReceiveAt = this.#context.clock.now();
    if (type === 'READY') {
      const ready = data as GatewayReadyDispatchData;
      const url = this.#isGateway(ready.resume_gateway_url) ? ready.resume_gateway_url : (this.#gatewayUrl ?? '');
      intake.setSession({ id: ready.session_id, url, seq });
      this.#discovered = 0;
      this.#greeted(intake);
      void this.#offerMenu(ready.application?.id);
      return;
    }
    intake.receive(dispatch);
    if (type === 'RESUMED') {
      this.#greeted(intake);
      void this.#offerMenu();
    } else this.#learn(type, data);
  }

  #greeted(intake: Intake): void {
    this.#greetedAt = this.#context.clock.monotonic();
    this.#failures = 0;
    this.#resumes = 0;
    this.#set('connected', '');
    for (const [channel, last] of intake.recent) this.#backfill?.begin(channel, last);
  }

  /** Where channels lie, and in which of them somebody wrote while we were away. */
  #learn(type: string, data: unknown): void {
    if (type === 'GUILD_CREATE') {
      const { id, joined_at: joined, channels = [], threads = [] } = data as ToldGuild;
      const { guild: only } = this.#options;
      // What was said before we came is not for us.
      const joinedAt = Date.parse(joined ?? '');
      const since = later(this.#since, Number.isNaN(joinedAt) ? null : snowflakeAt(joinedAt));
      for (const channel of [...channels, ...threads]) {
        this.#places.learn(channel, id);
        if (only === null || only === id) this.#discover(channel, since);
      }
    } else if (type === 'THREAD_LIST_SYNC') {
      for (const thread of (data as { threads?: Channels }).threads ?? []) this.#places.learn(thread);
    } else if (/^(CHANNEL|THREAD)_(CREATE|UPDATE)$/.test(type)) {
      this.#places.learn(data as Channels[number]);
    }
  }

  #discover({ id, type, last_message_id: last }: Channels[number], since: string | null): void {
    if (since === null || !isSnowflake(id) || !isSnowflake(last) || !isLater(last, since)) return;
    if (this.#intake?.recent.has(id) === true || !textChannels.has(type)) return;
    if (++this.#discovered <= maxDiscovered) this.#backfill?.begin(id, since);
  }

  async #offerMenu(told?: string): Promise<void> {
    const { signal, log } = this.#context;
    const { commands, guild } = this.#options;
    if (this.#menuDone || commands.length === 0) return;
    this.#menuDone = true;
    let application = told;
    if (application === undefined) {
      const answer = await this.#api.call<{ id?: string }>({ method: 'GET', path: '/oauth2/applications/@me', signal });
      application = answer.ok ? answer.result?.id : undefined;
    }
    const problem = isSnowflake(application)
      ? await registerMenu(this.#api, application, guild, commands, signal)
      : 'Discord does not tell which application the bot belongs to';
    if (problem === null || signal.aborted) return;
    this.#menuDone = false;
    log.warn('the menu of commands could not be set; it is tried again with the next connection', { reason: problem });
  }

  /** What follows the end of a connection. */
  #judge(end: LinkEnd, session: GatewaySession | null, intake: Intake): number {
    const livedMs = this.#greetedAt === null ? null : this.#context.clock.monotonic() - this.#greetedAt;
    if (livedMs !== null && livedMs >= stableMs) this.#identifyFailures = 0;
    // The queue is full: it is emptied before the next connection.
    if (end.why === 'stopped') return 0;
    const meaning = end.why === 'closed' ? meaningOf(end.code) : null;
    if (meaning?.next === 'give_up') {
      intake.setSession(null);
      this.#set('fatal', meaning.fix);
      return fatalRetryMs;
    }
    const gone = meaning?.next === 'identify' || (end.why === 'invalid_session' && !end.resumable);
    const hopeless = livedMs === null && session !== null && ++this.#resumes >= maxResumes;
    if (gone || hopeless) {
      intake.setSession(null);
      this.#resumes = 0;
    }
    if (livedMs !== null && end.why !== 'garbage') {
      this.#set('degraded', `The connection to Discord ended (${wordsOf(end)}); it is taken up again.`);
      return this.#pauseAfter(livedMs);
    }
    if (gone) return this.#pauseAfter(0);
    return this.#degrade(`Discord's gateway cannot be used: ${wordsOf(end)}.`);
  }

  async #refused(failure: ApiFailure): Promise<number> {
    if (this.#context.signal.aborted) return 0;
    if (failure.status === 401) {
      const meaning = meaningOf(4004);
      this.#set('fatal', meaning.next === 'give_up' ? meaning.fix : '');
      return fatalRetryMs;
    }
    const { status, description, wait } = failure;
    const backoffMs = this.#degrade(
      status === 0 ? `Discord cannot be reached: ${description}` : `Discord failed: ${description}`,
    );
    return Math.max(wait?.ms ?? 0, backoffMs);
  }

  #pauseAfter(livedMs: number): number {
    this.#shortLived = livedMs < shortLivedMs ? this.#shortLived + 1 : 0;
    const ceiling = Math.min(maxPauseMs, minPauseMs * 2 ** Math.min(this.#shortLived, 10));
    return ceiling * (0.5 + this.#options.random.unit() / 2);
  }

  #degrade(detail: string): number {
    this.#set('degraded', detail);
    const ceiling = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(++this.#failures, 10));
    return Math.max(minBackoffMs, ceiling * (0.5 + this.#options.random.unit() / 2));
  }

  #set(state: ChannelState, detail: string): void {
    this.#health.state = state;
    this.#health.detail = detail;
  }
}

/** Null when nothing was heard of yet: there is no gap then. */
const later = (since: string | null, joined: string | null): string | null =>
  since !== null && joined !== null && isLater(joined, since) ? joined : since;

interface ToldGuild {
  id?: string;
  joined_at?: string;
  channels?: Channels;
  threads?: Channels;
}

type Channels = { id: string; type: number; last_message_id?: string | null; [key: string]: unknown }[];

function wordsOf(end: LinkEnd): string {
  switch (end.why) {
    case 'closed':
      return `code ${end.code}`;
    case 'reconnect':
      return 'Discord asked for it';
    case 'invalid_session':
      return 'the session is not valid any more';
    case 'stopped':
      return 'stopped';
    default:
      return end.detail;
  }
}
