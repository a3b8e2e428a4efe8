import type { GatewayEvent } from '../../core/events.ts';

/** Names of an event's fields on the wire, where they differ. */
const wireNames: Record<string, string> = {
  messageId: 'message_id',
  runId: 'run_id',
  outboxId: 'outbox_id',
  sessionKey: 'session',
  messageSeq: 'seq',
};
/** Not for clients, or in the envelope. */
const hidden = new Set(['type', 'seq', 'at', 'correlation']);

/**
 * The data of an event as clients see it, the same on SSE and WebSocket: `run.delta` is `{run_id, text}`,
 * `run.finished` is the chat answer itself, everything else its fields in snake_case.
 */
export function eventData(event: GatewayEvent): unknown {
  // The hot path: one of these per piece of text and client.
  if (event.type === 'run.delta') return { run_id: event.runId, text: event.text };
  if (event.type === 'run.finished') return event.answer;
  if (event.type === 'run.failed') {
    const { code, message } = event.error;
    return { run_id: event.runId, error: { code, message } };
  }
  const data: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event)) if (!hidden.has(name)) data[wireNames[name] ?? name] = value;
  return data;
}
