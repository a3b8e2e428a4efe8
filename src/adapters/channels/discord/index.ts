/**
 * Discord: one bot, by its gateway and REST API. Limits are those of https://discord.com/developers/docs; why the
 * client is our own: docs/decisions/0006.
 */
import type { APIMessage } from 'discord-api-types/v10';
import { ClankerError, invalidInput } from '../../../core/errors.ts';
import type { Attachment, ConversationRef, MessageRef } from '../../../core/message.ts';
import type {
  Change,
  Channel,
  ChannelCapabilities,
  ChannelContext,
  ChannelHealth,
  InboundSink,
  OutboundPart,
  SendOutcome,
} from '../../../core/ports/channel.ts';
import type { HttpClient } from '../../../core/ports/http-client.ts';
import type { Random } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import { DiscordApi } from './api.ts';
import type { ApiOutcome } from './api.ts';
import { isOpen, originalPath, parseInteraction } from './interaction-id.ts';
import type { InteractionRef } from './interaction-id.ts';
import type { MenuCommand } from './menu.ts';
import { failedOutcome } from './outcome.ts';
import { changedMessage, newMessage, payload } from './outbound.ts';
import { Receiver } from './receiver.ts';
import { measure, render } from './render.ts';
import { isSnowflake } from './snowflake.ts';

const maxFileBytes = 10 * 2 ** 20;
/** Where Discord keeps what people attach. */
const fileHosts: ReadonlySet<string> = new Set(['cdn.discordapp.com', 'media.discordapp.net']);
/** The message of an interaction that was deferred and has no text yet. */
const loading = 128;

export interface DiscordChannelOptions {
  /** `main` */
  account: string;
  token: Secret;
  /** `https://discord.com/api`, or a server of one's own; the address of the gateway is asked there. */
  apiRoot: string;
  /** The only guild that is listened to and has the menu; default every guild. */
  guildId?: string;
  http: HttpClient;
  random: Random;
  /** The platform's own menu. Default none, which leaves the menu as it is. */
  commands?: readonly MenuCommand[];
}

export const discordCapabilities: ChannelCapabilities = {
  text: { maxLength: 2000, maxSpans: 300, measure },
  edit: { supported: true, directMs: 1200, groupMs: 1200 },
  idempotentSend: 'native',
  typing: { supported: true, refreshMs: 8000 },
  files: { maxBytes: maxFileBytes },
  buttons: true,
  pace: { accountPerSecond: 40, conversationPerSecond: 1, groupPerMinute: 60 },
};

export const createDiscordChannel = (options: DiscordChannelOptions): Channel => new DiscordChannel(options);

class DiscordChannel implements Channel {
  readonly type = 'discord';
  readonly account: string;
  readonly capabilities = discordCapabilities;
  readonly #options: DiscordChannelOptions;
  readonly #api: DiscordApi;
  #receiver: Receiver | null = null;
  #running: Promise<void> = Promise.resolve();
  #stop: AbortController | null = null;

  constructor(options: DiscordChannelOptions) {
    this.account = options.account;
    this.#options = options;
    this.#api = new DiscordApi(options.http, options.apiRoot, options.token);
  }

  start(sink: InboundSink, context: ChannelContext): void {
    if (this.#stop !== null) throw new Error('a Discord channel is started once');
    const stop = new AbortController();
    this.#stop = stop;
    const onAbort = (): void => stop.abort();
    if (context.signal.aborted) stop.abort();
    context.signal.addEventListener('abort', onAbort, { once: true });
    const { account, token, guildId = null, commands = [], random } = this.#options;
    const settings = { account, token, guild: guildId, commands, random };
    this.#receiver = new Receiver(this.#api, sink, { ...context, signal: stop.signal }, settings);
    this.#running = this.#receiver.run().finally(() => context.signal.removeEventListener('abort', onAbort));
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stop?.abort();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#running, deadline]);
    clearTimeout(timer);
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const { native } = part.conversation;
    const interaction = parseInteraction(part.replyTo);
    const answered = interaction === null ? null : await this.#answer(interaction, part, signal);
    if (answered !== null) return answered;
    const path = `/channels/${native}/messages`;
    const body = payload(newMessage(part), part);
    const outcome = created(await this.#api.call<APIMessage>({ method: 'POST', path, body, signal }));
    if (outcome.ok) this.#receiver?.spoke(native, outcome.ref);
    return outcome;
  }

  async edit(message: MessageRef, { body }: Change, signal: AbortSignal): Promise<SendOutcome> {
    const path = `/channels/${message.conversation.native}/messages`;
    const answer = await this.#api.call({
      method: 'PATCH',
      path: `${path}/${message.native}`,
      route: `PATCH ${path}`,
      body: changedMessage(body),
      signal,
    });
    return answer.ok ? { ok: true, ref: message.native } : failedOutcome(answer, 'edit');
  }

