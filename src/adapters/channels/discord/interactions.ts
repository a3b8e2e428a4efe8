/**
 * Commands of the menu and pressed buttons want an answer within three seconds, or the platform tells the person that
 * nobody is there. They are told "thinking…" once their command is stored, or when storing it takes too long.
 * https://discord.com/developers/docs/interactions/receiving-and-responding
 */
import type { Clock, Log } from '../../../core/ports/system.ts';
import type { DiscordApi } from './api.ts';
import { interactionType } from './inbound.ts';
import type { ToldInteraction } from './inbound.ts';
import { originalPath } from './interaction-id.ts';

/** Leaves half of the platform's three seconds for the way. */
const waitForCommitMs = 1500;
const attempts = 2;
/** For each of them; not ended with the channel, as what is stored will be answered. */
const answerMs = 3000;

const notAdmitted = 'This is not answered: you may not use the bot here, or you asked too much at once.';
const notStored = 'This could not be stored, so it will not be answered. Please try again in a while.';

/** https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type */
const callback = { message: 4, thinking: 5, thinkingAboutUpdate: 6 };
const onlyForYou = 64;

/** One interaction until it has its first answer. */
export interface Pending {
  readonly ref: { application: string; id: string; token: string };
  readonly button: boolean;
  /** Settles when the platform has the first answer. */
  deferred: Promise<unknown> | null;
  readonly settled: AbortController;
}

export class Interactions {
  readonly #deps: { api: DiscordApi; clock: Clock; log: Log; signal: AbortSignal };

  constructor(deps: { api: DiscordApi; clock: Clock; log: Log; signal: AbortSignal }) {
    this.#deps = deps;
  }

  /** The time begins to run. */
  begin({ application_id: application, id, token, type }: ToldInteraction): Pending {
    const settled = new AbortController();
    const button = type === interactionType.component;
    const pending: Pending = { ref: { application, id, token }, button, deferred: null, settled };
    this.#deps.clock.sleep(waitForCommitMs, settled.signal).then(
      () => this.#defer(pending),
      () => undefined,
    );
    return pending;
  }

  /** It is stored and will be answered. */
  stored(pending: Pending): void {
    pending.settled.abort();
    this.#defer(pending);
  }

  /** It will not be answered, which only its person is told. */
  refused(pending: Pending): Promise<void> {
    return this.#endWith(pending, notAdmitted);
  }

  /** It could not be stored: the platform tells it once, so it is over, and its person must know. */
  failed(pending: Pending): Promise<void> {
    return this.#endWith(pending, notStored);
  }

  async #endWith(pending: Pending, words: string): Promise<void> {
    pending.settled.abort();
    const { api, signal } = this.#deps;
    const { application, token } = pending.ref;
    const body = { content: words, flags: onlyForYou };
    if (pending.deferred === null) {
      pending.deferred = this.#answer(pending, { type: callback.message, data: body });
      return;
    }
    await pending.deferred;
    const followUp = `/webhooks/${application}/${encodeURIComponent(token)}`;
    await (pending.button
      ? api.call({ method: 'POST', path: followUp, body, anonymous: true, signal })
      : api.call({ method: 'PATCH', path: originalPath(pending.ref), body, anonymous: true, signal }));
  }

  #defer(pending: Pending): void {
    const type = pending.button ? callback.thinkingAboutUpdate : callback.thinking;
    pending.deferred ??= this.#answer(pending, { type });
  }

  /** Tried once more when it certainly did not arrive, as there is no other time. */
  async #answer({ ref: { id, token } }: Pending, body: object): Promise<void> {
    const { api, log } = this.#deps;
    const path = `/interactions/${id}/${encodeURIComponent(token)}/callback`;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const signal = AbortSignal.timeout(answerMs);
      const answer = await api.call({ method: 'POST', path, body, anonymous: true, signal });
      if (answer.ok) return;
      const { status, description } = answer;
      log.warn('a command could not be acknowledged', { status, reason: description, attempt });
      if (status >= 400 && status < 500) return;
    }
  }
}
