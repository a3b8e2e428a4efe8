/** Matrix: one account, by `/sync` and plain rooms. https://spec.matrix.org/latest/client-server-api/ */
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
import { textField } from '../json-http.ts';
import { Receiving } from '../receiving.ts';
import { MatrixApi, segment } from './api.ts';
import type { ApiFailure } from './api.ts';
import { isEventId, isRoomId } from './inbound.ts';
import { failedOutcome } from './outcome.ts';
import { maxUnits, measure, render } from './render.ts';
import { Rooms } from './rooms.ts';
import { Sync } from './sync.ts';

/** One attempt to send may take this long before its outcome is unknown. */
const sendTimeoutMs = 30_000;
const uploadTimeoutMs = 120_000;
/** How long others see us typing; pulses come more often. */
const typingMs = 10_000;

export interface MatrixChannelOptions {
  /** `main` */
  account: string;
  /** `https://matrix.example.org` */
  homeserver: string;
  token: Secret;
  /** Whether an invitation to this room by this person is followed; others are left alone. */
  joins: (inviter: string, room: string) => boolean;
  http: HttpClient;
  random: Random;
}

export const matrixCapabilities: ChannelCapabilities = {
  text: { maxLength: maxUnits, maxSpans: 1000, measure },
  // Every edit is an event that all servers of the room keep, and counts against the sender's limit.
  edit: { supported: true, directMs: 2000, groupMs: 4000 },
  idempotentSend: 'native',
  typing: { supported: true, refreshMs: 6000 },
  // What Synapse takes unless told otherwise (max_upload_size).
  files: { maxBytes: 50_000_000 },
  buttons: false,
  pace: { accountPerSecond: 5, conversationPerSecond: 1, groupPerMinute: 30 },
};

export const createMatrixChannel = (options: MatrixChannelOptions): Channel => new MatrixChannel(options);

class MatrixChannel implements Channel {
  readonly type = 'matrix';
  readonly account: string;
  readonly capabilities = matrixCapabilities;
  readonly #options: MatrixChannelOptions;
  readonly #api: MatrixApi;
  readonly #rooms: Rooms;
  readonly #receiving: Receiving;
  #sync: Sync | null = null;

  constructor(options: MatrixChannelOptions) {
    this.account = options.account;
    this.#options = options;
    this.#api = new MatrixApi(options.http, options.homeserver, options.token);
    this.#rooms = new Rooms(this.#api);
    this.#receiving = new Receiving('Matrix', options.random);
  }

