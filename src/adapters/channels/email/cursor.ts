/** How far the mailbox was read: `<UIDVALIDITY>:<UID>:<milliseconds>`, stored with every batch of events. */

export const cursorKey = 'inbox';

export interface Cursor {
  /** The numbering that `uid` belongs to; empty before the first mailbox was opened. */
  uidValidity: string;
  /** The last mail that is done with. */
  uid: number;
  /** What the server received before is never answered. */
  since: number;
}

/** Clocks of mail servers are not ours; what came so shortly before the first start is no old mail. */
const clockSlackMs = 120_000;
/**
 * After its mails were numbered anew a mailbox is read again from so long before the last one on; the store knows by
 * their Message-IDs which of them it has.
 */
const overlapMs = 7 * 86_400_000;

export function readCursor(stored: string | undefined, startedAt: number): Cursor {
  const [, uidValidity = '', uid, since] = /^(\d{0,20}):(\d{1,10}):(\d{1,16})$/.exec(stored ?? '') ?? [];
  if (uid === undefined) return { uidValidity: '', uid: 0, since: startedAt - clockSlackMs };
  return { uidValidity, uid: Number(uid), since: Number(since) };
}

export const writeCursor = ({ uidValidity, uid, since }: Cursor): string => `${uidValidity}:${uid}:${since}`;

/** Past these mails of one mailbox; a server that dates mail into the future moves nothing beyond now. */
export function advance(
  cursor: Cursor,
  uidValidity: string,
  mails: readonly { uid: number; receivedAt: number }[],
  now: number,
): Cursor {
  const uid = Math.max(cursor.uidValidity === uidValidity ? cursor.uid : 0, ...mails.map((mail) => mail.uid));
  const last = Math.max(0, ...mails.map(({ receivedAt }) => Math.min(receivedAt, now)));
  return { uidValidity, uid, since: Math.max(cursor.since, last - overlapMs) };
}
