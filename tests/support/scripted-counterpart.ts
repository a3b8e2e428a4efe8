/** The platform in memory as a Counterpart: it keeps what was said until a channel has committed it. */
import type { Attachment, ConversationRef } from '../../src/core/message.ts';
import type { Channel, InboundEvent, InboundSink, OutboundPart, SendOutcome } from '../../src/core/ports/channel.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { ScriptedChannel } from './scripted-channel.ts';

const faults: Record<Fault, SendOutcome | 'take_but_lose_the_answer'> = {
  rate_limited: { ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: 1000, detail: 'slow down' },
  server_error: { ok: false, kind: 'transient', detail: 'try later' },
  answer_lost: 'take_but_lose_the_answer',
  forbidden: { ok: false, kind: 'refused', code: 'blocked', detail: 'blocked' },
  bad_token: { ok: false, kind: 'refused', code: 'bad_token', detail: 'who are you' },
};

/** Listens to the platform's queue; the plain ScriptedChannel only sends. */
class ListeningChannel extends ScriptedChannel {
  readonly #platform: ScriptedCounterpart;

  constructor(platform: ScriptedCounterpart) {
    super('scripted', 'main', { text: { maxLength: 1000, maxSpans: 50 }, idempotentSend: 'native' });
    this.#platform = platform;
  }

  override start(sink: InboundSink): void {
    super.start(sink);
    this.#platform.connect(sink);
  }

  override stop(): Promise<void> {
    this.#platform.disconnect();
    return super.stop();
  }

  override async send(part: OutboundPart): Promise<SendOutcome> {
    const key = `${part.conversation.native} ${part.idempotencyKey}`;
    const known = this.#platform.keys.get(key);
    if (known !== undefined) return { ok: true, ref: known };
    const outcome = await super.send(part);
    const ref = this.shown.at(-1)?.ref;
    if (ref !== undefined && (outcome.ok || outcome.kind === 'ambiguous')) {
      this.#platform.keys.set(key, ref);
      if (part.file !== undefined) this.#platform.bytes.set(ref, part.file);
    }
    return outcome;
  }

  async *fetchAttachment({ native = '' }: Attachment): AsyncIterable<Uint8Array> {
    yield await Promise.resolve(this.#platform.bytes.get(native) ?? new Uint8Array());
  }
}

export class ScriptedCounterpart implements Counterpart {
  readonly groups = true;
  readonly secrets = [];
  readonly keys = new Map<string, string>();
  readonly bytes = new Map<string, Uint8Array>();
  readonly #queue: InboundEvent[] = [];
  #last: InboundEvent | null = null;
  #next = 1;
  #sink: InboundSink | null = null;
  #busy = false;
  #channel = new ListeningChannel(this);

  channel(): Promise<Channel> {
    const { shown } = this.#channel;
    this.#channel = new ListeningChannel(this);
    this.#channel.shown.push(...shown);
    return Promise.resolve(this.#channel);
  }

  conversation({ sender = 'one', chat = 'direct' }: Place = {}): ConversationRef {
    return { channel: 'scripted', account: 'main', native: chat === 'group' ? '-1' : sender };
  }

  say(text: string, place: Place = {}, file?: Uint8Array): Promise<string> {
    const { sender = 'one', chat = 'direct', addressed = true } = place;
    const native = String(this.#next++);
    if (file !== undefined) this.bytes.set(`in-${native}`, file);
    this.#last = {
      dedupe: native,
      kind: 'message',
      conversation: this.conversation(place),
      native,
      sender: { native: sender, display: sender, isBot: false },
      chat: { type: chat, addressed: chat === 'direct' || addressed },
      text,
      attachments: file === undefined ? [] : [{ native: `in-${native}`, mimeType: 'text/plain', size: file.length }],
      occurredAt: 0,
    };
    this.#queue.push(this.#last);
    void this.#deliver();
    return Promise.resolve(native);
  }

  repeatLast(): Promise<void> {
    if (this.#last !== null) this.#queue.push(this.#last);
    void this.#deliver();
    return Promise.resolve();
  }

  shown(place: Place = {}): Promise<Shown[]> {
    const { native } = this.conversation(place);
    const messages = this.#channel.shown.filter(({ chat }) => chat === native);
    return Promise.resolve(
      messages.map(({ ref, texts }): Shown => {
        const file = this.bytes.get(ref);
        return { ref, text: texts.at(-1) ?? '', ...(file === undefined ? {} : { file }) };
      }),
    );
  }

  fault(kind: Fault): boolean {
    this.#channel.script.push(faults[kind]);
    return true;
  }

  sends(): number {
    return this.#channel.calls.filter(({ method }) => method !== 'typing').length;
  }

  connect(sink: InboundSink): void {
    this.#sink = sink;
    void this.#deliver();
  }

  disconnect(): void {
    this.#sink = null;
  }

  dropConnections(): Promise<void> {
    return Promise.resolve();
  }

  connections(): number {
    return 0;
  }

  close(): Promise<void> {
    this.disconnect();
    return Promise.resolve();
  }

  /** In order, each again until it was committed. */
  async #deliver(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let event = this.#queue[0]; event !== undefined && this.#sink !== null; event = this.#queue[0]) {
      const committed = await this.#sink.commit([event]).then(
        () => true,
        () => false,
      );
      if (committed) this.#queue.shift();
    }
    this.#busy = false;
  }
}
