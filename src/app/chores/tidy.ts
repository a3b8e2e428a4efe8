/** Chores over rows: each a small step at a time, so that nobody waits long behind it. */
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';

/** Rows of one step, and the pause after it. */
const batch = 200;
const pauseMs = 20;
/** How long an idempotency key is remembered (contract). */
const keepKeysMs = 7 * 86_400_000;
const keepRefusedMs = 7 * 86_400_000;
/** Hundreds of runs of chores a day have nothing to tell: the last of them show that they run. */
const keepSilentMs = 2 * 86_400_000;
/** Of a model that nobody asked for since: clients can name any. */
const keepRestsMs = 86_400_000;

export interface Retention {
  /** Sessions idle for longer begin anew; null: never. */
  sessionMaxAgeMs: number | null;
  maxHistoryMessages: number | null;
}

export interface TidyDeps {
  store: Store;
  clock: Clock;
  retention: () => Retention;
  /** `tasks.retention` */
  keepTasksMs: () => number;
}

/** Repeats a step while there is more to do; how many of them did something. */
async function steps(clock: Clock, signal: AbortSignal, step: () => Promise<boolean>): Promise<number> {
  let done = 0;
  for (let more = true; more && !signal.aborted;) {
    more = await step();
    if (more) {
      done++;
      await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  }
  return done;
}

/** Closes sessions that are idle for too long, and trims histories that are too long. */
export async function tidySessions({ store, clock, retention }: TidyDeps, signal: AbortSignal): Promise<string> {
  const { sessionMaxAgeMs, maxHistoryMessages } = retention();
  let closed = 0;
  if (sessionMaxAgeMs !== null) {
    await steps(clock, signal, async () => {
      const found = await store.closeStale(clock.now() - sessionMaxAgeMs, null, batch);
      closed += found;
      return found === batch;
    });
  }
  const trimmed =
    maxHistoryMessages === null
      ? 0
      : await steps(clock, signal, () => store.maintain({ ...nothing(clock.now()), maxMessages: maxHistoryMessages }));
  return told([
    [closed, 'idle sessions begin anew'],
    [trimmed, 'steps of trimming long histories'],
  ]);
}

/** Idempotency keys, refused messages, codes, recordings, expired notes and questions, and what deleted sessions left. */
export async function tidyRows({ store, clock }: TidyDeps, signal: AbortSignal): Promise<string> {
  const at = clock.now();
  const limits = { ...nothing(at), keysBefore: at - keepKeysMs, refusedBefore: at - keepRefusedMs };
  return told([[await steps(clock, signal, () => store.maintain(limits)), 'steps of forgetting what has passed']]);
}

/** Tasks and jobs that are over, with their slots. */
export async function forgetTasks({ store, clock, keepTasksMs }: TidyDeps, signal: AbortSignal): Promise<string> {
  const now = clock.now();
  const step = (): Promise<boolean> => store.forgetTasks(now - keepTasksMs(), now - keepSilentMs, batch);
  return told([[await steps(clock, signal, step), 'steps of forgetting tasks']]);
}

/** Rests of models that ended long ago. */
export async function forgetRests({ store, clock }: TidyDeps, signal: AbortSignal): Promise<string> {
  const before = clock.now() - keepRestsMs;
  let forgotten = 0;
  for (const { provider, model, until } of await store.cooldowns()) {
    if (until >= before || signal.aborted) continue;
    await store.clearCooldown(provider, model);
    forgotten++;
  }
  return told([[forgotten, 'rests of models forgotten']]);
}

const nothing = (at: number): Parameters<Store['maintain']>[0] => ({
  at,
  keysBefore: 0,
  refusedBefore: 0,
  sessionsBefore: null,
  maxMessages: null,
  batch,
});

/** `3 idle sessions begin anew`; empty when there is nothing to tell. */
export const told = (counts: readonly (readonly [number, string])[]): string =>
  counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ');
