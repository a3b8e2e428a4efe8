/**
 * The receive side of one app: who we are, then one connection of Socket Mode after the other, or Slack's requests to
 * our hook. A new connection is opened before an old one that Slack wants to end is closed, so there are two for a
 * moment, and never more.
 */
import { noLongerNeeded } from '../../../core/abort.ts';
import { fullBucket, take } from '../../../core/pace.ts';
import type { ChannelContext, HookRequest, HookResponse, InboundSink } from '../../../core/ports/channel.ts';
import type { Random } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import { hookFailure, tryLater, unverified } from '../hook-answers.ts';
import { textField } from '../json-http.ts';
import type { Receiving, Step } from '../receiving.ts';
import { verifySlack } from '../verify.ts';
import type { ApiFailure, SlackApi } from './api.ts';
import { CatchUp } from './catch-up.ts';
import { ofEnvelope } from './deliveries.ts';
import type { Delivery } from './deliveries.ts';
import { readHook } from './hook.ts';
import { commandNative, namedBy } from './inbound.ts';
import type { Identity, InboundContext } from './inbound.ts';
import { Intake, positionsCursor } from './intake.ts';
import { Link } from './link.ts';
import type { LinkEnd } from './link.ts';
import { Names } from './names.ts';
import { fatalWords } from './outcome.ts';
import { Positions } from './positions.ts';
import { Recent } from './recent.ts';

const callTimeoutMs = 15_000;
/** A token that was revoked says so only when it is used. */
const identifyEveryMs = 600_000;
/** `apps.connections.open` is taken 50 times a minute; a few lost connections are replaced at once. */
const reconnects = { perSecond: 0.75, burst: 15 };
/** So that many gateways do not come back in the same instant. */
const maxJitterMs = 200;
/** For a clock of ours that is ahead of Slack's. */
const clockMarginMs = 60_000;
/** Slack delivers again by itself for some minutes; what is shorter is certainly covered. */
const longAwayMs = 30_000;
/** Slack counts a request as failed after three seconds. */
const hookPatienceMs = 2500;
/** Questions whose author is remembered for the stream of their answer, and commands whose address for answers is. */
const maxRemembered = 500;

export interface ReceiverOptions {
  account: string;
  api: SlackApi;
  /** With the app-level token; null without Socket Mode. */
  appApi: SlackApi | null;
  signingSecret: Secret | null;
  commands: ReadonlySet<string>;
  random: Random;
  receiving: Receiving;
}

