import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { RunQueue } from '../runs/queue.ts';
import type { Command, CommandRegistry } from './registry.ts';

/** The commands of the message path itself: /start /help /new /stop /whoami. */
export function registerBuiltinCommands(
  registry: CommandRegistry,
  deps: { store: Store; clock: Clock; runs: RunQueue; modelLine: () => string },
): void {
  const { store, clock, runs, modelLine } = deps;
  const commands: Command[] = [
    {
      name: 'start',
      summary: 'say hello',
      run: ({ inbound }) =>
        Promise.resolve(
          `Hello ${inbound.sender.display}! Write to me and I answer; /help lists what else I understand.\n\n${modelLine()}`,
        ),
    },
    {
      name: 'help',
      summary: 'list the commands',
      run: () =>
        Promise.resolve(
          registry
            .list()
            .map((command) => `/${command.name}: ${command.summary}`)
            .join('\n'),
        ),
    },
    {
      name: 'new',
      summary: 'begin a new conversation; the old one stays stored',
      run: async ({ session }) => {
        await store.resetSession(session.key, clock.now());
        return 'A new conversation begins. What was said before is kept, but I no longer look at it.';
      },
    },
    {
      name: 'stop',
      summary: 'stop the answer that is being written',
      now: ({ sessionKey }) => void runs.abortSession(sessionKey, 'stopped by /stop'),
      run: () => Promise.resolve('Stopped.'),
    },
    {
      name: 'whoami',
      summary: 'show who I think you are',
      run: ({ inbound, session }) =>
        Promise.resolve(
          `You are ${inbound.sender.display} (id \`${inbound.sender.native}\` on ${inbound.channel}), person \`${inbound.owner}\`. ` +
            `This conversation is \`${inbound.conversation?.native ?? ''}\`, session \`${session.key}\`.`,
        ),
    },
  ];
  for (const command of commands) registry.register(command);
}
