import { createHash } from 'node:crypto';
import { auditGenesis, auditText, type AuditAction, type AuditActor, type AuditRow } from '../../core/audit.ts';
import type { JsonObject } from '../../core/message.ts';
import type { AuditFilter, AuditStore } from '../../core/ports/audit-store.ts';
import type { Listed, ListOptions } from '../../core/ports/listed.ts';
import type { AuditVerdict } from '../../core/ports/rights-gateway.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { Principal } from '../../core/principal.ts';

/** Rows that are checked in one go. */
const verifyPage = 500;

/** Who did what: written when it was done, and nobody hears of success before it is on disk. */
export class Audit {
  readonly #store: AuditStore;
  readonly #clock: Clock;

  constructor(deps: { store: AuditStore; clock: Clock }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
  }

  /**
   * Writes a deed down; await it before you tell of success. `by` null: the gateway itself. `subject` is the id of what
   * it was done to. `metadata` holds ids, numbers and settings, never contents, names of people or secrets.
   */
  record(
    by: Principal | null,
    action: AuditAction,
    subject: string | null = null,
    metadata: JsonObject = {},
  ): Promise<void> {
    return this.recordBy(actorOf(by), action, subject, metadata, by?.name ?? '');
  }

  /** Of a deed whose actor was noted when it began. */
  async recordBy(
    actor: AuditActor,
    action: AuditAction,
    subject: string | null,
    metadata: JsonObject,
    name = '',
  ): Promise<void> {
    await this.#store.appendAudit({ at: this.#clock.now(), actor, action, subject, metadata }, name);
  }

  /** Newest first. */
  list(filter: AuditFilter, options: ListOptions): Promise<Listed<AuditRow>> {
    return this.#store.listAudit(filter, options);
  }

  /** Walks the whole chain in pages and names the first row that does not fit. */
  async verify(): Promise<AuditVerdict> {
    let head = { seq: 0, hash: auditGenesis };
    for (;;) {
      const { rows, given } = await this.#store.auditChain(head.seq, verifyPage);
      for (const row of rows) {
        const detail = faultOf(head, row);
        if (detail !== null) return { ok: false, rows: head.seq, head: head.hash, broken: { seq: row.seq, detail } };
        head = row;
      }
      if (rows.length === verifyPage) continue;
      const { seq, hash } = head;
      if (seq === given) return { ok: true, rows: seq, head: hash, broken: null };
      const detail = `The log ends at row ${seq}, but ${given} were written.`;
      return { ok: false, rows: seq, head: hash, broken: { seq: seq + 1, detail } };
    }
  }
}

function faultOf(before: { seq: number; hash: string }, row: AuditRow): string | null {
  if (row.seq !== before.seq + 1) return `Rows ${before.seq + 1} to ${row.seq - 1} are gone.`;
  const hash = createHash('sha256').update(auditText(before.hash, row)).digest('hex');
  return hash === row.hash ? null : 'The row is not what was written.';
}

/** The native id of a sender is personal: the account they spoke through and our own id of them say enough. */
export function actorOf(by: Principal | null): AuditActor {
  if (by === null) return { kind: 'system', id: 'gateway', person: null };
  const { kind, id, person } = by;
  return { kind, id: kind === 'sender' ? id.split(':', 2).join(':') : id, person };
}