export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #context: ChannelContext;
  readonly #sink: InboundSink;
  readonly #positions: Positions;
  readonly #names: Names;
  readonly #intake: Intake;
  readonly #catchUp: CatchUp;
  readonly #reconnects;
  readonly #authors = new Recent<string>(maxRemembered);
  readonly #answerTo = new Recent<string>(maxRemembered);
  #me: Identity | null = null;
  #identifiedAt = 0;
  #link: Link | null = null;
  #listened = false;
  #trouble: string | null = null;
  #refusal = '';

  constructor(options: ReceiverOptions, sink: InboundSink, context: ChannelContext) {
    this.#options = options;
    this.#context = context;
    this.#sink = sink;
    this.#positions = new Positions(context.cursors.get(positionsCursor));
    this.#names = new Names(options.api, context);
    this.#reconnects = fullBucket(reconnects, context.clock.monotonic());
    this.#catchUp = new CatchUp(options.api, this.#positions, context, () => this.#intake);
    this.#intake = new Intake({
      sink,
      context,
      positions: this.#positions,
      reading: () => this.#reading(),
      isBehind: (place) => this.#catchUp.isBehind(place),
      learnNames: (deliveries) => this.#names.learn([...new Set(deliveries.flatMap(namedBy))]),
      refused: (delivery) => this.#turnAway(delivery),
      trouble: (detail) => this.#troubled(detail),
    });
  }

  get me(): Identity | null {
    return this.#me;
  }

  /** Who asked the question with this ts; null when that was long ago. */
  authorOf(channel: string, ts: string): string | null {
    return this.#authors.get(`${channel}:${ts}`) ?? null;
  }

  /** Where an answer to a slash command may be sent although we are no member of its channel. */
  responseUrl(native: string): string | null {
    return this.#answerTo.get(native) ?? null;
  }

  /** What runs beside the steps; returns once the signal has aborted. */
  async run(): Promise<void> {
    await Promise.all([this.#intake.run(), this.#catchUp.run()]);
  }

  readonly step: Step = () => {
    const { clock } = this.#context;
    if (this.#me === null || clock.monotonic() - this.#identifiedAt >= identifyEveryMs) return this.#identify();
    if (this.#options.appApi === null) return this.#awaitHooks();
    return this.#connect(this.#options.appApi);
  };

  async hook(request: HookRequest, signal: AbortSignal): Promise<HookResponse> {
    const { signingSecret, receiving } = this.#options;
    const { clock } = this.#context;
    if (signingSecret === null) return unverified;
    const verification = verifySlack(request, signingSecret, clock.now());
    if (!verification.ok) {
      this.#refused(verification.reason);
      return unverified;
    }
    receiving.received(clock.now());
    if (this.#refusal !== '') this.#refused('');
    const hooked = readHook(request);
    if (hooked.kind === 'challenge') return { status: 200, body: JSON.stringify({ challenge: hooked.challenge }) };
    if (hooked.kind === 'nothing') return { status: 200 };
    if (hooked.kind === 'malformed') {
      this.#sink.malformed(hooked.detail);
      return hookFailure(400, 'malformed', 'The body is not what Slack sends.');
    }
    const ending = AbortSignal.any([signal, this.#context.signal]);
    if (this.#me === null || ending.aborted) return tryLater;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (!this.#take(hooked.delivery, () => resolve(true))) return tryLater;
    const over = new AbortController();
    const enough = (): void => resolve(false);
    ending.addEventListener('abort', enough, { once: true });
    clock.sleep(hookPatienceMs, over.signal).then(enough, () => undefined);
    const committed = await promise;
    over.abort(noLongerNeeded);
    ending.removeEventListener('abort', enough);
    return committed ? { status: 200 } : tryLater;
  }

  /** Why requests are refused is shown until one passes: most likely the secret was copied wrongly. */
  #refused(reason: string): void {
    const { receiving, appApi } = this.#options;
    const { state, lastReceiveAt } = receiving.health;
    if (appApi !== null || state !== 'connected' || (reason !== '' && lastReceiveAt !== null)) return;
    this.#refusal = reason;
    receiving.connected(reason === '' ? '' : `Requests come in and none has passed yet: ${reason}.`);
  }

  async #identify(): Promise<number> {
    const { api, receiving } = this.#options;
    const answer = await api.call<object>('auth.test', {}, this.#context.signal, callTimeoutMs);
    if (!answer.ok) return this.#failed(answer, 'bot_token');
    const [team, user] = [textField(answer.result, 'team_id'), textField(answer.result, 'user_id')];
    if (team === undefined || user === undefined || !/^[A-Z0-9]+$/.test(user)) {
      return receiving.degrade("The answer to auth.test is not Slack's; check api_root.");
    }
    const bot = textField(answer.result, 'bot_id') ?? '';
    if (bot === '' && textField(answer.result, 'is_bot') === undefined) {
      this.#context.log.warn('the token seems to be that of a person, not of a bot');
    }
    this.#identifiedAt = this.#context.clock.monotonic();
    this.#me = { team, user, bot, name: textField(answer.result, 'user') ?? user };
    const workspace = textField(answer.result, 'team');
    receiving.identity = workspace === undefined ? `@${this.#me.name}` : `@${this.#me.name} in ${workspace}`;
    return 0;
  }

  /** Nothing to do but to be there: Slack calls. Whether it still would is seen by asking who we are. */
  #awaitHooks(): Promise<number> {
    const { receiving, signingSecret } = this.#options;
    if (signingSecret === null) {
      const words =
        'Nothing can be received: give app_token (Socket Mode) or signing_secret (events ' +
        'over HTTP). Messages can be sent.';
      return Promise.resolve(receiving.fatal(words));
    }
    if (this.#trouble === null && receiving.health.state !== 'connected') receiving.connected();
    if (!this.#listened) this.#listen(Number.POSITIVE_INFINITY);
    this.#listened = true;
    return Promise.resolve(identifyEveryMs);
  }

  /** Opens a connection, lets go of the one before, and stays until it is time for the next. */
  async #connect(appApi: SlackApi): Promise<number> {
    const { receiving, random } = this.#options;
    const { signal, clock } = this.#context;
    const opened = await appApi.call<object>('apps.connections.open', {}, signal, callTimeoutMs);
    if (!opened.ok) return this.#failed(opened, 'app_token');
    const url = textField(opened.result, 'url');
    if (url === undefined || !appApi.isSocket(url)) return receiving.degrade('Slack named no address to connect to.');
    const link = new Link(url, this.#events(), clock);
    const close = (): void => link.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    try {
      await link.greeted();
    } catch (error) {
      signal.removeEventListener('abort', close);
      if (signal.aborted) return 0;
      return receiving.degrade(`Slack cannot be reached: ${(error as Error).message}.`);
    }
    const before = this.#link;
    this.#link = link;
    const ours = before === null || before.isOver ? 1 : 2;
    before?.close();
    receiving.received(clock.now());
    this.#connected(link, ours);
    const end = await link.leaving;
    void link.closed.then(() => signal.removeEventListener('abort', close));
    if (signal.aborted) {
      await link.closed;
      return 0;
    }
    return this.#left(end, take(this.#reconnects, reconnects, clock.monotonic()) + random.unit() * maxJitterMs);
  }

  #left(end: LinkEnd, pauseMs: number): number {
    const { receiving } = this.#options;
    this.#context.log.debug('a connection ends', { why: end.why, detail: end.detail });
    if (end.why === 'disabled') {
      this.#link?.close();
      return receiving.fatal(
        'Socket Mode was turned off for this app: turn it on again on the app\'s page "Socket Mode".',
      );
    }
    if (end.why === 'too_many') {
      return receiving.degrade(
        'Slack counts too many connections of this app (ten are allowed): stop the other programs that use its app_token.',
      );
    }
    return Math.max(1, Math.ceil(pauseMs));
  }

  #connected({ connections }: Link, ours: number): void {
    const others = connections - ours;
    this.#trouble = null;
    this.#options.receiving.connected(
      others > 0
        ? `Slack counts ${others} more ${others === 1 ? 'connection' : 'connections'} of this app: another program with ` +
            'the same app_token gets a part of the messages (one that was just stopped is counted for a while).'
        : '',
    );
    this.#listened = true;
  }

  #listen(awayMs: number): void {
    if (this.#positions.since === null) {
      // What was said before the first start is not ours; from now on nothing is missed.
      this.#positions.caughtUp(((this.#context.clock.now() - clockMarginMs) / 1000).toFixed(6));
      this.#intake.store();
    } else this.#catchUp.begin(awayMs >= longAwayMs);
  }

  #events(): ConstructorParameters<typeof Link>[1] {
    const { receiving } = this.#options;
    const { clock } = this.#context;
    return {
      // Nobody listened for a while, unless another connection still does.
      greeted: () => {
        if (this.#link === null || this.#link.isOver) this.#listen(this.#link?.overForMs ?? Number.POSITIVE_INFINITY);
      },
      alive: () => receiving.received(clock.now()),
      malformed: (detail) => this.#sink.malformed(detail),
      envelope: (type, payload, ack) => {
        const delivery = ofEnvelope(type, payload);
        // What is not ours to act on is taken all the same, or Slack would repeat it.
        if (delivery === null) ack();
        else this.#take(delivery, ack);
      },
    };
  }

  /** False when there is no room; Slack then delivers again. */
  #take(delivery: Delivery, done: () => void): boolean {
    const arrival = { delivery, done };
    this.#options.receiving.event(this.#context.clock.now());
    this.#remember(delivery);
    if (this.#catchUp.holds(arrival) || this.#intake.offer(arrival)) return true;
    // Slack delivers it again some times; if the flood lasts longer than that, the history still has it.
    this.#catchUp.begin(false);
    return false;
  }

  #remember({ type, payload }: Delivery): void {
    if (type === 'event') {
      const { channel, ts, user } = payload.event ?? {};
      if (typeof channel === 'string' && typeof ts === 'string' && typeof user === 'string')
        this.#authors.set(`${channel}:${ts}`, user);
    } else if (type === 'command') {
      const { trigger_id: trigger, response_url: url } = payload;
      if (typeof trigger === 'string' && typeof url === 'string') this.#answerTo.set(commandNative(trigger), url);
    }
  }

  /** Who used a command or a button sees that nothing will come of it; who wrote a message sees nothing. */
  #turnAway({ type, payload }: Delivery): void {
    if (type === 'event' || typeof payload.response_url !== 'string') return;
    const { api } = this.#options;
    const { signal, log } = this.#context;
    const text = 'You may not use this bot here.';
    api
      .respond(payload.response_url, { response_type: 'ephemeral', replace_original: false, text }, signal)
      .catch((error: unknown) => log.error('a stranger could not be told', { error }));
  }

  #reading(): InboundContext {
    const { account, commands } = this.#options;
    const me = this.#me;
    if (me === null) throw new Error('received before the bot was known');
    return {
      account,
      me,
      commands,
      known: (id) => this.#names.get(id),
      isOurThread: (channel, thread) => this.#positions.isOurs(channel, thread),
      now: this.#context.clock.now(),
    };
  }

  #troubled(detail: string | null): void {
    if (detail === this.#trouble) return;
    this.#trouble = detail;
    const { receiving } = this.#options;
    if (detail !== null) receiving.degrade(detail);
    else if (this.#listened || this.#options.appApi === null) receiving.connected();
  }

  #failed(failure: ApiFailure, key: 'bot_token' | 'app_token'): number {
    const { receiving } = this.#options;
    if (this.#context.signal.aborted) return 0;
    const fatal = fatalWords(failure, key);
    if (fatal !== null) return receiving.fatal(fatal);
    const words = failure.error === 'no_answer' ? 'Slack cannot be reached' : 'Slack failed';
    return Math.max(receiving.degrade(`${words}: ${failure.description}`), failure.retryAfterMs ?? 0);
  }
}
