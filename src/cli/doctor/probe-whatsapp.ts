/** Asks the Graph API how a number is called; sends nothing and changes nothing. */
import type { WhatsAppOutcome } from './facts.ts';
import { probe } from './probe.ts';

export interface WhatsAppReport {
  outcome: WhatsAppOutcome;
  detail: string;
  clockOffMs: number | null;
}

/** https://developers.facebook.com/docs/whatsapp/business-management-api/manage-phone-numbers */
export async function probeWhatsApp(apiRoot: string, number: string, token: string): Promise<WhatsAppReport> {
  const url = `${apiRoot.replace(/\/+$/, '')}/${number}?fields=display_phone_number,verified_name`;
  const asked = await probe(url, { authorization: `Bearer ${token}` });
  if ('failure' in asked) return { outcome: 'unreachable', detail: asked.failure, clockOffMs: null };
  const { answer, body, clockOffMs } = asked;
  const { status } = answer;
  if (status === 200 && typeof fieldOf(body, 'display_phone_number') === 'string') {
    return { outcome: 'ok', detail: '', clockOffMs };
  }
  const error = fieldOf(body, 'error');
  const code = fieldOf(error, 'code');
  const said = fieldOf(error, 'message');
  const detail = typeof said === 'string' ? said.replaceAll(token, '[token]').slice(0, 200) : `HTTP ${status}`;
  if (status === 401 || code === 190 || code === 0) return { outcome: 'unauthorized', detail, clockOffMs };
  // Meta says 100 to an id that does not exist and to one that this token may not see.
  return { outcome: code === 100 || status === 403 ? 'no_such_number' : 'failing', detail, clockOffMs };
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
