/** The receive side of a channel that is called at its hook: who may call, health, and an end at which nothing is lost. */
import type {
  ChannelContext,
  ChannelHealth,
  HookRequest,
  HookResponse,
  InboundEvent,
  InboundReceipt,
  InboundSink,
} from '../../core/ports/channel.ts';
import { tryLater, unverified } from './hook-answers.ts';
import type { Verification } from './verify.ts';

/** Strangers must not fill the log. */
const refusalsLoggedEveryMs = 60_000;

export interface HookSideOptions {
  /** Where it is called, as health shows it: `/hooks/orders`. */
  path: string;
  verify: (request: HookRequest, nowMs: number) => Verification;
  /** What is wrong with the configuration although it receives, in words with the fix. */
  problem?: string;
}

/** `fatal`: nothing will work before a person mends it. */
export interface Trouble {
  state: 'connected' | 'fatal';
  detail: string;
}

/** Commits and resolves with the receipts; null when the store could not take the events. */
export type CommitHook = (events: InboundEvent[]) => Promise<readonly InboundReceipt[] | null>;

export class HookSide {
  readonly #options: HookSideOptions;
  readonly #underway = new Set<Promise<unknown>>();
  readonly #health: ChannelHealth;
  #listening: { sink: InboundSink; context: ChannelContext } | null = null;
  #started = false;
  /** Why the first request was refused, while none has passed. */
  #refusal = '';
  #trouble: Trouble | null;
  #refusals = { count: 0, loggedAt: Number.NEGATIVE_INFINITY };

  constructor(options: HookSideOptions) {
    this.#options = options;
    this.#trouble = options.problem === undefined ? null : { state: 'connected', detail: options.problem };
    this.#health = {
      state: 'starting',
      detail: '',
      lastReceiveAt: null,
      lastEventAt: null,
      identity: options.path,
    };
  }

  get health(): ChannelHealth {
    return { ...this.#health };
  }

  set identity(name: string) {
    this.#health.identity = name;
  }

  /** What is wrong although it receives, in words with the fix; null when nothing is any more. */
  trouble(trouble: Trouble | null): void {
    this.#trouble = trouble;
    if (this.#health.state === 'connected' || this.#health.state === 'fatal') this.#well();
  }

  start(sink: InboundSink, context: ChannelContext): void {
    if (this.#started) throw new Error(`what listens at ${this.#options.path} is started once`);
    this.#started = true;
    this.#listening = { sink, context };
    this.#well();
    if (context.signal.aborted) this.#end();
    else context.signal.addEventListener('abort', () => this.#end(), { once: true });
  }

  /** Nothing more is taken; what is being committed is waited for until the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    this.#end();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([Promise.allSettled(this.#underway), deadline]);
    clearTimeout(timer);
  }

  /** Lets `take` answer a request that is from whom it says. `malformed` counts what could not be understood. */
  async receive(
    request: HookRequest,
    take: (commit: CommitHook, malformed: (detail: string) => void, nowMs: number) => Promise<HookResponse>,
  ): Promise<HookResponse> {
    const listening = this.#listening;
    if (listening === null) return tryLater;
    const { sink, context } = listening;
    const now = context.clock.now();
    const verification = this.#options.verify(request, now);
    if (!verification.ok) {
      this.#refused(verification.reason, context);
      return unverified;
    }
    this.#health.lastReceiveAt = now;
    this.#refusal = '';
    if (this.#health.state === 'connected') this.#well();
    const work = take(
      (events) => this.#commit(events, listening),
      (detail) => sink.malformed(detail),
      now,
    );
    this.#underway.add(work);
    try {
      return await work;
    } finally {
      this.#underway.delete(work);
    }
  }

  async #commit(
    events: InboundEvent[],
    { sink, context }: { sink: InboundSink; context: ChannelContext },
  ): Promise<readonly InboundReceipt[] | null> {
    try {
      const receipts = await sink.commit(events);
      if (events.length > 0) this.#health.lastEventAt = context.clock.now();
      this.#well();
      return receipts ?? [];
    } catch (error) {
      context.log.warn('what came in could not be stored; its sender is told to send it again', { error });
      if (this.#listening !== null) {
        this.#set('degraded', 'Messages are received but cannot be stored; check the disk and the log.');
      }
      return null;
    }
  }

  /** The first refusal is shown until something passes: it is most likely a secret that was copied wrongly. */
  #refused(reason: string, { clock, log }: ChannelContext): void {
    if (this.#health.lastReceiveAt === null && this.#refusal === '') {
      this.#refusal = `Requests come in and none has passed yet: ${reason}.`;
      this.#well();
    }
    this.#refusals.count += 1;
    if (clock.monotonic() - this.#refusals.loggedAt < refusalsLoggedEveryMs) return;
    const { count } = this.#refusals;
    this.#refusals = { count: 0, loggedAt: clock.monotonic() };
    log.warn('requests to the hook were refused', { hook: this.#options.path, reason, count });
  }

  #well(): void {
    if (this.#listening === null) return;
    this.#set(this.#trouble?.state ?? 'connected', this.#trouble?.detail ?? this.#refusal);
  }

  #end(): void {
    this.#listening = null;
    if (this.#started) this.#set('stopped', '');
  }

  #set(state: ChannelHealth['state'], detail: string): void {
    this.#health.state = state;
    this.#health.detail = detail;
  }
}
