import { ClankerError } from './errors.ts';

export const scopes = ['read', 'send', 'manage', 'admin'] as const;
/** Ordered: each scope includes those before it. */
export type Scope = (typeof scopes)[number];

export type PersonRole = 'owner' | 'member' | 'guest';

/** The person made at first start; the operator token acts as it. */
export const ownerPerson = 'owner';

/** Who is calling. `person` is the key of isolation; a chat sender has scope `send`. */
export interface Principal {
  kind: 'token' | 'sender' | 'job';
  /** Token id, or `channel:account:native` of a sender. */
  id: string;
  person: string;
  scope: Scope;
  name: string;
}

export const scopeIncludes = (held: Scope, needed: Scope): boolean => scopes.indexOf(held) >= scopes.indexOf(needed);

/** The highest of a list of scopes. */
export function highestScope(list: readonly Scope[]): Scope {
  return scopes.findLast((scope) => list.includes(scope)) ?? 'read';
}

export function requireScope(principal: Principal, needed: Scope): void {
  if (!scopeIncludes(principal.scope, needed)) {
    throw new ClankerError(
      'auth',
      'forbidden',
      `This needs the scope "${needed}"; the token has "${principal.scope}".`,
    );
  }
}

/** Whose rows a principal may see: its person's, or with `admin` everybody's (null). */
export const ownerFilter = (principal: Principal): string | null =>
  scopeIncludes(principal.scope, 'admin') ? null : principal.person;
