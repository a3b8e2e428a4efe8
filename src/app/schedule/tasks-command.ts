import type { Button } from '../../core/message.ts';
import { doesText, taskLine, titleText } from '../../core/notices/schedule-text.ts';
import type { ScheduleWords } from '../../core/notices/schedule-words.ts';
import type { TaskRow } from '../../core/ports/schedule-store.ts';
import { goesTo, taskStates, type TaskState } from '../../core/task.ts';
import type { CommandContext } from '../commands/registry.ts';
import { principalOf, told, wordsOf, zoneOf, type Answer, type ScheduleCommandDeps } from './asked-in-chat.ts';
import { reminder } from './reminder.ts';

/** Tasks of an answer. */
const maxShown = 8;
/** Of these, what is looked through for those of a group. */
const maxLookedAt = 100;

/** `/tasks` lists, `/tasks list STATE`; `/tasks show|cancel|retry ID`; `/tasks schedule` makes a job as `/remind` does. */
export function tasks(context: CommandContext, deps: ScheduleCommandDeps): Answer {
  const words = wordsOf(context);
  const [, verb = 'list', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(context.argument) ?? [];
  return told(words, words.noSuchTask, () => answer(context, deps, verb.toLowerCase(), rest));
}

function answer(context: CommandContext, deps: ScheduleCommandDeps, verb: string, rest: string): Answer {
  const words = wordsOf(context);
  switch (verb) {
    case 'list': {
      const state = taskStates.find((each) => each === rest);
      return rest === '' || state !== undefined
        ? list(context, deps, state ?? null)
        : Promise.resolve(words.howToUseTasks);
    }
    case 'show':
    case 'cancel':
    case 'retry':
      return rest === '' ? Promise.resolve(words.howToUseTasks) : change(context, deps, rest, verb);
    case 'schedule':
      return scheduled(context, deps, rest);
    default:
      return Promise.resolve(words.howToUseTasks);
  }
}

/** `daily_reminder every day at 9 drink water`: a word with an underscore in front is a name. */
function scheduled(context: CommandContext, deps: ScheduleCommandDeps, rest: string): Answer {
  if (rest === '') return Promise.resolve(wordsOf(context).howToUseTasks);
  const [, name, argument] = /^([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+)(?:\s+([\s\S]*))?$/.exec(rest) ?? [];
  return reminder(context, deps, name === undefined ? rest : (argument ?? ''), name ?? null);
}

async function list(context: CommandContext, deps: ScheduleCommandDeps, state: TaskState | null): Answer {
  const { inbound } = context;
  const words = wordsOf(context);
  const inGroup = inbound.chatType === 'group';
  const limit = inGroup ? maxLookedAt : maxShown;
  const query = { chores: 'without', limit } as const;
  const by = principalOf(context);
  // What is at work first, however long ago it was made.
  const running = state === null ? (await deps.schedule.tasks(by, { ...query, state: 'running' })).items : [];
  const recent = await deps.schedule.tasks(by, { ...query, ...(state === null ? {} : { state }) });
  const begun = new Set(running.map(({ id }) => id));
  const items = [...running, ...recent.items.filter(({ id }) => !begun.has(id))];
  const shown = items.filter(({ deliver }) => !inGroup || goesTo(deliver, inbound.conversation)).slice(0, maxShown);
  if (shown.length === 0) return words.noTasks;
  const zone = await zoneOf(context, deps);
  const lines = shown.map((task) => taskLine(task, zone, words));
  return { text: [words.yourTasks, '', ...lines].join('\n'), buttons: shown.flatMap((task) => actions(task, words)) };
}

async function change(
  context: CommandContext,
  deps: ScheduleCommandDeps,
  id: string,
  verb: 'show' | 'cancel' | 'retry',
): Answer {
  const { inbound } = context;
  const { schedule } = deps;
  const words = wordsOf(context);
  const by = principalOf(context);
  const { task } = await schedule.task(by, id);
  if (inbound.chatType === 'group' && !goesTo(task.deliver, inbound.conversation)) return words.noSuchTask;
  if (verb === 'show') {
    const line = taskLine(task, await zoneOf(context, deps), words);
    return { text: `${line}\n- ${doesText(task.payload, words)}`, buttons: actions(task, words) };
  }
  const name = titleText(task.name);
  if (verb === 'cancel') {
    // Pressed twice, or run again after a crash: it is as it was wanted.
    if (task.state !== 'cancelled') await schedule.cancelTask(by, id);
    return words.cancelled(name);
  }
  if (task.state !== 'queued' && task.state !== 'running') await schedule.retryTask(by, id);
  return words.retried(name);
}

/** What may still be done about it, with its name where several are listed. */
function actions({ id, state, name }: TaskRow, words: ScheduleWords): Button[] {
  const of = name.length <= 20 ? name : `${name.slice(0, 19).toWellFormed()}…`;
  if (state === 'queued' || state === 'running')
    return [{ label: `${words.cancel}: ${of}`, command: `/tasks cancel ${id}` }];
  return state === 'failed' ? [{ label: `${words.retry}: ${of}`, command: `/tasks retry ${id}` }] : [];
}
