import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ModelEvent, ModelRequest, Provider, ProviderConfig } from '../../../core/ports/provider.ts';
import { ToolCalls } from '../tool-calls.ts';
import { demoReply } from './reply.ts';

/**
 * The model that is always there: no network, no key. It answers deterministically, word by word, calls a tool when
 * the text says "call the tool NAME" or "remind me WHEN to WHAT", and tells how to connect a real model.
 */
export function createProvider(config: ProviderConfig): Provider {
  return {
    id: config.id,
    dialect: 'demo',
    stream,
    listModels: () => Promise.resolve([{ id: 'demo' }]),
    health: () => Promise.resolve({ ok: true, detail: 'built in' }),
  };
}

async function stream(request: ModelRequest, signal: AbortSignal, emit: (event: ModelEvent) => void): Promise<void> {
  let sent = false;
  emit({ type: 'start', model: 'demo' });
  for (const event of answer(request)) {
    // Yields to the event loop between words, as a network would, so that a long answer holds nobody up.
    await nextTurn();
    if (signal.aborted) {
      emit({ type: 'error', error: aborted(sent) });
      return;
    }
    if (event.type === 'text' || event.type === 'tool_delta') sent = true;
    emit(event);
  }
}

function* answer(request: ModelRequest): Generator<ModelEvent> {
  const reply = demoReply(request);
  if ('text' in reply) {
    for (const [word] of reply.text.matchAll(/\s*\S+/g)) yield { type: 'text', text: word };
    yield { type: 'finish', reason: 'stop', raw: 'stop' };
    return;
  }
  const calls = new ToolCalls();
  calls.open(0, undefined, reply.tool);
  const piece = calls.append(0, JSON.stringify(reply.args));
  if (piece !== null) yield piece;
  yield* calls.close(false);
  yield { type: 'finish', reason: 'tool_calls', raw: 'tool_calls' };
}

const aborted = (midOutput: boolean): Extract<ModelEvent, { type: 'error' }>['error'] => ({
  kind: 'aborted',
  code: 'aborted',
  phase: midOutput ? 'mid_output' : 'before_output',
  accepted: midOutput ? 'yes' : 'maybe',
  detail: 'The request was aborted.',
});
