import type { Clock, Log } from '../../core/ports/system.ts';
import type { Tokens } from './tokens.ts';

const lookEveryMs = 1000;
const saveEveryMs = 60_000;

/** Tokens end in the second in which they expire; when they were last used is written down once a minute. */
export async function careForTokens(
  { tokens, clock, log }: { tokens: Pick<Tokens, 'expire' | 'saveUses'>; clock: Clock; log: Log },
  signal: AbortSignal,
): Promise<void> {
  let savedAt = clock.monotonic();
  while (!signal.aborted) {
    tokens.expire();
    const now = clock.monotonic();
    if (now - savedAt >= saveEveryMs) {
      savedAt = now;
      await tokens.saveUses().catch((error: unknown) => log.warn('uses of tokens could not be saved', { error }));
    }
    await clock.sleep(lookEveryMs, signal).catch(() => undefined);
  }
}
