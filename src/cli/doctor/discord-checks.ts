/** Checks of the Discord bots: what Discord says of them, what the gateway saw. */
import { perAccount } from './per-account.ts';

const perBot = perAccount(({ discord }) => discord);

export const botToken = perBot(({ id, outcome, detail }) => {
  switch (outcome) {
    case 'unauthorized':
      return {
        code: 'discord_token_refused',
        problem: `Discord refused the token of ${id} (${detail}).`,
        fix: 'Make a new one in the Developer Portal (page "Bot", "Reset Token") and set bot_token.',
      };
    case 'unreachable':
      return {
        code: 'discord_unreachable',
        problem: `Discord cannot be reached for ${id} (${detail}).`,
        fix: 'Check the network and a firewall, and api_root if you set it.',
      };
    case 'failing':
      return {
        code: 'discord_failing',
        problem: `Discord answers ${id} with an error (${detail}).`,
        fix: 'Wait, and look at https://discordstatus.com; if it stays, check api_root.',
      };
    default:
      return null;
  }
});

export const messageContent = perBot(({ id, readsMessages, application }) => {
  if (readsMessages !== false) return null;
  const page = `https://discord.com/developers/applications${application === null ? '' : `/${application}/bot`}`;
  return {
    code: 'discord_no_message_content',
    problem: `Discord does not let ${id} connect: its "Message Content Intent" is off.`,
    fix: `Turn it on under "Privileged Gateway Intents" on ${page} and save.`,
  };
});

/** To view channels, read their history, send there and in threads, and attach files. */
const permissions = '274878008320';

export const notInGuild = perBot(({ id, guildMissing, application }) => {
  if (!guildMissing) return null;
  const query = `client_id=${application ?? 'APPLICATION_ID'}&scope=bot+applications.commands&permissions=${permissions}`;
  return {
    code: 'discord_not_in_guild',
    problem: `${id} is not in the server that guild_id names.`,
    fix: `Invite it: https://discord.com/oauth2/authorize?${query}`,
  };
});

/** Every other trouble the gateway reports of the channel, in its own words. */
export const channelTrouble = perBot(({ id, outcome, readsMessages }, { gateway }) => {
  if (gateway.reach !== 'up' || readsMessages === false) return null;
  // What Discord itself says is told by its own check.
  if (outcome !== 'ok' && outcome !== 'not_asked') return null;
  const health = gateway.status.channels.find((known) => known.id === id)?.health;
  if (health === undefined || !['degraded', 'fatal'].includes(health.state)) return null;
  return { code: 'channel_trouble', problem: `${id} is in trouble: ${health.detail}`, fix: 'The log has the details.' };
});
