/** Every hook of the gateway: what a platform would send there, and how it shows that it is from it. */
import { createHmac, randomUUID } from 'node:crypto';
import { signed } from '../support/webhook-counterpart.ts';
import { people, team } from '../support/slack-workspace.ts';
import { hookSecrets } from './platforms.ts';

export interface Hook {
  name: 'webhook' | 'slack' | 'telegram' | 'whatsapp';
  path: string;
  /** A message that nobody has sent yet; with this id when the platform gives ids. */
  message: (text: string, id?: string) => string;
  /** What proves it, for a time in seconds since the epoch where one is signed. */
  proof: (body: string, seconds?: number | string) => Record<string, string>;
  /** The header that holds the signature, or null where it is a shared secret. */
  signature: string;
  /** Where the time stands; null: none is signed. */
  time: string | null;
  /** The status of what is taken. */
  taken: number;
}

const now = (): number => Math.floor(Date.now() / 1000);
const hmac = (secret: string, text: string): string => createHmac('sha256', secret).update(text).digest('hex');
let updates = 900_000_000;

export const hooks: readonly Hook[] = [
  {
    name: 'webhook',
    path: '/hooks/orders',
    message: (text) => JSON.stringify({ text, conversation: 'c', sender: 'anna' }),
    proof: (body, seconds = now()) => {
      const id = `msg_${hmac('id', body).slice(0, 20)}`;
      return {
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': signed(id, body, seconds as number),
      };
    },
    signature: 'webhook-signature',
    time: 'webhook-timestamp',
    taken: 202,
  },
  {
    name: 'slack',
    path: '/hooks/slack/http',
    message: (text, id = `Ev${randomUUID()}`) => {
      const ts = `${now()}.${String(Math.floor(Math.random() * 1e6)).padStart(6, '0')}`;
      const about = { channel: 'D0000000001', user: people.one, channel_type: 'im', ts, event_ts: ts };
      return JSON.stringify({
        type: 'event_callback',
        team_id: team,
        event_id: id,
        event: { type: 'message', text, ...about },
      });
    },
    proof: (body, seconds = now()) => ({
      'x-slack-request-timestamp': String(seconds),
      'x-slack-signature': `v0=${hmac(hookSecrets.slack, `v0:${seconds}:${body}`)}`,
    }),
    signature: 'x-slack-signature',
    time: 'x-slack-request-timestamp',
    taken: 200,
  },
  {
    name: 'telegram',
    path: '/hooks/telegram/called',
    message: (text) => {
      const id = updates++;
      const from = { id: 2001, is_bot: false, first_name: 'Ada' };
      const chat = { id: 2001, type: 'private', first_name: 'Ada' };
      return JSON.stringify({ update_id: id, message: { message_id: id, date: now(), chat, from, text } });
    },
    proof: () => ({ 'x-telegram-bot-api-secret-token': hookSecrets.telegram }),
    signature: 'x-telegram-bot-api-secret-token',
    time: null,
    taken: 200,
  },
  {
    name: 'whatsapp',
    path: '/hooks/whatsapp/main',
    message: (text, id = `wamid.${randomUUID()}`) => {
      const from = '491701234567';
      const metadata = { display_phone_number: '15550100', phone_number_id: '106540352242922' };
      const value = {
        messaging_product: 'whatsapp',
        metadata,
        contacts: [{ profile: { name: 'Anna' }, wa_id: from }],
        messages: [{ from, id, timestamp: String(now()), type: 'text', text: { body: text } }],
      };
      return JSON.stringify({
        object: 'whatsapp_business_account',
        entry: [{ id: '1', changes: [{ field: 'messages', value }] }],
      });
    },
    proof: (body) => ({ 'x-hub-signature-256': `sha256=${hmac(hookSecrets.whatsapp, body)}` }),
    signature: 'x-hub-signature-256',
    time: null,
    taken: 200,
  },
];
