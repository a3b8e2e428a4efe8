/** Slack: one app in one workspace, by Socket Mode or by events over HTTP. */
import { invalidInput } from '../../../core/errors.ts';
import type { Attachment, ConversationRef, MessageRef } from '../../../core/message.ts';
import type {
  Change,
  Channel,
  ChannelCapabilities,
  ChannelContext,
  ChannelHealth,
  HookRequest,
  HookResponse,
  InboundSink,
  OutboundPart,
  SendOutcome,
} from '../../../core/ports/channel.ts';
import type { HttpClient } from '../../../core/ports/http-client.ts';
import type { Random } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import { tryLater } from '../hook-answers.ts';
import { Receiving } from '../receiving.ts';
import { SlackApi } from './api.ts';
import { fetchFile, maxFileBytes, sendFile } from './files.ts';
import { isDirect, isTs } from './inbound.ts';
import { failedOutcome } from './outcome.ts';
import { Receiver } from './receiver.ts';
import { maxLength, maxSpans, measure, render } from './render.ts';
import { findSent, metadataOf } from './sent-mark.ts';
import { StatusLine } from './status-line.ts';
import { Streams } from './streams.ts';

export interface SlackChannelOptions {
  /** `main` */
  account: string;
  botToken: Secret;
  /** The app-level token, for Socket Mode. Default none. */
  appToken?: Secret | undefined;
  /** For events over HTTP. Default none. */
  signingSecret?: Secret | undefined;
  /** `https://slack.com/api`, or a server that speaks like it. */
  apiRoot: string;
  http: HttpClient;
  random: Random;
  /** Names of commands, without the slash. Default none. */
  commands?: readonly string[];
}

/** Rates: https://docs.slack.dev/apis/web-api/rate-limits; `chat.update` is taken at least 50 times a minute. */
export const slackCapabilities: ChannelCapabilities = {
  text: { maxLength, maxSpans, measure },
  edit: { supported: true, directMs: 1200, groupMs: 1200 },
  idempotentSend: 'lookup',
  typing: { supported: true, refreshMs: 45_000 },
  files: { maxBytes: maxFileBytes },
  buttons: true,
  pace: { accountPerSecond: 20, conversationPerSecond: 1, groupPerMinute: 60 },
};

export const createSlackChannel = (options: SlackChannelOptions): Channel => new SlackChannel(options);

class SlackChannel implements Channel {
  readonly type = 'slack';
  readonly account: string;
  readonly capabilities = slackCapabilities;
  readonly #options: SlackChannelOptions;
  readonly #api: SlackApi;
  readonly #receiving: Receiving;
  readonly #streams: Streams;
  readonly #status: StatusLine;
  #receiver: Receiver | null = null;
  #beside: Promise<void> = Promise.resolve();

  constructor(options: SlackChannelOptions) {
    this.account = options.account;
    this.#options = options;
    this.#api = new SlackApi(options.http, options.apiRoot, options.botToken, { keepsPauses: true });
    this.#receiving = new Receiving('Slack', options.random);
    this.#streams = new Streams(this.#api);
    this.#status = new StatusLine(this.#api);
  }

