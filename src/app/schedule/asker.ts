import { ClankerError, invalidInput } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import { languageOf } from '../../core/languages.ts';
import type { PersonPayload } from '../../core/payload.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { Calendar } from '../../core/ports/calendar.ts';
import type { Asked, Here, WrittenWhen } from '../../core/ports/schedule-gateway.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { TaskKinds } from '../../core/ports/task-kind.ts';
import type { PersonRole, Principal } from '../../core/principal.ts';
import { lesserRole, roleIncludes } from '../../core/roles.ts';
import type { TaskDelivery } from '../../core/task.ts';
import type { Audit } from '../audit/audit.ts';
import type { Reading } from './written.ts';

export interface JobsSettings {
  /** The clock of people who did not say theirs. */
  zone: string;
  maxJobs: number;
  minIntervalMs: number;
  maxLatenessMs: number;
  maxOpen: number;
  retries: number;
}

export interface JobsDeps {
  store: Store;
  clock: Clock;
  bus: Bus;
  calendar: Calendar;
  mintId: MintId;
  audit: Pick<Audit, 'record'>;
  scheduler: { wake(): void; settle(): Promise<void> };
  runner: { wake(): void; cancel(id: string): void };
  kinds: TaskKinds;
  /** Where a result goes; rejects when they may not send there. */
  delivery: (
    by: { person: string; role: PersonRole },
    written: string | undefined,
    here: Here | null,
  ) => Promise<TaskDelivery>;
  /** What words say about when, or an error that shows how to say it. */
  readWords: (words: string, language: string | null, reading: Reading) => Promise<WrittenWhen>;
  settings: () => JobsSettings;
}

/** Who asks, with what they may do, and the clock they live by. */
export interface Asker {
  principal: Principal;
  role: PersonRole;
  language: string | null;
  reading: Reading;
  asked: Asked | null;
}

/** Rejects guests. */
export async function askerOf(principal: Principal, asked: Asked | undefined, deps: JobsDeps): Promise<Asker> {
  const { store, clock, calendar, settings } = deps;
  const { person } = principal;
  const [row, { timeZone }] = await Promise.all([store.person(person), store.preferences(person)]);
  const own = row?.role ?? 'guest';
  const role = lesserRole(own, asked?.role ?? own);
  if (!roleIncludes(role, 'member'))
    throw new ClankerError('auth', 'not_allowed', 'Guests have no jobs; ask an owner for the role member.');
  const reading = { now: clock.now(), zone: timeZone ?? settings().zone, calendar };
  return { principal, role, language: languageOf(row?.language ?? undefined), reading, asked: asked ?? null };
}

/** Rejects what its kind cannot do. */
export async function checkedPayload(payload: PersonPayload, owner: string, deps: JobsDeps): Promise<PersonPayload> {
  const kind = await deps.kinds(payload.kind);
  const problem = (await kind?.problem?.(payload, owner)) ?? null;
  if (problem !== null) throw invalidInput('bad_payload', problem);
  return payload;
}

/** Where a result goes. */
export const deliveryOf = (
  { principal: { person }, role, asked }: Asker,
  written: string | undefined,
  { delivery }: JobsDeps,
): Promise<TaskDelivery> => delivery({ person, role }, written, asked?.here ?? null);
