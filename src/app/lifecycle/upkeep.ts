import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import type { Tokens } from '../access/tokens.ts';

const everyMs = 60_000;
const maintainEveryMs = 600_000;
/** How long an idempotency key is remembered (contract). */
const keepKeysMs = 7 * 86_400_000;
const keepRefusedMs = 7 * 86_400_000;
const batch = 200;

export interface Retention {
  /** Sessions idle for longer begin anew; null: never. */
  sessionMaxAgeMs: number | null;
  maxHistoryMessages: number | null;
}

/** The small chores of a running gateway, each bounded and none in anybody's way. */
export async function runUpkeep(
  deps: { store: Store; clock: Clock; log: Log; tokens: Tokens; retention: () => Retention },
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, tokens, retention } = deps;
  const log = deps.log.with({ component: 'upkeep' });
  let savedAt = clock.monotonic();
  let maintainedAt = -maintainEveryMs;
  while (!signal.aborted) {
    tokens.expire();
    const now = clock.monotonic();
    try {
      if (now - savedAt >= everyMs) {
        savedAt = now;
        await tokens.saveUses();
      }
      if (now - maintainedAt >= maintainEveryMs) {
        const { sessionMaxAgeMs, maxHistoryMessages } = retention();
        const wall = clock.now();
        const more = await store.maintain({
          at: wall,
          keysBefore: wall - keepKeysMs,
          refusedBefore: wall - keepRefusedMs,
          sessionsBefore: sessionMaxAgeMs === null ? null : wall - sessionMaxAgeMs,
          maxMessages: maxHistoryMessages,
          batch,
        });
        if (!more) maintainedAt = now;
      }
    } catch (error) {
      log.warn('housekeeping failed and will be tried again', { error });
      maintainedAt = now - maintainEveryMs + everyMs;
    }
    await clock.sleep(1000, signal).catch(() => undefined);
  }
}