  start(sink: InboundSink, context: ChannelContext): void {
    const { account, botToken, appToken, signingSecret, http, apiRoot, random, commands = [] } = this.#options;
    this.#receiving.start(context, (own) => {
      const receiver = new Receiver(
        {
          account,
          api: new SlackApi(http, apiRoot, botToken),
          appApi: appToken === undefined ? null : new SlackApi(http, apiRoot, appToken),
          signingSecret: signingSecret ?? null,
          commands: new Set(commands),
          random,
          receiving: this.#receiving,
        },
        sink,
        own,
      );
      this.#receiver = receiver;
      this.#beside = receiver.run();
      return receiver.step;
    });
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#status.stop();
    await this.#receiving.stop(deadlineMs);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#beside, deadline]);
    clearTimeout(timer);
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const outcome = await this.#send(part, signal);
    if (outcome.ok) this.#status.replied(part.conversation);
    return outcome;
  }

  async edit(message: MessageRef, change: Change, signal: AbortSignal): Promise<SendOutcome> {
    const streamed = await this.#streams.edit(message, change, signal);
    if (streamed !== null) return streamed;
    const { text, blocks } = render(change.body);
    const params = { channel: message.conversation.native, ts: message.native, text, blocks };
    const answer = await this.#api.call('chat.update', params, signal);
    return answer.ok ? { ok: true, ref: message.native } : failedOutcome(answer, 'edit');
  }

  typing(conversation: ConversationRef, signal: AbortSignal): Promise<void> {
    return this.#status.pulse(conversation, signal);
  }

  findSent(part: OutboundPart, signal: AbortSignal): Promise<string | null> {
    return findSent(this.#api, part, this.#receiver?.me ?? null, Date.now(), signal);
  }

  fetchAttachment(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return fetchFile(this.#api, attachment, signal);
  }

  async hook(request: HookRequest, signal: AbortSignal): Promise<HookResponse> {
    return (await this.#receiver?.hook(request, signal)) ?? tryLater;
  }

  conversation(target: string, thread?: string): ConversationRef {
    if (!/^[CGDUW][A-Z0-9]{2,40}$/.test(target)) {
      throw invalidInput(
        'bad_channel_id',
        `"${target.slice(0, 40)}" is no Slack conversation: give its id, such as C024BE91L (at the end of "View channel ` +
          'details") or U024BE7LH for a person.',
      );
    }
    if (thread !== undefined && !isTs(thread)) {
      throw invalidInput('bad_thread', 'A Slack thread is named by the ts of its first message: 1700000000.000100.');
    }
    return {
      channel: this.type,
      account: this.account,
      native: target,
      ...(thread === undefined ? {} : { thread }),
    };
  }

  chatType({ native }: ConversationRef): 'direct' | 'group' {
    return isDirect(native) ? 'direct' : 'group';
  }

  health(): ChannelHealth {
    return this.#receiving.health;
  }

  async #send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const { conversation, replyTo, body } = part;
    const { native: channel, thread } = conversation;
    if (body.file !== undefined) return sendFile(this.#api, part, thread, signal);
    if (part.growing === true) {
      const streamed = await this.#streams.begin(part, this.#recipientOf(part), signal);
      if (streamed !== null) return streamed;
    }
    const { text, blocks } = render(body);
    const answer = await this.#api.call<{ ts?: unknown }>(
      'chat.postMessage',
      {
        channel,
        text,
        ...(blocks.length === 0 ? {} : { blocks }),
        thread_ts: thread,
        metadata: metadataOf(part.idempotencyKey),
        unfurl_links: false,
        unfurl_media: false,
      },
      signal,
    );
    if (!answer.ok) {
      const url = replyTo === undefined ? null : (this.#receiver?.responseUrl(replyTo) ?? null);
      const outside = answer.error === 'not_in_channel' || answer.error === 'channel_not_found';
      if (url === null || !outside) return failedOutcome(answer, 'send');
      const said = await this.#api.respond(url, { response_type: 'ephemeral', text, blocks }, signal);
      return said.ok ? { ok: true, ref: replyTo ?? '' } : failedOutcome(said, 'send');
    }
    const { ts } = answer.result;
    if (typeof ts !== 'string')
      return { ok: false, kind: 'ambiguous', detail: 'Slack took the message without telling its ts.' };
    this.#streams.posted(channel, ts);
    return { ok: true, ref: ts };
  }

  #recipientOf({ conversation, replyTo }: OutboundPart): { user: string; team: string } | null {
    const me = this.#receiver?.me ?? null;
    const user = replyTo === undefined ? null : (this.#receiver?.authorOf(conversation.native, replyTo) ?? null);
    return me === null || user === null ? null : { user, team: me.team };
  }
}
