/**
 * The durable memory of the product. Every method is one whole operation, executed in one transaction, and resolves
 * only after that transaction is fsynced; a failing operation fails only itself. Plain serialisable data crosses it.
 * Every row of a person's data carries its owner.
 *
 * Failures are ClankerErrors of kind `storage`: `storage_full`, `storage_io`, `storage_closed`, `newer_schema`,
 * `damaged`; retryable where waiting can help.
 */
import type { ApprovalStore } from './approval-store.ts';
import type { AuditStore } from './audit-store.ts';
import type { BudgetStore } from './budget-store.ts';
import type { CooldownStore } from './cooldown-store.ts';
import type { DeadStore } from './dead-store.ts';
import type { FileStore } from './file-store.ts';
import type { HistoryStore } from './history-store.ts';
import type { InboxStore } from './inbox-store.ts';
import type { NotesStore } from './notes-store.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { OverviewStore } from './overview-store.ts';
import type { PeopleStore } from './people-store.ts';
import type { PreferenceStore } from './preference-store.ts';
import type { RecordingStore } from './recording-store.ts';
import type { RightsStore } from './rights-store.ts';
import type { RunStore } from './run-store.ts';
import type { ScheduleStore } from './schedule-store.ts';
import type { SessionStore } from './session-store.ts';
import type { TokenStore } from './token-store.ts';

export interface Store
  extends
    ApprovalStore,
    AuditStore,
    BudgetStore,
    CooldownStore,
    DeadStore,
    FileStore,
    HistoryStore,
    InboxStore,
    NotesStore,
    OutboxStore,
    OverviewStore,
    PeopleStore,
    PreferenceStore,
    RecordingStore,
    RightsStore,
    RunStore,
    ScheduleStore,
    SessionStore,
    TokenStore {
  /**
   * One bounded step of housekeeping: idempotency keys older than `keysBefore` are released, refused and handled rows
   * and codes before `refusedBefore` removed, notes that have expired at `at` too, sessions idle since `sessionsBefore`
   * closed, histories over `maxMessages` trimmed.
   * Returns true while there is more to do.
   */
  maintain(limits: {
    at: number;
    keysBefore: number;
    refusedBefore: number;
    sessionsBefore: number | null;
    maxMessages: number | null;
    batch: number;
  }): Promise<boolean>;
  /**
   * Gives free space back by rewriting the file, which others wait for: only one of at most `maxBytes`, and only when at
   * least `worthPart` of it is free. How large it was, how much of it was free.
   */
  vacuum(maxBytes: number, worthPart: number): Promise<{ bytes: number; free: number; done: boolean }>;
  /** Names what is wrong with the file, on a connection of its own; empty when all is well. */
  quickCheck(): Promise<string[]>;
  close(): Promise<void>;
}
