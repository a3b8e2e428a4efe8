/** Checks of the Telegram bots: what is configured, what Telegram says of them, what the gateway saw. */
import type { Facts } from './facts.ts';
import { perAccount } from './per-account.ts';

/** How the channel says that it is not alone. */
const another = /\b409\b|conflict|another program/i;

const perBot = perAccount(({ telegram }) => telegram);

export const botToken = perBot(({ id, outcome, detail }) => {
  switch (outcome) {
    case 'unauthorized':
      return {
        code: 'telegram_token_refused',
        problem: `Telegram refused the token of ${id} (${detail}).`,
        fix: 'Ask @BotFather for the current one (/mybots, API Token) and set bot_token.',
      };
    case 'unreachable':
      return {
        code: 'telegram_unreachable',
        problem: `Telegram cannot be reached for ${id} (${detail}).`,
        fix: 'Check the network and a firewall; where Telegram is blocked, set api_root to a Bot API server of yours.',
      };
    case 'failing':
      return {
        code: 'telegram_failing',
        problem: `Telegram answers ${id} with an error (${detail}).`,
        fix: 'Wait; if it stays, check api_root.',
      };
    default:
      return null;
  }
});

export const webhookSet = perBot(({ id, mode, webhookUrl }) => {
  if (webhookUrl === null || mode === 'webhook') return null;
  return {
    code: 'telegram_webhook_set',
    problem: `Telegram sends the messages of ${id} to ${webhookUrl}, so long polling hears nothing.`,
    fix: 'If nothing else uses the bot, remove it: call deleteWebhook of the Bot API once, without drop_pending_updates.',
  };
});

/** By what Telegram was answered. */
const webhookFixes: [RegExp, string][] = [
  [/\b421\b/, 'Put the host name of webhook_url into server.allowed_hosts: requests for other names are refused.'],
  [/\b403\b/, 'Put the address of the proxy in front into server.trusted_proxies.'],
  [/\b503\b/, 'The gateway cannot take messages at the moment; its log and the other findings say why.'],
];
const unreachable =
  'Make the address reachable from the internet by https with a valid certificate, and let the proxy there pass ' +
  '/hooks/ on to this gateway; or set mode = "long_polling", which needs none of it.';

export const webhookFails = perBot(({ id, mode, webhookTrouble }) => {
  if (mode !== 'webhook' || webhookTrouble === null) return null;
  return {
    code: 'telegram_webhook_fails',
    problem: `Telegram cannot deliver the messages of ${id} to its webhook_url (${webhookTrouble}).`,
    fix: webhookFixes.find(([words]) => words.test(webhookTrouble))?.[1] ?? unreachable,
  };
});

export const otherPoller = perBot(({ id }, { gateway }) => {
  const detail = channelDetail(gateway, id);
  if (detail === null || !another.test(detail)) return null;
  return {
    code: 'telegram_conflict',
    problem: `Another program polls Telegram with the token of ${id}.`,
    fix: 'Stop the other program, or give this one a bot of its own from @BotFather.',
  };
});

/** Every other trouble the gateway reports of the channel, in its own words. */
export const channelTrouble = perBot(({ id, outcome, webhookTrouble }, { gateway }) => {
  const detail = channelDetail(gateway, id);
  if (detail === null || webhookTrouble !== null || another.test(detail)) return null;
  // What Telegram itself says is told by its own check.
  if (outcome !== 'ok' && outcome !== 'not_asked') return null;
  return { code: 'channel_trouble', problem: `${id} is in trouble: ${detail}`, fix: 'The log has the details.' };
});

export const privacyMode = perBot(({ id, allowedGroups, readsAllGroupMessages, outcome, username }) => {
  if (outcome !== 'ok' || allowedGroups === 0 || readsAllGroupMessages) return null;
  return {
    code: 'telegram_privacy_mode',
    problem: `In groups ${id} sees only commands, mentions and replies: its privacy mode is on.`,
    fix:
      `That is enough to be asked by name (${username ?? 'its name'}). To let it read everything: ` +
      '@BotFather, /setprivacy, Disable, then remove the bot from the group and add it again.',
  };
});

function channelDetail(gateway: Facts['gateway'], id: string): string | null {
  if (gateway.reach !== 'up') return null;
  const channel = gateway.status.channels.find((known) => known.id === id);
  return channel !== undefined && ['degraded', 'fatal'].includes(channel.health.state) ? channel.health.detail : null;
}
