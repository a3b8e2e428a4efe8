import type { JsonObject, JsonValue } from './message.ts';

/** What is written down about. A new kind of deed is one word here. */
export type AuditAction =
  | 'token.created'
  | 'token.rotated'
  | 'token.revoked'
  | 'pairing.approved'
  | 'pairing.rejected'
  | 'role.set'
  | 'link.begun'
  | 'link.redeemed'
  | 'link.undone'
  | 'config.reloaded'
  | 'config.rejected'
  | 'channel.start'
  | 'channel.stop'
  | 'channel.pause'
  | 'channel.resume'
  | 'session.deleted'
  | 'session.imported'
  | 'dead.cleared'
  | 'person.exported'
  | 'person.erased'
  | 'approval.decided'
  | 'budget.set'
  | 'job.added'
  | 'job.edited'
  | 'job.paused'
  | 'job.resumed'
  | 'job.run'
  | 'job.removed'
  | 'task.added'
  | 'task.cancelled'
  | 'task.retried'
  | 'backup.made'
  | 'backup.restored';

/**
 * Who acted. Of somebody in a chat `id` is the account they spoke through (`telegram:main`), never their id there: the
 * log outlives a person who is erased. `system`: the gateway itself, such as a reload after a changed file.
 */
export interface AuditActor {
  kind: 'token' | 'sender' | 'job' | 'system';
  id: string;
  person: string | null;
}

/** What the chain covers of one deed. */
export interface AuditEntry {
  /** Milliseconds since the epoch. */
  at: number;
  actor: AuditActor;
  action: AuditAction;
  /** The id of what it was done to, such as a token or a person; null: nothing in particular. */
  subject: string | null;
  /** Ids, numbers and settings; never contents, never secrets. */
  metadata: JsonObject;
}

export interface AuditRow extends AuditEntry {
  /** Counts from 1 without holes. */
  seq: number;
  /**
   * The actor's name as it was; empty once the person was erased. It stands beside the chain, which must not change when
   * a name is forgotten.
   */
  name: string;
  /** SHA-256 (hex) of `auditText` of the row and the hash before it. */
  hash: string;
}

/** What the first row takes for the hash before it. */
export const auditGenesis = '0'.repeat(64);

/** The text whose SHA-256 is a row's hash. */
export function auditText(
  previous: string,
  { seq, at, actor, action, subject, metadata }: Omit<AuditRow, 'hash' | 'name'>,
): string {
  const { kind, id, person } = actor;
  return canonicalJson([previous, seq, at, { kind, id, person }, action, subject, metadata]);
}

/** JSON with the keys of every object in the order of their code units and no spaces: equal values give equal texts. */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
}
