import type { Clock } from '../../src/core/ports/system.ts';

/** `Clock.after` for a clock that has its own way to sleep. */
export function afterSleep(clock: Pick<Clock, 'sleep'>, ms: number, wake: () => void): () => void {
  const over = new AbortController();
  clock.sleep(ms, over.signal).then(
    () => {
      if (!over.signal.aborted) wake();
    },
    () => undefined,
  );
  return () => over.abort(new Error('called off'));
}
