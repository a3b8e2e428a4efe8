/** Asks Telegram who a bot is and whether a webhook takes its messages; never polls, so it disturbs nobody. */
import type { TelegramOutcome } from './facts.ts';
import { probe, type Probe } from './probe.ts';

export interface TelegramReport {
  outcome: TelegramOutcome;
  detail: string;
  username: string | null;
  webhookUrl: string | null;
  webhookTrouble: string | null;
  readsAllGroupMessages: boolean;
  clockOffMs: number | null;
}

/** https://core.telegram.org/bots/api#getme and #getwebhookinfo */
export async function probeTelegram(apiRoot: string, token: string): Promise<TelegramReport> {
  const report = {
    detail: '',
    username: null,
    webhookUrl: null,
    webhookTrouble: null,
    readsAllGroupMessages: false,
    clockOffMs: null,
  };
  const base = `${apiRoot.replace(/\/+$/, '')}/bot${token}`;
  const me = await probe(`${base}/getMe`);
  if ('failure' in me) return { ...report, outcome: 'unreachable', detail: me.failure };
  const { clockOffMs } = me;
  const { status } = me.answer;
  const bot = resultOf(me);
  if (bot === null) {
    // Telegram says 404 to what is no token at all and 401 to one that was revoked.
    const refused = status === 401 || status === 404;
    return { ...report, clockOffMs, outcome: refused ? 'unauthorized' : 'failing', detail: `HTTP ${status}` };
  }
  const info = await probe(`${base}/getWebhookInfo`);
  const webhook = 'failure' in info ? null : resultOf(info);
  const url = webhook?.['url'];
  return {
    outcome: 'ok',
    detail: '',
    username: typeof bot['username'] === 'string' ? `@${bot['username']}` : null,
    webhookUrl: typeof url === 'string' && url !== '' ? url : null,
    webhookTrouble: troubleOf(webhook),
    readsAllGroupMessages: bot['can_read_all_group_messages'] === true,
    clockOffMs,
  };
}

const maxWords = 200;

function troubleOf(webhook: Record<string, unknown> | null): string | null {
  const { pending_update_count: waiting, last_error_message: words } = webhook ?? {};
  if (typeof waiting !== 'number' || waiting === 0 || typeof words !== 'string') return null;
  return `${words.slice(0, maxWords)}; ${waiting} wait`;
}

function resultOf({ answer, body }: Probe): Record<string, unknown> | null {
  if (answer.status !== 200 || typeof body !== 'object' || body === null) return null;
  const { result } = body as { result?: unknown };
  return typeof result === 'object' && result !== null ? (result as Record<string, unknown>) : null;
}
