import { jobText, titleText } from '../../core/notices/schedule-text.ts';
import type { ScheduleWords } from '../../core/notices/schedule-words.ts';
import { timeZoneOf } from '../../core/preferences.ts';
import { readWhen } from '../../core/when/read-when.ts';
import type { CommandContext } from '../commands/registry.ts';
import { askedIn, languageIn, principalOf, wordsOf, type Answer, type ScheduleCommandDeps } from './asked-in-chat.ts';

/** A job that says a text here. `argument`: when, and the text, in either order. */
export async function reminder(
  context: CommandContext,
  deps: ScheduleCommandDeps,
  argument: string,
  name: string | null,
): Answer {
  const { inbound, person } = context;
  const { schedule, preferences, calendar } = deps;
  const words = wordsOf(context);
  const { time_zone: own } = await preferences.get(person.id);
  const zone = own ?? deps.zone();
  // From when it was written: a command that waited, or runs again, means the same.
  const now = calendar.wall(inbound.receivedAt, zone);
  const read = readWhen(argument, { language: languageIn(context), now, zone });
  if ('problem' in read) return read.problem;
  if (read.rest === '') return words.remindOfWhat;
  const by = principalOf(context);
  const payload = { kind: 'text', text: read.rest } as const;
  const written = { ...read.when, payload, ...(name === null ? {} : { name }) };
  const view = await schedule.addJob(by, { ...written, time_zone: zone }, askedIn(context));
  const hint = own === null ? await zoneHint(context, deps, view.job.id, words) : null;
  const lines = [
    `${words.noted} **${titleText(view.job.name)}**`,
    jobText(view, inbound.conversation, words),
    ...(hint === null ? [] : [hint]),
  ];
  return { text: lines.join('\n\n'), buttons: [{ label: words.cancel, command: `/jobs remove yes ${view.job.id}` }] };
}

/** Said once: with the first job of somebody who did not tell their time zone. */
async function zoneHint(
  context: CommandContext,
  { schedule, zone }: ScheduleCommandDeps,
  made: string,
  words: ScheduleWords,
): Promise<string | null> {
  const { items } = await schedule.jobs(principalOf(context), { chores: 'without', limit: 2 });
  if (items.some(({ job }) => job.id !== made)) return null;
  const other = timeZoneOf(zone()) === exampleZone ? 'America/New_York' : exampleZone;
  return words.zoneAssumed(zone(), `/settings time_zone ${other}`);
}

const exampleZone = 'Europe/Berlin';