  start(sink: InboundSink, context: ChannelContext): void {
    this.#receiving.start(context, (own) => {
      const sync = new Sync(this.#api, this.#rooms, this.#receiving, sink, own, this.#options);
      this.#sync = sync;
      return () => sync.step();
    });
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#receiving.stop(deadlineMs);
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const { conversation, body, file, replyTo } = part;
    let content: object = { msgtype: 'm.text', ...render(body) };
    if (body.file !== undefined && file !== undefined) {
      const uploaded = await this.#upload(body.file, file, signal);
      if ('ok' in uploaded) {
        const outcome = failedOutcome(uploaded);
        // Only the file may have arrived: nobody saw a message.
        return outcome.kind === 'ambiguous' ? { ...outcome, kind: 'transient' } : outcome;
      }
      const caption = body.text === '' ? { body: uploaded.filename } : render(body);
      content = { ...uploaded, ...caption };
    }
    return this.#put(conversation, part.idempotencyKey, { ...content, ...relation(conversation, replyTo) }, signal);
  }

  /** The transaction is new each time: the same text may come, go and come back, and must not count as said before. */
  async edit({ conversation, native }: MessageRef, { body }: Change, signal: AbortSignal): Promise<SendOutcome> {
    const changed = { msgtype: 'm.text', ...render(body), 'm.mentions': {} };
    const content = {
      msgtype: 'm.text',
      body: `* ${changed.body}`,
      'm.new_content': changed,
      'm.relates_to': { rel_type: 'm.replace', event_id: native },
    };
    const transaction = `edit-${Buffer.from(this.#options.random.bytes(16)).toString('hex')}`;
    const outcome = await this.#put(conversation, transaction, content, signal);
    if (outcome.ok) return { ok: true, ref: native };
    return outcome.kind === 'ambiguous' ? { ...outcome, kind: 'transient' } : outcome;
  }

  async typing({ native }: ConversationRef, signal: AbortSignal): Promise<void> {
    const me = this.#sync?.me;
    if (typeof me !== 'string') return;
    const path = `client/v3/rooms/${segment(native)}/typing/${segment(me)}`;
    const body = { typing: true, timeout: typingMs };
    await this.#api.call({ method: 'PUT', path, body, timeoutMs: sendTimeoutMs }, signal);
  }

  async *fetchAttachment(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const [, server, media] = /^mxc:\/\/([^/\s]+)\/([^/\s?#]+)$/.exec(attachment.native ?? '') ?? [];
    if (server === undefined || media === undefined)
      throw new ClankerError('channel', 'attachment', 'The file is not to be had: its address is not of Matrix.');
    const response = await this.#api.download(server, media, signal);
    if (response.status !== 200)
      throw new ClankerError('channel', 'attachment', `The file is not to be had: HTTP ${response.status}.`);
    yield* response.body;
  }

  conversation(target: string, thread?: string): ConversationRef {
    if (!isRoomId(target)) {
      throw invalidInput(
        'bad_channel_id',
        `"${target.slice(0, 60)}" is no Matrix room: give its id, such as !abc123:example.org (in Element: room ` +
          'settings, Advanced). Names such as #room:example.org change hands and are not taken.',
      );
    }
    if (thread !== undefined && !isEventId(thread)) {
      throw invalidInput('bad_thread', 'A Matrix thread is named by the id of its first event, such as $abc.');
    }
    return { channel: this.type, account: this.account, native: target, ...(thread === undefined ? {} : { thread }) };
  }

  chatType({ native }: ConversationRef): 'direct' | 'group' {
    return this.#rooms.isDirect(native) ? 'direct' : 'group';
  }

  health(): ChannelHealth {
    return this.#receiving.health;
  }

  async #put(
    { native }: ConversationRef,
    transaction: string,
    content: object,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    if (this.#sync?.isEncrypted(native) === true) {
      const detail = 'The room is encrypted; what we send there would be open to its servers.';
      return { ok: false, kind: 'refused', code: 'encrypted', detail };
    }
    const answer = await this.#api.call(
      {
        method: 'PUT',
        path: `client/v3/rooms/${segment(native)}/send/m.room.message/${segment(transaction)}`,
        // An empty list says that nobody is meant: what a model writes pings no one, neither @room.
        body: { ...content, 'm.mentions': {} },
        timeoutMs: sendTimeoutMs,
      },
      signal,
    );
    if (!answer.ok) return failedOutcome(answer);
    const ref = textField(answer.result, 'event_id');
    if (ref === undefined)
      return { ok: false, kind: 'ambiguous', detail: 'The homeserver took the message without telling its id.' };
    this.#rooms.authorship.note(ref, true);
    return { ok: true, ref };
  }

  async #upload(
    { mimeType, size, name }: NonNullable<OutboundPart['body']['file']>,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<ApiFailure | { msgtype: string; url: string; filename: string; info: object }> {
    const filename = name ?? 'file';
    const answer = await this.#api.call(
      {
        method: 'POST',
        path: 'media/v3/upload',
        query: { filename },
        body: bytes,
        contentType: mimeType,
        timeoutMs: uploadTimeoutMs,
      },
      signal,
    );
    if (!answer.ok) return answer;
    const url = textField(answer.result, 'content_uri') ?? '';
    const [kind = ''] = mimeType.split('/');
    const msgtype = ['image', 'audio', 'video'].includes(kind) ? `m.${kind}` : 'm.file';
    return { msgtype, url, filename, info: { mimetype: mimeType, size } };
  }
}

/** https://spec.matrix.org/latest/client-server-api/#threading and #rich-replies */
function relation({ thread }: ConversationRef, replyTo: string | undefined): object {
  const answered = replyTo === undefined ? {} : { 'm.in_reply_to': { event_id: replyTo } };
  if (thread === undefined) return replyTo === undefined ? {} : { 'm.relates_to': answered };
  return {
    'm.relates_to': {
      rel_type: 'm.thread',
      event_id: thread,
      is_falling_back: replyTo === undefined,
      // Clients without threads show it as an answer to something.
      'm.in_reply_to': { event_id: replyTo ?? thread },
    },
  };
}
