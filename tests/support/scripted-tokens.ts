/** Tokens in memory, one of each scope and one of somebody else. */
import { systemRandom } from '../../src/adapters/system/index.ts';
import { notFound } from '../../src/core/errors.ts';
import type { TokenInfo } from '../../src/core/ports/gateway.ts';
import { highestScope, ownerPerson, type Principal, requireScope, type Scope } from '../../src/core/principal.ts';
import { ScriptedEvents } from './scripted-events.ts';

export const tokens = {
  admin: 'oc_admin-token-of-the-operator-0123456789',
  manage: 'oc_manage-token-for-tests-0123456789abcd',
  send: 'oc_send-token-for-tests-0123456789abcdef',
  read: 'oc_read-token-for-tests-0123456789abcdef',
  stranger: 'oc_token-of-another-person-0123456789abc',
} as const;

export class ScriptedTokens extends ScriptedEvents {
  readonly #tokens = new Map<string, TokenInfo>();
  readonly #revoked = new Map<string, Set<() => void>>();

  constructor() {
    super();
    this.#addToken(tokens.admin, 'operator', ['admin'], ownerPerson);
    this.#addToken(tokens.manage, 'manage', ['manage'], ownerPerson);
    this.#addToken(tokens.send, 'send', ['send'], ownerPerson);
    this.#addToken(tokens.read, 'read', ['read'], ownerPerson);
    this.#addToken(tokens.stranger, 'stranger', ['manage'], 'per_stranger');
  }

  async authenticate(token: string): Promise<Principal | null> {
    const info = this.#tokens.get(token);
    if (info === undefined) return null;
    return { kind: 'token', id: info.id, person: info.person, scope: highestScope(info.scopes), name: info.name };
  }

  onRevoked(principal: Principal, callback: () => void): () => void {
    const callbacks = this.#revoked.get(principal.id) ?? new Set();
    this.#revoked.set(principal.id, callbacks.add(callback));
    return () => callbacks.delete(callback);
  }

  async tokens(): Promise<TokenInfo[]> {
    return [...this.#tokens.values()];
  }

  async createToken(
    principal: Principal,
    request: { name: string; scopes: Scope[]; expires?: string; person?: string },
  ): Promise<TokenInfo & { token: string }> {
    requireScope(principal, 'admin');
    const token = `oc_${Buffer.from(systemRandom.bytes(24)).toString('base64url')}`;
    return { ...this.#addToken(token, request.name, request.scopes, request.person ?? principal.person), token };
  }

  async rotateToken(principal: Principal, id: string): Promise<TokenInfo & { token: string }> {
    const [old, info] = this.#tokenById(id);
    const made = await this.createToken(principal, { name: info.name, scopes: info.scopes, person: info.person });
    this.#forgetToken(old, id);
    const rotated = { ...made, id };
    const { token, ...rest } = rotated;
    this.#tokens.set(token, rest);
    return rotated;
  }

  async revokeToken(_: Principal, id: string): Promise<void> {
    this.#forgetToken(this.#tokenById(id)[0], id);
  }

  #addToken(token: string, name: string, scopes: Scope[], person: string): TokenInfo {
    const id = `tok_${name.replaceAll(/\W/g, '')}_${this.#tokens.size}`;
    const info: TokenInfo = { id, name, scopes, person, createdAt: this.startedAt, expiresAt: null, lastUsedAt: null };
    this.#tokens.set(token, info);
    return info;
  }

  #tokenById(id: string): [string, TokenInfo] {
    const found = [...this.#tokens].find(([, info]) => info.id === id);
    if (found === undefined) throw notFound('token');
    return found;
  }

  #forgetToken(token: string, id: string): void {
    this.#tokens.delete(token);
    for (const callback of this.#revoked.get(id) ?? []) callback();
  }
}
