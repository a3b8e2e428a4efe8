/** People's rights and the log of deeds: a part of the Gateway. */
import type { AuditRow } from '../audit.ts';
import type { Principal } from '../principal.ts';
import type { AuditFilter } from './audit-store.ts';
import type { Listed, ListOptions } from './listed.ts';
import type { ErasureReceipt } from './rights-store.ts';
import type { SessionRow } from './session-store.ts';

/** What walking the audit log found. */
export interface AuditVerdict {
  ok: boolean;
  /** That fit, from the first on. */
  rows: number;
  /** The hash of the last of them: kept elsewhere, it proves later that nothing before it was changed. */
  head: string;
  /** The first row that does not fit, and why. */
  broken: { seq: number; detail: string } | null;
}

export interface RightsGateway {
  /** JSON lines without line ends, see docs/PRIVACY.md: oneself; with `admin` everybody. */
  exportPerson(principal: Principal, id: string): Promise<AsyncIterable<string>>;
  /** With `admin`. Resolves when nothing of the person is left; it goes on when the caller leaves. */
  erasePerson(principal: Principal, id: string): Promise<ErasureReceipt>;
  /** With `admin`, newest first. */
  erasures(principal: Principal, limit: number): Promise<ErasureReceipt[]>;
  /** With `admin`, newest first. */
  audit(principal: Principal, filter: AuditFilter, options: ListOptions): Promise<Listed<AuditRow>>;
  /** With `admin`. */
  verifyAudit(principal: Principal): Promise<AuditVerdict>;
  /**
   * The lines of an export, parsed, as a new session of the caller. `name`: its key; default: from the file. Rejects
   * with `bad_import`, `session_exists`.
   */
  importSession(principal: Principal, lines: AsyncIterable<unknown>, name?: string): Promise<SessionRow>;
}
