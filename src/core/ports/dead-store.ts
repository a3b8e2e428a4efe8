/** Dead letters: a part of the Store, under its promises. */
import type { InboxRow } from './inbox-store.ts';
import type { Listed, ListOptions } from './listed.ts';
import type { OutboxRow } from './outbox-store.ts';
import type { TaskRow } from './schedule-store.ts';

/** What was not answered, not delivered or not done, and was not cleared since. */
export type DeadRow =
  | { kind: 'inbox'; row: InboxRow }
  | { kind: 'outbox'; row: OutboxRow }
  | { kind: 'task'; row: TaskRow };

export interface DeadStore {
  /** `owner` null: everybody's, here and below. */
  deadLetters(owner: string | null, options: ListOptions): Promise<Listed<DeadRow>>;
  deadLetter(owner: string | null, id: string): Promise<DeadRow | null>;
  /** Queues a dead letter again with fresh attempts; false when it is not dead. */
  retryDead(id: string, at: number, expiresAt: number): Promise<boolean>;
  clearDead(owner: string | null, id?: string): Promise<number>;
}
