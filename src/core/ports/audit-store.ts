/** The log of deeds, append-only and chained by hashes: a part of the Store, under its promises. */
import type { AuditEntry, AuditRow } from '../audit.ts';
import type { Listed, ListOptions } from './listed.ts';

export interface AuditFilter {
  action?: string;
  /** A token, an account that somebody spoke through, or a person. */
  actor?: string;
  /** Milliseconds since the epoch. */
  since?: number;
}

export interface AuditStore {
  /** Adds to the end of the chain. `name`: of the actor; kept apart, so that it can be forgotten. */
  appendAudit(entry: AuditEntry, name: string): Promise<AuditRow>;
  /** Newest first. */
  listAudit(filter: AuditFilter, options: ListOptions): Promise<Listed<AuditRow>>;
  /**
   * The rows after `seq`, oldest first, and the highest `seq` that was ever given: a log whose end was cut off is
   * shorter than that.
   */
  auditChain(afterSeq: number, limit: number): Promise<{ rows: AuditRow[]; given: number }>;
}
