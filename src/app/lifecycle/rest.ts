import type { Clock } from '../../core/ports/system.ts';

const lookEveryMs = 1000;
/** The gateway rests when nothing ran for this long. */
const quietMs = 5000;
/** Less than this is not worth the pause. */
const worthBytes = 4 * 2 ** 20;

export interface RestDeps {
  clock: Clock;
  /** True while something is at work that a pause would hold up. */
  busy: () => boolean;
  /** Bytes of memory that the process holds. */
  held: () => number;
  giveBack: () => void;
}

/**
 * Gives memory back once the gateway has come to rest. V8 collects garbage when something is allocated, so a process
 * that does nothing more would keep for days what its start or its last rush needed. It costs a pause of some 50 ms in
 * which nobody waits for anything, and happens again only when the memory has grown since.
 */
export async function runRest({ clock, busy, held, giveBack }: RestDeps, signal: AbortSignal): Promise<void> {
  let quietSince = clock.monotonic();
  let least = 0;
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal).catch(() => undefined);
    const now = clock.monotonic();
    if (busy()) quietSince = now;
    if (signal.aborted || now - quietSince < quietMs) continue;
    quietSince = now;
    if (held() - least >= worthBytes) {
      giveBack();
      least = held();
    } else least = Math.min(least, held());
  }
}
