/** Shapes of who did what, and of erasures. */
import * as z from 'zod/mini';
import type { AuditRow } from '../../../core/audit.ts';
import type { AuditVerdict } from '../../../core/ports/rights-gateway.ts';
import type { ErasureReceipt } from '../../../core/ports/rights-store.ts';
import { nextCursor, nullable, pageFields, time } from './base.ts';

const auditRow = () =>
  z.strictObject({
    seq: z.number(),
    at: time,
    actor: z.strictObject({
      kind: z.enum(['token', 'sender', 'job', 'system']),
      id: z.string(),
      person: nullable(z.string()),
    }),
    name: z.string(),
    action: z.string(),
    subject: nullable(z.string()),
    metadata: z.record(z.string(), z.any()),
    hash: z.string(),
  } satisfies Record<keyof AuditRow, unknown>);
export const auditLog = () => z.strictObject({ audit: z.array(auditRow()), next_cursor: nextCursor });
const filterText = z.string().check(z.minLength(1), z.maxLength(200));
export const auditQuery = () =>
  z.strictObject({
    ...pageFields(),
    action: z.exactOptional(filterText),
    actor: z.exactOptional(filterText),
    since: z.exactOptional(z.iso.datetime({ offset: true })),
  });
export const auditVerdict = () =>
  z.strictObject({
    ok: z.boolean(),
    rows: z.number(),
    head: z.string(),
    broken: nullable(z.strictObject({ seq: z.number(), detail: z.string() })),
  } satisfies Record<keyof AuditVerdict, unknown>);

export const erasure = () =>
  z.strictObject({
    person: z.string(),
    begunAt: time,
    finishedAt: time,
    removed: z.record(z.string(), z.number()),
    compacted: z.boolean(),
    kept: z.array(z.string()),
    digest: z.string(),
  } satisfies Record<keyof ErasureReceipt, unknown>);
export const erasures = () => z.strictObject({ erasures: z.array(erasure()) });
