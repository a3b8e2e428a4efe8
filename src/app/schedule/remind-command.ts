import { examplesIn } from '../../core/when/read-when.ts';
import type { CommandContext } from '../commands/registry.ts';
import { languageIn, told, wordsOf, type Answer, type ScheduleCommandDeps } from './asked-in-chat.ts';
import { reminder } from './reminder.ts';

/** `/remind every weekday at 9 stand-up`: says the text here when it is time. */
export function remind(context: CommandContext, deps: ScheduleCommandDeps): Answer {
  const words = wordsOf(context);
  if (context.argument === '') return Promise.resolve(words.howToRemind(commandsOf(context, '/remind')));
  return told(words, words.noSuchJob, () => reminder(context, deps, context.argument, null));
}

const commandsOf = (context: CommandContext, command: string): string =>
  examplesIn(languageIn(context))
    .map((example) => `\`${command} ${example} …\``)
    .join(', ');
