import { notFound } from '../../core/errors.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { answerOf, replyOf } from './answer.ts';
import type { RunQueue } from './queue.ts';
import type { RunWaiters } from './waiters.ts';

export interface TakeUpDeps {
  store: Pick<Store, 'inbound' | 'requeueInbound' | 'runReply'>;
  clock: Clock;
  runs: Pick<RunQueue, 'wake'>;
  waiters: RunWaiters;
}

/**
 * Sees to it that somebody who waits since just now for a message that was there before hears of its run's end: of a
 * run that is over from the store, of one that failed from running it again. The row is read again: an end that came before
 * the waiting began is in it, one that comes later is told to whoever waits.
 */
export async function takeUp({ id, runId }: InboxRow, { store, clock, runs, waiters }: TakeUpDeps): Promise<void> {
  const row = await store.inbound(id);
  switch (row?.state) {
    case 'queued':
    case 'running':
      return;
    case 'failed':
    case 'dead':
      // Another repeat may have done so in the meantime; then there is only to wait.
      if ((await store.requeueInbound(id, clock.now())) !== null) runs.wake(row.sessionKey);
      return;
    case 'done': {
      const stored = await store.runReply(runId);
      if (stored?.run.state === 'finished') {
        waiters.resolve(runId, answerOf(stored.run, replyOf(stored.said)));
        return;
      }
      break;
    }
    default:
  }
  waiters.reject(runId, notFound('message any more, as its session was deleted'));
}
