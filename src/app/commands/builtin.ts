import { nameInMarkdown } from '../access/names.ts';
import { languageChoices, languageNamed, languageOf, languages } from '../../core/languages.ts';
import { notices, type Words } from '../../core/notices/index.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { Outages } from '../runs/outages.ts';
import type { RunQueue } from '../runs/queue.ts';
import { mayRun, type Command, type CommandRegistry } from './registry.ts';

/** The commands of conversation itself: /start /help /new /stop /lang. */
export function registerBuiltinCommands(
  registry: CommandRegistry,
  deps: { store: Store; clock: Clock; runs: RunQueue; outages: Outages; modelLine: (words: Words) => string },
): void {
  const { store, clock, runs, outages, modelLine } = deps;
  const commands: Command[] = [
    {
      name: 'start',
      role: 'guest',
      run: ({ inbound, words }) =>
        Promise.resolve(`${words.hello(nameInMarkdown(inbound.sender.display))}\n\n${modelLine(words)}`),
    },
    {
      name: 'help',
      role: 'guest',
      run: ({ role, words }) => {
        const usable = registry.list().filter((command) => mayRun(role, command));
        const names = usable.map(({ name }) => `/${name}: ${words.summaries[name] ?? name}`);
        return Promise.resolve(names.join('\n'));
      },
    },
    {
      name: 'new',
      role: 'guest',
      run: async ({ session, words }) => {
        await store.resetSession(session.key, clock.now());
        return words.newConversation;
      },
    },
    {
      name: 'stop',
      role: 'guest',
      now: ({ sessionKey }) => void runs.abortSession(sessionKey, 'stopped by /stop'),
      run: async ({ session, words }) => {
        await outages.giveUp(session.key);
        return words.stopped;
      },
    },
    {
      name: 'lang',
      run: async ({ person, argument, words }) => {
        const choices = languageChoices();
        if (argument === '') {
          const name = languages[languageOf(person.language) ?? 'en'];
          const buttons = Object.entries(languages).map(([code, label]) => ({ label, command: `/lang ${code}` }));
          return { text: words.languageIs(name, choices), buttons };
        }
        const chosen = languageNamed(argument);
        if (chosen === null) return words.languageUnknown(argument.slice(0, 20), choices);
        await store.setPersonLanguage(person.id, chosen);
        return notices[chosen].languageSet;
      },
    },
  ];
  for (const command of commands) registry.register(command);
}
