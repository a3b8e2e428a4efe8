import type { CommitResult, InboxRow, NewInbound } from '../../../core/ports/inbox-store.ts';

/** For each message of a batch the `seq` of its new row, or the row that was there. */
export type Placed = (number | InboxRow)[];

/** What the caller has as well does not travel back: most of a row is what the batch said. */
export const committed = (batch: readonly NewInbound[], placed: Placed): CommitResult => ({
  rows: batch.map((message, n) => {
    const place = placed[n];
    if (place === undefined) throw new Error('the store did not answer for each message');
    if (typeof place !== 'number') return { inserted: false, row: place };
    const { parents: _, ...item } = message;
    return { inserted: true, row: { ...item, seq: place, starts: 0, error: null, finishedAt: null } };
  }),
});
