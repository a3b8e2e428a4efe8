/**
 * The universal adapter: signed messages in, signed answers out. Both ways follow Standard Webhooks
 * (https://www.standardwebhooks.com): the id names the message over all repeats, so neither side takes one twice.
 */
import { ClankerError, invalidInput } from '../../../core/errors.ts';
import type { Attachment, ConversationRef } from '../../../core/message.ts';
import type {
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
import { HttpFailure } from '../../../core/ports/http-client.ts';
import type { HttpClient } from '../../../core/ports/http-client.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import { hookFailure, tryLater } from '../hook-answers.ts';
import { HookSide } from '../hook-side.ts';
import { verifyWebhook } from '../verify.ts';
import { bytesOf, readMessage } from './inbound.ts';
import { webhookIdForm } from './options.ts';
import { outcomeOf } from './outcome.ts';
import { postSigned, wireId } from './post.ts';
import { renderPlain } from './render.ts';

/** One attempt to post may take this long before its outcome is unknown. */
const sendTimeoutMs = 30_000;
/** A file travels as base64 inside the JSON. */
const maxFileBytes = 5_000_000;

export interface WebhookChannelOptions {
  /** The NAME of `[channels.webhook.NAME]`. */
  account: string;
  /** The one that signs first, then those before it; each is accepted. */
  secrets: readonly Secret[];
  /** Where answers are posted; null: nowhere. */
  url: string | null;
  /** Characters of one answer. */
  maxLength: number;
  http: HttpClient;
  clock: Clock;
}

const capabilitiesOf = (maxLength: number): ChannelCapabilities => ({
  text: { maxLength, maxSpans: 10_000, measure: (body) => renderPlain(body).length },
  edit: { supported: false, directMs: 0, groupMs: 0 },
  idempotentSend: 'native',
  typing: { supported: false, refreshMs: 0 },
  files: { maxBytes: maxFileBytes },
  buttons: false,
  correlates: true,
  pace: { accountPerSecond: 50, conversationPerSecond: 10, groupPerMinute: 600 },
});

export const createWebhookChannel = (options: WebhookChannelOptions): Channel => new WebhookChannel(options);

class WebhookChannel implements Channel {
  readonly type = 'webhook';
  readonly account: string;
  readonly capabilities: ChannelCapabilities;
  readonly #options: WebhookChannelOptions;
  readonly #side: HookSide;

  constructor(options: WebhookChannelOptions) {
    const { account, secrets, url, maxLength } = options;
    this.account = account;
    this.capabilities = capabilitiesOf(maxLength);
    this.#options = options;
    this.#side = new HookSide({
      path: `/hooks/${account}`,
      verify: (request, nowMs) => verifyWebhook(request, secrets, nowMs),
      ...(url === null
        ? { problem: `It receives, but no answer can be given: set channels.webhook.${account}.url.` }
        : {}),
    });
  }

  start(sink: InboundSink, context: ChannelContext): void {
    this.#side.start(sink, context);
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#side.stop(deadlineMs);
  }

  health(): ChannelHealth {
    return this.#side.health;
  }

  hook(request: HookRequest): Promise<HookResponse> {
    return this.#side.receive(request, async (commit, malformed) => {
      const { account, url } = this.#options;
      if (!/^application\/json *(;|$)/i.test(request.headers['content-type'] ?? '')) {
        return hookFailure(415, 'unsupported_media_type', 'The body must be JSON: Content-Type: application/json.');
      }
      const read = readMessage(request.body, {
        account,
        id: request.headers['webhook-id'] ?? '',
        timestamp: Number(request.headers['webhook-timestamp']),
        filesOrigin: url === null ? null : new URL(url).origin,
      });
      if (!read.ok) {
        malformed(read.detail);
        return hookFailure(400, 'invalid_input', read.detail);
      }
      const receipts = await commit([read.event]);
      if (receipts === null) return tryLater;
      const [receipt] = receipts;
      const first = receipt?.bodyHash ?? null;
      if (first !== null && first !== read.event.bodyHash) {
        const words = 'This webhook-id was used with another body; every message needs an id of its own.';
        return hookFailure(409, 'idempotency_conflict', words);
      }
      if (receipt?.messageId === null || receipt?.refused === true) {
        const words = 'This sender writes too much or is not let in; nothing was taken.';
        return { ...hookFailure(429, 'rate_limited', words), headers: { 'Retry-After': '60' } };
      }
      return { status: 202, body: JSON.stringify({ message_id: receipt?.messageId ?? null }) };
    });
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const { url, secrets, http, clock, account } = this.#options;
    if (url === null) {
      const detail = `There is nowhere to post the answer to; set channels.webhook.${account}.url.`;
      return { ok: false, kind: 'refused', code: 'no_url', detail };
    }
    const id = wireId(part.idempotencyKey);
    const post = { url, secrets, id, body: JSON.stringify(messageOf(part)), timeoutMs: sendTimeoutMs, signal };
    try {
      return outcomeOf(await postSigned(post, { http, clock }), id, clock.now());
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      const detail = `The receiver did not answer: ${error.code}.`;
      return { ok: false, kind: error.accepted === 'no' ? 'unreachable' : 'ambiguous', detail };
    }
  }

  async *fetchAttachment(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const bytes = bytesOf(attachment);
    if (bytes !== null) {
      yield bytes;
      return;
    }
    const { http } = this.#options;
    const response = await http.request({ method: 'GET', url: attachment.native ?? '', signal });
    if (response.status !== 200) {
      throw new ClankerError('channel', 'attachment', `The file is not to be had: HTTP ${response.status}.`);
    }
    yield* response.body;
  }

  conversation(target: string, thread?: string): ConversationRef {
    if (!webhookIdForm.test(target)) {
      throw invalidInput('bad_channel_id', 'A conversation of a webhook is named by 1 to 200 printable characters.');
    }
    if (thread !== undefined) throw invalidInput('bad_thread', 'Conversations of a webhook have no threads.');
    return { channel: this.type, account: this.account, native: target };
  }

  chatType(): 'direct' {
    return 'direct';
  }
}

function messageOf({ conversation, replyTo, body, file }: OutboundPart): object {
  const { file: about } = body;
  return {
    text: renderPlain(body),
    conversation: conversation.native,
    in_reply_to: replyTo ?? null,
    ...(file === undefined || about === undefined
      ? {}
      : {
          attachments: [
            {
              mime_type: about.mimeType,
              ...(about.name === undefined ? {} : { name: about.name }),
              data: Buffer.from(file).toString('base64'),
            },
          ],
        }),
  };
}