  async typing({ native }: ConversationRef, signal: AbortSignal): Promise<void> {
    await this.#api.call({ method: 'POST', path: `/channels/${native}/typing`, signal });
  }

  async *fetchAttachment({ native = '' }: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const url = URL.parse(native);
    const ours =
      url !== null && (url.host === this.#api.host || (url.protocol === 'https:' && fileHosts.has(url.host)));
    if (!ours) throw new ClankerError('channel', 'attachment', 'The file does not lie with Discord.');
    const response = await this.#api.file(native, signal);
    if (response.status !== 200)
      throw new ClankerError('channel', 'attachment', `The file is not to be had: HTTP ${response.status}.`);
    yield* response.body;
  }

  conversation(target: string, thread?: string): ConversationRef {
    // A thread is a channel with an id of its own.
    const native = thread ?? target;
    if (!/^\d{15,20}$/.test(native) || !/^\d{15,20}$/.test(target)) {
      throw invalidInput(
        'bad_channel_id',
        `"${native.slice(0, 40)}" is no Discord channel: give its id (Settings, Advanced, Developer Mode; then ` +
          'right-click the channel, Copy Channel ID).',
      );
    }
    return { channel: this.type, account: this.account, native };
  }

  /** Ids do not tell; what was not heard of as a direct chat counts as a group. */
  chatType({ native }: ConversationRef): 'direct' | 'group' {
    return this.#receiver?.places.known(native)?.guild === null ? 'direct' : 'group';
  }

  health(): ChannelHealth {
    const unstarted = {
      state: 'starting',
      detail: '',
      lastReceiveAt: null,
      lastEventAt: null,
      identity: null,
    } as const;
    return this.#receiver?.health ?? unstarted;
  }

  /**
   * Puts the text in the place of "thinking…". Null when that place is gone or taken by another text: the part is then
   * a message of its own. To look first keeps a repeat harmless, also after a restart.
   */
  async #answer(interaction: InteractionRef, part: OutboundPart, signal: AbortSignal): Promise<SendOutcome | null> {
    if (!isOpen(interaction, Date.now())) return null;
    const call = { path: originalPath(interaction), anonymous: true, signal };
    const there = await this.#api.call<Partial<APIMessage>>({ ...call, method: 'GET' });
    if (!there.ok)
      return there.status >= 400 && there.status < 500 && there.wait === null ? null : failedOutcome(there, 'edit');
    const { flags = 0, content = '' } = there.result ?? {};
    const free = (flags & loading) !== 0 || content === '';
    if (!free && !render(part.body).startsWith(content)) return null;
    const body = payload(changedMessage(part.body), part);
    const answer = await this.#api.call<APIMessage>({ ...call, method: 'PATCH', body });
    if (answer.ok) return created(answer);
    const gone = answer.status === 404 || answer.status === 401;
    return gone ? null : failedOutcome(answer, 'edit');
  }
}

function created(answer: ApiOutcome<APIMessage>): SendOutcome {
  if (!answer.ok) return failedOutcome(answer, 'send');
  const id = answer.result?.id;
  if (isSnowflake(id)) return { ok: true, ref: id };
  return { ok: false, kind: 'ambiguous', detail: 'Discord took the message without telling its id.' };
}
