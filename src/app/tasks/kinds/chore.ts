import { choreNames, type ChoreName } from '../../../core/chores.ts';
import { ClankerError } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/message.ts';
import type { TaskKind } from '../../../core/ports/task-kind.ts';

/** Much of it reads everything that there is; nobody waits for it. */
const timeoutMs = 6 * 3_600_000;

/** What a chore did, in one line; empty: nothing. `memory`: for its next run. */
export interface ChoreDone {
  text: string;
  memory?: JsonObject;
}

/** Does what is to be done and returns early, at a point where nothing is half done, when the signal aborts. */
export type Chore = (signal: AbortSignal, memory: JsonObject | null) => Promise<ChoreDone>;

/** The gateway's own work. Each chore can be begun anew after a crash. */
export const choreKind = (chores: Readonly<Record<ChoreName, Chore>>): TaskKind<'chore'> => ({
  kind: 'chore',
  repeatable: true,
  timeoutMs,
  async run({ payload, signal, memory }) {
    const name = choreNames.find((known) => known === payload.chore);
    if (name === undefined) {
      throw new ClankerError('not_found', 'no_such_chore', `There is no chore "${payload.chore}" in this version.`);
    }
    const done = await chores[name](signal, memory);
    signal.throwIfAborted();
    return { text: done.text, files: [], outside: null, ...(done.memory === undefined ? {} : { memory: done.memory }) };
  },
});
