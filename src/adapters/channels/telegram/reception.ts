/** What both ways of receiving have in common: who the bot is, calls that end, and what their failures mean for health. */
import type { BotCommand } from '@grammyjs/types';
import type { ChannelContext, InboundEvent } from '../../../core/ports/channel.ts';
import type { Receiving } from '../receiving.ts';
import type { ApiFailure, ApiOutcome, TelegramApi } from './api.ts';
import { callbackIdOf } from './inbound.ts';
import type { BotIdentity } from './inbound.ts';

/** Every call of the receive side but the poll itself. */
export const callTimeoutMs = 15_000;

/** One line of the platform's menu of commands. */
export interface MenuEntry extends BotCommand {
  /** The description by ISO 639-1 code; `description` itself is for everybody else. */
  translations?: Readonly<Record<string, string>>;
}

export interface ReceptionOptions {
  account: string;
  /** Groups are configured, so it matters what the bot can see in them. */
  groups: boolean;
  /** The platform's own menu; none leaves the menu as it is. */
  commands: readonly MenuEntry[];
}

export class Reception {
  readonly context: ChannelContext;
  readonly receiving: Receiving;
  readonly #api: TelegramApi;
  readonly #options: ReceptionOptions;
  #me: BotIdentity | null = null;

  constructor(api: TelegramApi, receiving: Receiving, context: ChannelContext, options: ReceptionOptions) {
    this.#api = api;
    this.receiving = receiving;
    this.context = context;
    this.#options = options;
  }

  get account(): string {
    return this.#options.account;
  }

  /** Null before `identify` succeeded. */
  get me(): BotIdentity | null {
    return this.#me;
  }

  /** A step of the loop. */
  async identify(): Promise<number> {
    const answer = await this.call<BotIdentity>('getMe', {}, callTimeoutMs);
    if (!answer.ok) return this.failed(answer);
    const { id, username } = answer.result ?? {};
    if (!Number.isSafeInteger(id) || (username !== undefined && typeof username !== 'string')) {
      return this.degrade("The answer to getMe is not Telegram's; check api_root.");
    }
    this.#me = answer.result;
    this.receiving.identity = username === undefined ? String(id) : `@${username}`;
    this.#setMenu().catch((error: unknown) => this.context.log.warn('the menu could not be set', { error }));
    return 0;
  }

  /** Beside the receiving: a menu that is set late, or not at all, harms nothing. */
  async #setMenu(): Promise<void> {
    const { commands } = this.#options;
    if (commands.length === 0) return;
    const languages = new Set(commands.flatMap(({ translations = {} }) => Object.keys(translations)));
    for (const language of [null, ...languages]) {
      const lines = commands.map(({ command, description, translations = {} }) => ({
        command,
        description: (language === null ? null : translations[language]) ?? description,
      }));
      const params = { commands: lines, ...(language === null ? {} : { language_code: language }) };
      const menu = await this.call('setMyCommands', params, callTimeoutMs);
      if (menu.ok) continue;
      if (this.context.signal.aborted) return;
      this.context.log.warn('the menu of commands could not be set', { reason: menu.description });
      return;
    }
  }

  connected(): void {
    const blind = this.#options.groups && this.#me?.can_read_all_group_messages === false;
    this.receiving.connected(
      blind
        ? 'In groups the bot sees only commands, mentions and replies: privacy mode is on (@BotFather, /setprivacy).'
        : '',
    );
  }

  degrade(detail: string): number {
    return this.receiving.degrade(detail);
  }

  failed(failure: ApiFailure): number {
    if (this.context.signal.aborted) return 0;
    const { code, description, foreign } = failure;
    if ((code === 401 || code === 404) && !foreign) {
      return this.receiving.fatal(
        'Telegram does not know this bot token. Copy it again from @BotFather into bot_token ' +
          '(and check api_root if you set it).',
      );
    }
    if (code === 429) {
      return Math.max(failure.retryAfterMs ?? 0, this.degrade(`Telegram asks to wait: ${description}`));
    }
    if (code === 0) return this.degrade(`Telegram cannot be reached: ${description}`);
    return this.degrade(`Telegram failed: ${description}${foreign ? '; check api_root if you set it' : ''}`);
  }

  /**
   * Tells Telegram that pressed buttons were noticed, once what they mean is committed: the little clock on them ends.
   * Nothing waits for it, and an answer that comes too late harms nobody.
   */
  acknowledge(events: readonly InboundEvent[]): void {
    for (const event of events) {
      const id = callbackIdOf(event);
      if (id === null) continue;
      this.call('answerCallbackQuery', { callback_query_id: id }, callTimeoutMs).then(
        (answer) => {
          if (!answer.ok)
            this.context.log.debug('a pressed button was not acknowledged', { reason: answer.description });
        },
        (error: unknown) => this.context.log.warn('a pressed button was not acknowledged', { error }),
      );
    }
  }

  /** A call that is over after `timeoutMs` at the latest, held by the clock of the context. */
  async call<T>(method: string, params: object, timeoutMs: number): Promise<ApiOutcome<T>> {
    const { clock, signal } = this.context;
    const call = new AbortController();
    const watch = new AbortController();
    const end = (): void => call.abort();
    signal.addEventListener('abort', end, { once: true });
    clock.sleep(timeoutMs, watch.signal).then(end, () => undefined);
    try {
      const outcome = await this.#api.call<T>(method, params, call.signal);
      if (outcome.ok || outcome.code !== 0 || !call.signal.aborted) return outcome;
      return { ...outcome, description: `${method} hung and was given up after ${timeoutMs / 1000} s` };
    } finally {
      signal.removeEventListener('abort', end);
      watch.abort();
    }
  }
}
