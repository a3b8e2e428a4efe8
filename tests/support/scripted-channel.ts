import { invalidInput } from '../../src/core/errors.ts';
import type { ConversationRef, MessageRef } from '../../src/core/message.ts';
import type {
  Change,
  Channel,
  ChannelCapabilities,
  ChannelHealth,
  InboundSink,
  OutboundPart,
  SendOutcome,
} from '../../src/core/ports/channel.ts';

/** What a reader of the platform sees: one entry per message, with every text it ever had. */
export interface ShownMessage {
  chat: string;
  ref: string;
  texts: string[];
}

/** An in-memory platform: takes what it is sent, unless the script has an outcome for the next attempt. */
export class ScriptedChannel implements Channel {
  readonly type: string;
  readonly account: string;
  readonly capabilities: ChannelCapabilities;
  readonly shown: ShownMessage[] = [];
  readonly calls: { method: 'send' | 'edit' | 'typing'; chat: string; text: string }[] = [];
  /** Outcomes of the next attempts, in order; `take` accepts like an empty script. */
  readonly script: (SendOutcome | 'take' | 'take_but_lose_the_answer')[] = [];
  /** Bytes of the files that were sent. */
  readonly files: Uint8Array[] = [];
  /** Held until released: an attempt that is under way. */
  gate: Promise<void> = Promise.resolve();
  sink: InboundSink | null = null;
  #next = 1;

  constructor(type = 'scripted', account = 'main', capabilities: Partial<ChannelCapabilities> = {}) {
    this.type = type;
    this.account = account;
    this.capabilities = {
      text: { maxLength: 100, maxSpans: 10 },
      edit: { supported: true, directMs: 1000, groupMs: 3000 },
      idempotentSend: 'none',
      typing: { supported: true, refreshMs: 4000 },
      files: { maxBytes: 1_000_000 },
      buttons: false,
      pace: { accountPerSecond: 30, conversationPerSecond: 1, groupPerMinute: 20 },
      ...capabilities,
    };
  }

  start(sink: InboundSink): void {
    this.sink = sink;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  async send(part: OutboundPart): Promise<SendOutcome> {
    this.calls.push({ method: 'send', chat: part.conversation.native, text: part.body.text });
    await this.gate;
    const step = this.script.shift() ?? 'take';
    if (typeof step === 'object') return step;
    const ref = String(this.#next++);
    if (part.file !== undefined) this.files.push(part.file);
    this.shown.push({ chat: part.conversation.native, ref, texts: [part.body.text] });
    return step === 'take' ? { ok: true, ref } : { ok: false, kind: 'ambiguous', detail: 'the answer was lost' };
  }

  async edit(message: MessageRef, { body }: Change): Promise<SendOutcome> {
    this.calls.push({ method: 'edit', chat: message.conversation.native, text: body.text });
    await this.gate;
    const step = this.script.shift() ?? 'take';
    if (typeof step === 'object') return step;
    const shown = this.shown.find(({ ref }) => ref === message.native);
    if (shown === undefined) return { ok: false, kind: 'refused', code: 'edit_gone', detail: 'no such message' };
    if (shown.texts.at(-1) !== body.text) shown.texts.push(body.text);
    return { ok: true, ref: message.native };
  }

  typing(conversation: ConversationRef): Promise<void> {
    this.calls.push({ method: 'typing', chat: conversation.native, text: '' });
    return Promise.resolve();
  }

  conversation(target: string, thread?: string): ConversationRef {
    if (target === '') throw invalidInput('bad_target', 'target: say where to.');
    return {
      channel: this.type,
      account: this.account,
      native: target,
      ...(thread === undefined ? {} : { thread }),
    };
  }

  chatType(conversation: ConversationRef): 'direct' | 'group' {
    return conversation.native.startsWith('-') ? 'group' : 'direct';
  }

  health(): ChannelHealth {
    return { state: 'connected', detail: '', lastReceiveAt: null, lastEventAt: null, identity: 'scripted' };
  }
}
