/** What commands about jobs and tasks share: who asks, in which words, and how a refusal is told. */
import { ClankerError } from '../../core/errors.ts';
import { languageOf, type Language } from '../../core/languages.ts';
import type { ScheduleWords } from '../../core/notices/schedule-words.ts';
import { schedule as scheduleWords } from '../../core/notices/schedule.ts';
import type { Calendar } from '../../core/ports/calendar.ts';
import type { PersonSettings } from '../../core/ports/preferences.ts';
import type { Asked, ScheduleGateway } from '../../core/ports/schedule-gateway.ts';
import type { Principal } from '../../core/principal.ts';
import type { CommandAnswer, CommandContext } from '../commands/registry.ts';

export interface ScheduleCommandDeps {
  schedule: ScheduleGateway;
  preferences: Pick<PersonSettings, 'get'>;
  /** Of people who did not say theirs: an IANA name. */
  zone: () => string;
  calendar: Pick<Calendar, 'wall'>;
}

export type Answer = Promise<string | CommandAnswer>;

export const languageIn = ({ person }: CommandContext): Language => languageOf(person.language) ?? 'en';

export const wordsOf = (context: CommandContext): ScheduleWords => scheduleWords[languageIn(context)];

/** Sees what is theirs, `admin` everybody's. */
export function principalOf({ inbound, person }: CommandContext, scope: 'send' | 'admin' = 'send'): Principal {
  const { channel, account } = inbound;
  return { kind: 'sender', id: `${channel}:${account}`, person: person.id, scope, name: person.name };
}

/** The message is the key: a command that runs again after a crash finds what it made. */
export function askedIn({ inbound, role }: CommandContext): Asked {
  const { id, conversation, chatType, sessionKey, outside } = inbound;
  const here = conversation === null ? null : { conversation, chatType, sessionKey };
  return { key: `command:${id}`, here, role, tainted: outside };
}

export async function zoneOf({ person }: CommandContext, { preferences, zone }: ScheduleCommandDeps): Promise<string> {
  return (await preferences.get(person.id)).time_zone ?? zone();
}

const ownFaults: readonly string[] = ['invalid_input', 'not_found', 'conflict', 'rate_limited', 'auth'];

/** What cannot be done is an answer, not a failure. `missing`: what is said when there is no such thing. */
export async function told(words: ScheduleWords, missing: string, answer: () => Answer): Answer {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof ClankerError) || !ownFaults.includes(error.kind)) throw error;
    return error.kind === 'not_found' ? missing : (words.refused[error.code] ?? error.message);
  }
}
