/** The real message path with tools that do something, a policy that asks, and people in chats who answer. */
import type { TestContext } from 'node:test';
import * as z from 'zod/mini';
import { defineTool } from '../../src/core/define-tool.ts';
import type { InboundEvent } from '../../src/core/ports/channel.ts';
import type { Effect, Tool, ToolGroup, ToolOutput } from '../../src/core/ports/tool.ts';
import type { ToolPolicy } from '../../src/core/tool-policy.ts';
import { hasty, messagePath, said, type PathSettings } from './message-path.ts';
import { finish, start, text, usage, type Step } from './scripted-provider.ts';

/** As the configuration has it by default. */
export const defaultPolicy: ToolPolicy = {
  base: { read: 'allow', write: 'allow', send: 'ask', spend: 'allow', execute: 'ask', tainted: 'ask' },
  roles: { guest: { write: 'deny', send: 'deny', spend: 'deny', execute: 'deny' }, member: {}, owner: {} },
  channels: {},
  agents: {},
  tools: {},
};

export const calls = (name: string, args: object = {}, id = `call_${name}`): Step =>
  ({ type: 'tool_call', id, name, args }) as Step;
/** A step of the model that calls tools. */
export const calling = (...steps: Step[]): Step[] => [
  start,
  ...steps,
  usage,
  { type: 'finish', reason: 'tool_calls', raw: 'tool_calls' },
];
/** A step of the model that answers. */
export const answering = (words: string): Step[] => [start, text(words), usage, finish];

export interface AskingSettings extends PathSettings {
  /** What the tool `page` brings. */
  page?: string;
  /** Tools beside those of `deeds`. */
  more?: readonly ToolGroup[];
}

/** `done`: what the tools did, in order: `post bob: hi`, each with who it was done for. */
export async function asking(t: TestContext, scripts: Step[][], settings: AskingSettings = {}) {
  const { page = 'a page', more = [] } = settings;
  const done: string[] = [];
  const acting = (name: string, effect: Effect, more: Partial<Tool> = {}): Tool =>
    defineTool({
      name,
      description: name,
      effects: [effect],
      role: 'guest',
      input: () => z.strictObject({ to: z.optional(z.string()), text: z.optional(z.string()) }),
      run: ({ to, text: body }, call) => {
        done.push(`${name} ${[to, body].filter((word) => word !== undefined).join(': ')} for ${call.person}`);
        return Promise.resolve({ text: `${name} is done` });
      },
      ...more,
    });
  const fetching = defineTool({
    name: 'page',
    description: 'page',
    effects: ['read'],
    role: 'guest',
    input: () => z.strictObject({ url: z.optional(z.string()) }),
    run: (): Promise<ToolOutput> => Promise.resolve({ text: page, outside: 'web page' }),
  });
  const tools = [acting('post', 'send'), acting('save', 'write'), acting('exec', 'execute'), acting('buy', 'spend')];
  const group = { name: 'deeds', about: 'deeds', keywords: ['do'], tools: [...tools, fetching] };
  const gateway = await messagePath(t, scripts, { toolPolicy: defaultPolicy, groups: [group, ...more], ...settings });
  gateway.attach();
  const sink = gateway.ingress.sinkFor('scripted', 'main');

  /** What was said came to an end; resolves with all that the chat of it shows. */
  const say = async (words: string, over: Partial<InboundEvent> = {}): Promise<string> => {
    // Nobody answers in the millisecond in which they are asked.
    hasty.pass(1);
    const message = said(words, over);
    const [receipt] = (await sink.commit([message])) ?? [];
    const id = receipt?.messageId;
    if (id === null || id === undefined) throw new Error(`"${words}" was not taken`);
    await settled(id);
    return shown(message.conversation.native);
  };
  const settled = async (messageId: string): Promise<void> => {
    const row = await gateway.store.inbound(messageId);
    if (row === null || ['queued', 'running'].includes(row.state))
      await gateway.event('run.finished', ({ answer }) => answer.message_id === messageId);
    const trace = await gateway.store.trace(messageId);
    for (const { id, state } of trace?.outbox ?? [])
      if (state !== 'sent') await gateway.event('delivery.sent', ({ outboxId }) => outboxId === id);
  };
  const shown = (chat: string): string =>
    gateway.channel.shown
      .filter((message) => message.chat === chat)
      .map(({ texts }) => texts.at(-1) ?? '')
      .join('\n---\n');
  const questions = async () =>
    (await gateway.store.listApprovals({ owner: null, open: false, at: gateway.clock.now() }, { limit: 50 })).items;
  /** The command of the newest question. */
  const command = async (verb: 'approve' | 'deny' = 'approve'): Promise<string> => {
    const [row] = await questions();
    if (row === undefined) throw new Error('nothing was asked');
    return `/${verb} ${row.id} ${row.digest.slice(0, 8)}`;
  };
  const personOf = async (native: string): Promise<string> => {
    const known = await gateway.directory.find({ channel: 'scripted', account: 'main', native });
    if (known === null) throw new Error(`${native} is not known`);
    return known.person;
  };
  const setRole = async (native: string, role: 'guest' | 'member' | 'owner'): Promise<void> => {
    await gateway.store.setRole(await personOf(native), role);
    gateway.directory.forget();
  };
  return { ...gateway, done, say, settled, shown, questions, command, personOf, setRole };
}

/** Somebody else than the person 7, in their own direct chat. */
export const from = (native: string): Partial<InboundEvent> => ({
  conversation: { channel: 'scripted', account: 'main', native },
  sender: { native, display: `Person ${native}`, isBot: false },
});

/** In the group, by anybody. */
export const inGroup = (native: string): Partial<InboundEvent> => ({
  conversation: { channel: 'scripted', account: 'main', native: '-1' },
  sender: { native, display: `Person ${native}`, isBot: false },
  chat: { type: 'group', addressed: true },
});
