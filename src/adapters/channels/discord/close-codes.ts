/** What the end of a gateway connection means. https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway */

/** We close with it, as 1000 and 1001 would end the session, which must survive a restart. */
export const keepSessionCode = 4900;

const portal = 'the Developer Portal (https://discord.com/developers/applications)';

/** Nothing changes these but a person; with the fix in words. */
const fatal: Readonly<Record<number, string>> = {
  4004: `Discord does not accept the bot token. Reset it in ${portal}, page "Bot", and put the new one into bot_token.`,
  4010: 'Discord refuses the shard; this is a fault of the gateway, please report it.',
  4011: 'The bot is in more than 2500 servers, which needs sharding; use a bot of its own for this gateway.',
  4012: 'Discord does not speak this version of its API any more; update the gateway.',
  4013: 'Discord refuses the events asked for; update the gateway.',
  4014:
    `The bot may not read messages yet: in ${portal}, page "Bot", turn on "Message Content Intent" under ` +
    '"Privileged Gateway Intents" and save. The gateway then connects by itself.',
};

/** The session cannot be resumed: begin a new one. */
const sessionGone: ReadonlySet<number> = new Set([4003, 4007, 4009]);

export type CloseMeaning = { next: 'resume' | 'identify' } | { next: 'give_up'; fix: string };

export function meaningOf(code: number): CloseMeaning {
  const fix = fatal[code];
  if (fix !== undefined) return { next: 'give_up', fix };
  return { next: sessionGone.has(code) ? 'identify' : 'resume' };
}
