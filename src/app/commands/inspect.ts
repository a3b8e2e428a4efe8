import { ClankerError } from '../../core/errors.ts';
import type { ChannelStatus } from '../../core/ports/gateway.ts';
import type { MessageTrace } from '../../core/ports/overview-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { may } from '../../core/roles.ts';
import { storyOf } from '../../core/story.ts';
import { formatDuration } from '../../core/units.ts';
import { nameInMarkdown } from '../access/names.ts';
import type { ModelCaller } from '../models/caller.ts';
import type { Command, CommandAnswer, CommandContext, CommandRegistry } from './registry.ts';

/** Models offered by name; the rest can be typed. */
const maxOffered = 20;

export interface InspectDeps {
  store: Store;
  models: ModelCaller;
  status: () => Promise<{
    uptimeMs: number;
    queues: { inbox: number; running: number };
    channels: ChannelStatus[];
  }>;
  /** The default model, `provider/model`. */
  defaultModel: () => string;
}

/** The commands that look at the gateway from a chat: /status /model /why. */
export function registerInspectCommands(registry: CommandRegistry, deps: InspectDeps): void {
  const { store, defaultModel } = deps;
  const commands: Command[] = [
    {
      name: 'status',
      run: async ({ session, role, words }) => {
        const { uptimeMs, queues, channels } = await deps.status();
        const uptime = formatDuration(Math.round(uptimeMs / 1000) * 1000);
        const model = session.model ?? defaultModel();
        // This command is a message that is being answered, too.
        const running = Math.max(0, queues.running - 1);
        const lines = [words.status({ uptime, model, waiting: queues.inbox, running })];
        const troubled = channels.filter(({ health }) => health.state === 'degraded' || health.state === 'fatal');
        for (const { id, health } of troubled)
          lines.push(words.channelTrouble(id, may(role, 'inspect') ? health.detail : health.state));
        if (troubled.length === 0) lines.push(words.allChannelsWell(channels.length));
        return lines.join('\n');
      },
    },
    { name: 'model', run: (context) => chooseModel(context, deps) },
    {
      name: 'why',
      run: async ({ inbound, role, words }) => {
        const before = await store.inboundBefore(inbound.sessionKey, inbound.id);
        const trace = before === null ? null : await store.trace(before.id);
        if (trace === null) return words.nothingToExplain;
        return storyOf(forChat(trace, may(role, 'inspect')), words.story).join('\n\n');
      },
    },
  ];
  for (const command of commands) registry.register(command);
}

/** Names as they are written; what providers say names hosts, accounts and bills, which is for those who may `inspect`. */
function forChat(trace: MessageTrace, inspect: boolean): MessageTrace {
  const { inbox, attempts, feedback } = trace;
  const named = <T extends { native: string; display: string }>(sender: T): T => ({
    ...sender,
    display: nameInMarkdown(sender.display || sender.native),
  });
  return {
    ...trace,
    inbox: { ...inbox, sender: named(inbox.sender) },
    attempts: inspect ? attempts : attempts.map((attempt) => ({ ...attempt, detail: null })),
    feedback: feedback.map((row) => ({ ...row, sender: named(row.sender) })),
  };
}

async function chooseModel(
  { argument, session, words }: CommandContext,
  { store, models, defaultModel }: InspectDeps,
): Promise<string | CommandAnswer> {
  const offered = models.status().map(({ id, model }) => `${id}/${model}`);
  if (argument === '') {
    const text = [words.modelIs(session.model ?? defaultModel(), session.model !== null)];
    if (offered.length > 1) text.push(words.modelChoices(offered.slice(0, maxOffered).map((name) => `\`${name}\``)));
    const buttons = offered.slice(0, maxOffered).map((name) => ({ label: name, command: `/model ${name}` }));
    return { text: text.join('\n\n'), buttons: offered.length > 1 ? buttons : [] };
  }
  if (argument === 'default') {
    await store.setSessionModel(session.key, null);
    return words.modelReset(defaultModel());
  }
  try {
    const [chosen] = models.resolve(argument);
    await store.setSessionModel(session.key, argument);
    return words.modelSet(chosen?.name ?? argument);
  } catch (error) {
    if (!(error instanceof ClankerError) || error.kind !== 'invalid_input') throw error;
    const asked = `\`${argument.slice(0, 80).replaceAll('`', "'")}\``;
    return `${words.modelUnknown(asked)} ${words.modelChoices(offered.slice(0, maxOffered).map((n) => `\`${n}\``))}`;
  }
}
