/** The platform's own menu of commands. https://discord.com/developers/docs/interactions/application-commands */
import type { DiscordApi } from './api.ts';

export interface MenuCommand {
  name: string;
  summary: string;
}

const maxSummary = 100;
const [chatInput, stringOption] = [1, 3] as const;

/** Every command takes words; those that need none ignore them. */
const option = { type: stringOption, name: 'text', description: 'What to say with it', required: false };

const entryOf = ({ name, summary }: MenuCommand): object => ({
  type: chatInput,
  name,
  description: summary.slice(0, maxSummary),
  options: [option],
});

/** Of what Discord keeps, the part that we decide. */
function known(commands: unknown): string {
  if (!Array.isArray(commands)) return '';
  const own = (commands as Record<string, unknown>[]).map(({ type, name, description, options }) => {
    const [first] = Array.isArray(options) ? (options as { name?: unknown; type?: unknown }[]) : [];
    return JSON.stringify([type ?? chatInput, name, description, first?.type ?? null, first?.name ?? null]);
  });
  return own.sort().join('\n');
}

/**
 * Makes the menu that of the commands; nothing is written when it is already so, as Discord counts changes per day.
 * Of one guild when given, else everywhere. Null when it stands, else the reason in words.
 */
export async function registerMenu(
  api: DiscordApi,
  application: string,
  guild: string | null,
  commands: readonly MenuCommand[],
  signal: AbortSignal,
): Promise<string | null> {
  const path = `/applications/${application}${guild === null ? '' : `/guilds/${guild}`}/commands`;
  const wanted = commands.map(entryOf);
  const there = await api.call({ method: 'GET', path, signal });
  if (there.ok && known(there.result) === known(wanted)) return null;
  const put = await api.call({ method: 'PUT', path, body: wanted, signal });
  return put.ok ? null : put.description;
}
