/** Rows for the store's tests: everything has a default, a test names only what it is about. */
import type { ConversationRef } from '../../../src/core/message.ts';
import type { NewInbound } from '../../../src/core/ports/inbox-store.ts';
import type { NewOutbound } from '../../../src/core/ports/outbox-store.ts';
import type { AttemptRow, FinishRun } from '../../../src/core/ports/run-store.ts';
import type { NewMessage } from '../../../src/core/ports/session-store.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import { plainText } from '../../../src/core/rich-text.ts';

/** A moment at noon (UTC), so that a few hours more or less stay on the same day. */
export const noon = Date.UTC(2026, 0, 15, 12);

export const chat = (native: string, thread?: string): ConversationRef => ({
  channel: 'telegram',
  account: 'main',
  native,
  ...(thread === undefined ? {} : { thread }),
});

export function inboundRow(id: string, more: Partial<NewInbound> = {}): NewInbound {
  return {
    id,
    runId: `run-${id}`,
    kind: 'message',
    channel: 'api',
    account: 'main',
    dedupe: id,
    owner: 'owner',
    sessionKey: 'api:owner:main',
    conversation: null,
    native: null,
    sender: { native: 'owner', display: 'Owner' },
    chatType: 'direct',
    text: `text of ${id}`,
    attachments: [],
    outside: null,
    state: 'queued',
    reason: null,
    bodyHash: null,
    agent: null,
    model: null,
    correlation: `cor-${id}`,
    receivedAt: noon,
    ...more,
  };
}

export function outboundRow(id: string, more: Partial<NewOutbound> = {}): NewOutbound {
  return {
    id,
    idempotencyKey: `key-${id}`,
    runId: null,
    sessionKey: null,
    owner: 'owner',
    conversation: chat('1'),
    chatType: 'direct',
    replyTo: null,
    part: 0,
    body: plainText(`body of ${id}`),
    correlation: `cor-${id}`,
    createdAt: noon,
    expiresAt: noon + 600_000,
    ...more,
  };
}

export const reply = (id: string, text = 'an answer'): NewMessage => ({
  id,
  role: 'assistant',
  parts: [{ type: 'text', text }],
  author: 'demo/demo',
  time: noon,
});

export function finish(runId: string, more: Partial<FinishRun> = {}): FinishRun {
  return {
    runId,
    state: 'finished',
    inbox: 'done',
    messages: [reply(`reply-${runId}`)],
    outbox: [],
    attempts: [],
    model: 'demo/demo',
    finishReason: 'stop',
    usage: null,
    cost: null,
    replyId: `reply-${runId}`,
    error: null,
    at: noon + 1000,
    ...more,
  };
}

export function attempt(runId: string, n: number, more: Partial<AttemptRow> = {}): AttemptRow {
  return {
    runId,
    n,
    owner: 'owner',
    provider: 'openai',
    model: 'small',
    startedAt: noon,
    finishedAt: null,
    outcome: null,
    phase: null,
    status: null,
    detail: null,
    usage: null,
    cost: null,
    ...more,
  };
}

export const usageOf = (input: number, output: number) => ({
  input,
  cacheRead: 1,
  cacheWrite: 0,
  output,
  reasoning: 0,
  estimated: false,
});

export const claim = (store: Store, more: Partial<Parameters<Store['claimRun']>[0]> = {}) =>
  store.claimRun({
    sessionKey: 'api:owner:main',
    mode: 'followup',
    maxStarts: 5,
    historyTurns: 50,
    historyLimit: 50,
    at: noon,
    ...more,
  });

/** Runs one message from start to end and returns its run. */
export async function answered(store: Store, id: string, more: Partial<NewInbound> = {}): Promise<string> {
  await store.commitInbound([inboundRow(id, more)]);
  const claimed = await claim(store, more.sessionKey === undefined ? {} : { sessionKey: more.sessionKey });
  if (claimed === null) throw new Error('nothing to claim');
  await store.finishRun(finish(claimed.run.id));
  return claimed.run.id;
}
