/** A channel of a plugin, contained: what it throws or makes up stays its own trouble. */
import * as z from 'zod/mini';
import { type ErrorKind, ClankerError, invalidInput } from '../../core/errors.ts';
import type { ConversationRef } from '../../core/message.ts';
import type { Channel, ChannelHealth, InboundSink, SendOutcome } from '../../core/ports/channel.ts';
import { PluginProblem, wordsOf } from './problem.ts';

const account = 'main';
const positive = z.number().check(z.positive());
const pause = z.number().check(z.minimum(0));

const capabilities = z.object({
  text: z.object({ maxLength: z.int().check(z.minimum(20)), maxSpans: z.int().check(z.minimum(0)) }),
  edit: z.object({ supported: z.boolean(), directMs: pause, groupMs: pause }),
  idempotentSend: z.enum(['native', 'lookup', 'none']),
  typing: z.object({ supported: z.boolean(), refreshMs: pause }),
  files: z.nullable(z.object({ maxBytes: positive })),
  buttons: z.boolean(),
  pace: z.object({ accountPerSecond: positive, conversationPerSecond: positive, groupPerMinute: positive }),
});

const required = ['start', 'stop', 'send', 'conversation', 'chatType', 'health'] as const;

/** The channel as the gateway uses it. Throws PluginProblem when it is none, or not of its plugin's name. */
export function containedChannel(
  type: string,
  channel: Channel,
  ended: AbortSignal,
  failed: (error: unknown) => void,
): Channel {
  check(type, channel);
  const guarded = async (send: () => Promise<SendOutcome>): Promise<SendOutcome> => {
    if (ended.aborted) return { ok: false, kind: 'transient', detail: `The plugin ${type} is switched off.` };
    try {
      const outcome = await send();
      if (typeof outcome?.ok === 'boolean') return outcome;
      failed(new PluginProblem('a send of its channel came to nothing'));
    } catch (error) {
      failed(error);
    }
    // It may have sent before it broke.
    return { ok: false, kind: 'ambiguous', detail: `The channel of the plugin ${type} broke while it sent.` };
  };
  const edit = channel.edit?.bind(channel);
  const draft = channel.draft?.bind(channel);
  const typing = channel.typing?.bind(channel);
  const findSent = channel.findSent?.bind(channel);
  const fetchAttachment = channel.fetchAttachment?.bind(channel);
  const hook = channel.hook?.bind(channel);
  return {
    type,
    account,
    capabilities: channel.capabilities,
    start: (sink, context) => channel.start(ownSink(type, sink), context),
    stop: async (deadlineMs) => channel.stop(deadlineMs),
    send: (part, signal) => guarded(async () => channel.send(part, signal)),
    conversation: (target, thread) => ownConversation(type, () => channel.conversation(target, thread)),
    chatType: (conversation) => (channel.chatType(conversation) === 'direct' ? 'direct' : 'group'),
    health: () => (ended.aborted ? unwell('fatal', 'The plugin is switched off.') : healthOf(channel)),
    ...(edit && {
      edit: (message, change, signal) => guarded(async () => edit(message, change, signal)),
    }),
    ...(draft && { draft: (part, signal) => guarded(async () => draft(part, signal)) }),
    ...(typing && { typing: async (conversation, signal) => typing(conversation, signal) }),
    ...(findSent && { findSent: async (part, signal) => findSent(part, signal) }),
    ...(fetchAttachment && { fetchAttachment }),
    ...(hook && { hook: async (request, signal) => hook(request, signal) }),
  };
}

function check(type: string, channel: Channel): void {
  if (typeof channel !== 'object' || channel === null) throw new PluginProblem('what it made is no channel');
  const absent = required.find((method) => typeof channel[method] !== 'function');
  if (absent !== undefined) throw new PluginProblem(`its channel has no function "${absent}"`);
  if (channel.type !== type || channel.account !== account)
    throw new PluginProblem(`its channel is not of type "${type}" and account "${account}"`);
  const { error } = capabilities.safeParse(channel.capabilities);
  if (error !== undefined)
    throw new PluginProblem(`capabilities of its channel: ${error.issues[0]?.path.join('.') ?? 'they'} cannot be so`);
}

/** Nobody can speak for another channel: events of one would pass its gate by the lists of the other. */
function ownSink(type: string, sink: InboundSink): InboundSink {
  const own = ({ channel, account: at }: ConversationRef): boolean => channel === type && at === account;
  return {
    commit: async (batch, cursor) => {
      const events = batch.filter(({ conversation }) => own(conversation));
      if (events.length < batch.length) throw new PluginProblem('an event of its channel names another channel');
      return sink.commit(events, cursor);
    },
    malformed: (detail) => sink.malformed(detail.slice(0, 300)),
  };
}

function ownConversation(type: string, make: () => ConversationRef): ConversationRef {
  try {
    const made = make();
    return { ...made, channel: type, account };
  } catch (error) {
    const { kind, code, message } = error as { kind?: ErrorKind; code?: string; message?: string };
    // A plugin has an error class of its own; what it says about a wrong target is for the caller.
    if (error instanceof ClankerError || kind !== 'invalid_input') throw error;
    throw invalidInput(String(code), String(message).slice(0, 300));
  }
}

function healthOf(channel: Channel): ChannelHealth {
  try {
    return channel.health();
  } catch (error) {
    return unwell('degraded', `The plugin cannot tell how it is: ${wordsOf(error)}`);
  }
}

const unwell = (state: ChannelHealth['state'], detail: string): ChannelHealth => ({
  state,
  detail,
  lastReceiveAt: null,
  lastEventAt: null,
  identity: null,
});
