import type { GatewayEvent, GatewayEventType } from '../../core/events.ts';
import { type Principal, scopeIncludes } from '../../core/principal.ts';
import { clientSessionKey } from '../../core/session-key.ts';

/** Every type a client may filter by; a type new in core must be decided on here. */
const types: Record<GatewayEventType, true> = {
  'message.received': true,
  'message.refused': true,
  message: true,
  'run.started': true,
  'run.delta': true,
  'run.retrying': true,
  'run.tool': true,
  'run.finished': true,
  'run.failed': true,
  'approval.requested': true,
  'approval.resolved': true,
  'delivery.sent': true,
  'delivery.uncertain': true,
  'delivery.dead': true,
  feedback: true,
  'job.fired': true,
  'job.missed': true,
  'task.changed': true,
  'task.progress': true,
  'channel.state': true,
  'provider.state': true,
  'health.changed': true,
  'config.reloaded': true,
  'config.rejected': true,
};
export const eventTypes = Object.keys(types) as GatewayEventType[];

/** The full key of a session to listen to. Only an operator may name another person's; what is not theirs stays silent. */
export const listenKey = (key: string, { person, scope }: Principal, channelTypes: ReadonlySet<string>): string =>
  key.startsWith('api:') && scopeIncludes(scope, 'admin') ? key : clientSessionKey(key, person, channelTypes);

/** Names of an event's fields on the wire, where they differ. */
const wireNames: Record<string, string> = {
  messageId: 'message_id',
  runId: 'run_id',
  outboxId: 'outbox_id',
  approvalId: 'approval_id',
  expiresAt: 'expires_at',
  sessionKey: 'session',
  messageSeq: 'seq',
  jobId: 'job_id',
  taskId: 'task_id',
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
  // As in every answer.
  if ('due' in event) data['due'] = new Date(event.due).toISOString();
  if ('expiresAt' in event) data['expires_at'] = new Date(event.expiresAt).toISOString();
  return data;
}
