import type { Button } from '../../core/message.ts';
import { jobLine, jobText, titleText } from '../../core/notices/schedule-text.ts';
import type { ScheduleWords } from '../../core/notices/schedule-words.ts';
import type { JobView } from '../../core/ports/schedule-gateway.ts';
import { may } from '../../core/roles.ts';
import { goesTo } from '../../core/task.ts';
import type { CommandContext } from '../commands/registry.ts';
import { askedIn, principalOf, told, wordsOf, type Answer, type ScheduleCommandDeps } from './asked-in-chat.ts';

/** Jobs of an answer: what fits on a screen. */
const maxShown = 8;
/** Of these, what is looked through for those of a group. */
const maxLookedAt = 100;
const maxLabel = 30;
/** A button's command is no longer (core/message.ts). */
const maxCommand = 64;
const choreId = /^chore-[a-z0-9_-]{1,40}$/;

/** `/jobs` lists; `/jobs show|pause|resume|run|remove ID`; `/jobs all` with the chores of the gateway. */
export function jobs(context: CommandContext, deps: ScheduleCommandDeps): Answer {
  const words = wordsOf(context);
  const [verb = 'list', ...args] = context.argument.split(/\s+/).filter((word) => word !== '');
  return told(words, words.noSuchJob, () => {
    // A cursor is not a word: its letters stay as they are.
    if (verb.startsWith('+')) return list(context, deps, verb.slice(1));
    return answer(context, deps, verb.toLowerCase(), args);
  });
}

function answer(context: CommandContext, deps: ScheduleCommandDeps, verb: string, args: readonly string[]): Answer {
  const words = wordsOf(context);
  const [first, second] = args;
  if (verb === 'list') return list(context, deps, null);
  if (verb === 'all') return all(context, deps);
  const confirmed = verb === 'remove' && first === 'yes';
  const id = confirmed ? second : first;
  if (id === undefined) return Promise.resolve(words.howToUseJobs);
  switch (verb) {
    case 'show':
      return show(context, deps, id);
    case 'remove':
      return remove(context, deps, id, confirmed);
    case 'pause':
    case 'resume':
    case 'run':
      return change(context, deps, id, verb);
    default:
      return Promise.resolve(words.howToUseJobs);
  }
}

async function list(context: CommandContext, { schedule }: ScheduleCommandDeps, cursor: string | null): Answer {
  const { inbound } = context;
  const words = wordsOf(context);
  const inGroup = inbound.chatType === 'group';
  const { items, nextCursor } = await schedule.jobs(principalOf(context), {
    chores: 'without',
    limit: inGroup ? maxLookedAt : maxShown,
    ...(cursor === null ? {} : { cursor }),
  });
  // A group hears of what comes to it, and of nothing else.
  const shown = items.filter(({ job }) => !inGroup || goesTo(job.deliver, inbound.conversation)).slice(0, maxShown);
  if (shown.length === 0) return inGroup ? words.noJobsHere : words.noJobs;
  const command = `/jobs +${nextCursor}`;
  const isMore = !inGroup && nextCursor !== null && command.length <= maxCommand;
  const more = isMore ? [{ label: words.more, command }] : [];
  const [only] = shown;
  const buttons = shown.length === 1 && only !== undefined ? actions(only, words) : shown.map(openButton);
  const lines = shown.map((view) => jobLine(view, words));
  return { text: [words.yourJobs, '', ...lines].join('\n'), buttons: [...buttons, ...more] };
}

/** One's own, and what the gateway does by itself. */
async function all(context: CommandContext, deps: ScheduleCommandDeps): Answer {
  const words = wordsOf(context);
  if (!seesChores(context)) return words.onlyOwners;
  const { items } = await deps.schedule.jobs(principalOf(context, 'admin'), { chores: 'only', limit: maxLookedAt });
  const own = await list(context, deps, null);
  const { text, buttons = [] } = typeof own === 'string' ? { text: own } : own;
  return { text: [text, '', words.chores, '', ...items.map((view) => jobLine(view, words))].join('\n'), buttons };
}

const seesChores = ({ role, inbound }: CommandContext): boolean =>
  may(role, 'inspect') && inbound.chatType === 'direct';

/** Who may do something with it: an owner with a chore, else who has it. */
const actingOn = (context: CommandContext, id: string) =>
  principalOf(context, choreId.test(id) && seesChores(context) ? 'admin' : 'send');

/** In a group what goes elsewhere is not there. */
async function find(context: CommandContext, { schedule }: ScheduleCommandDeps, id: string): Promise<JobView | null> {
  const { inbound } = context;
  const view = await schedule.job(actingOn(context, id), id);
  return inbound.chatType === 'direct' || goesTo(view.job.deliver, inbound.conversation) ? view : null;
}

async function show(context: CommandContext, deps: ScheduleCommandDeps, id: string): Answer {
  const words = wordsOf(context);
  const view = await find(context, deps, id);
  if (view === null) return words.noSuchJob;
  const head = `**${titleText(view.job.name)}** (\`${view.job.id}\`)`;
  return { text: `${head}\n\n${jobText(view, context.inbound.conversation, words)}`, buttons: actions(view, words) };
}

async function change(
  context: CommandContext,
  deps: ScheduleCommandDeps,
  id: string,
  verb: 'pause' | 'resume' | 'run',
): Answer {
  const words = wordsOf(context);
  const found = await find(context, deps, id);
  if (found === null) return words.noSuchJob;
  const by = actingOn(context, id);
  const { schedule } = deps;
  if (verb === 'run') {
    const { name } = await schedule.runJob(by, id, askedIn(context).key);
    return words.started(titleText(name));
  }
  const view = verb === 'pause' ? await schedule.pauseJob(by, id) : await schedule.resumeJob(by, id);
  const name = titleText(view.job.name);
  const text = verb === 'pause' ? words.paused(name) : words.resumed(name);
  return { text: `${text}\n\n${jobText(view, context.inbound.conversation, words)}`, buttons: actions(view, words) };
}

async function remove(context: CommandContext, deps: ScheduleCommandDeps, id: string, confirmed: boolean): Answer {
  const words = wordsOf(context);
  const view = await find(context, deps, id);
  if (view === null) return words.noSuchJob;
  const name = titleText(view.job.name);
  if (!confirmed)
    return { text: words.sureToRemove(name), buttons: [{ label: words.remove, command: `/jobs remove yes ${id}` }] };
  await deps.schedule.removeJob(actingOn(context, id), id);
  return words.removed(name);
}

const openButton = ({ job: { id, name } }: JobView): Button => ({ label: labelOf(name), command: `/jobs show ${id}` });

function labelOf(name: string): string {
  return name.length <= maxLabel ? name : `${name.slice(0, maxLabel - 1).toWellFormed()}…`;
}

function actions({ job: { id, state, payload } }: JobView, words: ScheduleWords): Button[] {
  return [
    ...(state === 'active' ? [{ label: words.pause, command: `/jobs pause ${id}` }] : []),
    ...(state === 'paused' ? [{ label: words.resume, command: `/jobs resume ${id}` }] : []),
    { label: words.run, command: `/jobs run ${id}` },
    ...(payload.kind === 'chore' ? [] : [{ label: words.remove, command: `/jobs remove ${id}` }]),
  ];
}
