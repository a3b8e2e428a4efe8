/** Requests of Slack to `/hooks/slack/<account>`, once their signature was found good. */
import type { HookRequest } from '../../../core/ports/channel.ts';
import type { Delivery } from './deliveries.ts';
import { field, textField } from '../json-http.ts';

export type Hooked =
  /** Slack asks whether this address is ours: https://docs.slack.dev/reference/events/url_verification */
  | { kind: 'challenge'; challenge: string }
  | { kind: 'delivery'; delivery: Delivery }
  /** Nothing to act on; Slack is content with a 200. */
  | { kind: 'nothing' }
  | { kind: 'malformed'; detail: string };

/** Events are JSON; commands and interactions are forms. */
export function readHook({ headers, body }: HookRequest): Hooked {
  const text = new TextDecoder().decode(body);
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  if (!isForm) {
    const payload = jsonOf(text);
    if (payload === undefined) return { kind: 'malformed', detail: 'a body that is neither JSON nor a form' };
    const type = textField(payload, 'type');
    if (type === 'url_verification') return { kind: 'challenge', challenge: textField(payload, 'challenge') ?? '' };
    return type === 'event_callback' ? delivery('event', payload) : { kind: 'nothing' };
  }
  const form = new URLSearchParams(text);
  if (form.has('ssl_check')) return { kind: 'nothing' };
  const json = form.get('payload');
  if (json === null) return delivery('command', Object.fromEntries(form));
  const payload = jsonOf(json);
  return field(payload, 'type') === undefined
    ? { kind: 'malformed', detail: 'an interaction that is no JSON' }
    : delivery('interaction', payload);
}

const delivery = (type: Delivery['type'], payload: unknown): Hooked => ({
  kind: 'delivery',
  delivery: { type, payload } as Delivery,
});

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
