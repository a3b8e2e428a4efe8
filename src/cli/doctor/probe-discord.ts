/** Asks Discord who a bot is, whether it may read messages and whether it is in its server; never connects. */
import type { LoadedConfig } from '../../config/index.ts';
import type { DiscordFacts } from './facts.ts';
import { probe, type Probe } from './probe.ts';

export type DiscordReport = Omit<DiscordFacts, 'id' | 'enabled'>;

/** GATEWAY_MESSAGE_CONTENT, and its form for bots in few servers. */
const messageContent = (1 << 18) | (1 << 19);

const notAsked: DiscordReport = {
  outcome: 'not_asked',
  detail: '',
  application: null,
  readsMessages: null,
  guildMissing: false,
  clockOffMs: null,
};

export const discordFacts = ({ config }: LoadedConfig, ask: boolean): Promise<DiscordFacts>[] =>
  Object.entries(config.channels.discord.accounts).map(async ([account, bot]) => ({
    id: `discord:${account}`,
    enabled: bot.enabled,
    ...(ask && bot.enabled ? await probeDiscord(bot.api_root, bot.bot_token.reveal(), bot.guild_id ?? null) : notAsked),
  }));

/** https://discord.com/developers/docs/resources/user#get-current-user and /application#get-current-application */
export async function probeDiscord(apiRoot: string, token: string, guild: string | null): Promise<DiscordReport> {
  const headers = {
    authorization: `Bot ${token}`,
    'user-agent': 'DiscordBot (https://www.npmjs.com/package/open-clanker, 1)',
  };
  const base = `${apiRoot.replace(/\/+$/, '').replace(/\/v\d+$/, '')}/v10`;
  const me = await probe(`${base}/users/@me`, headers);
  if ('failure' in me) return { ...notAsked, outcome: 'unreachable', detail: me.failure };
  const { clockOffMs } = me;
  const { status } = me.answer;
  if (status !== 200) {
    return { ...notAsked, clockOffMs, outcome: status === 401 ? 'unauthorized' : 'failing', detail: `HTTP ${status}` };
  }
  const about = await probe(`${base}/applications/@me`, headers);
  const { id, flags } = 'failure' in about ? {} : fieldsOf(about);
  const server = guild === null ? null : await probe(`${base}/guilds/${guild}`, headers);
  return {
    outcome: 'ok',
    detail: '',
    application: typeof id === 'string' && /^\d{1,20}$/.test(id) ? id : null,
    readsMessages: typeof flags === 'number' ? (flags & messageContent) !== 0 : null,
    guildMissing: server !== null && !('failure' in server) && [403, 404].includes(server.answer.status),
    clockOffMs,
  };
}

function fieldsOf({ answer, body }: Probe): Record<string, unknown> {
  return answer.status === 200 && typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}
