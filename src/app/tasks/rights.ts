import { ClankerError } from '../../core/errors.ts';
import type { TaskRow } from '../../core/ports/schedule-store.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { PersonRole } from '../../core/principal.ts';
import { lesserRole, roleIncludes } from '../../core/roles.ts';
import type { Directory } from '../access/directory.ts';

export interface JobRightsDeps {
  store: Pick<Store, 'task'>;
  directory: Pick<Directory, 'roleOf'>;
}

/** The prefix of what a question of a task is kept under; what follows is the key of its work. */
const dedupePrefix = 'task:';
export const dedupeOf = (key: string): string => `${dedupePrefix}${key}`;

/** What a task may do: what it was made with, or what its owner may do by now where that is less. */
export class JobRights {
  readonly #deps: JobRightsDeps;

  constructor(deps: JobRightsDeps) {
    this.#deps = deps;
  }

  /** Rejects with `not_allowed` when its owner may have no jobs any more. */
  async of(task: Pick<TaskRow, 'owner' | 'origin'>): Promise<PersonRole> {
    const role = await this.roleOf(task);
    if (roleIncludes(role, 'member')) return role;
    throw new ClankerError('auth', 'not_allowed', 'The person this is done for may have no jobs any more.');
  }

  /** The same of guests, too. */
  async roleOf({ owner, origin }: Pick<TaskRow, 'owner' | 'origin'>): Promise<PersonRole> {
    return lesserRole(origin.role, await this.#deps.directory.roleOf(owner));
  }

  /** Who asks in a message of the channel `job`, and what they may do now: as `whois` for the other channels. */
  async whois({ owner, dedupe }: InboxRow): Promise<{ person: string; role: PersonRole }> {
    // A key is that of a task, and further names behind it.
    const id = /^\w+/.exec(dedupe.slice(dedupePrefix.length))?.[0] ?? '';
    const task = await this.#deps.store.task(id, owner);
    return { person: owner, role: task === null ? 'guest' : await this.roleOf(task) };
  }
}
