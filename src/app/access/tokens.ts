import { createHash } from 'node:crypto';
import { ClankerError, invalidInput, notFound } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { TokenInfo } from '../../core/ports/gateway.ts';
import type { Store } from '../../core/ports/store.ts';
import type { TokenRow } from '../../core/ports/token-store.ts';
import type { Clock, Random } from '../../core/ports/system.ts';
import { registerSecret } from '../../core/redact.ts';
import { highestScope, ownerPerson, scopes, type Principal, type Scope } from '../../core/principal.ts';
import { inTurn } from '../lifecycle/in-turn.ts';
import { parseDuration } from '../../core/units.ts';

/** The row of the operator's own token; its secret stands in `<data>/token` or in the configuration. */
export const operatorTokenId = 'operator';

const maxTokens = 1000;

/** Tokens are 256 random bits; only their SHA-256 is kept, so looking one up compares digests, never secrets. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

interface TokenRequest {
  name: string;
  scopes: Scope[];
  /** A duration: `30d`. */
  expires?: string;
  /** Default: the owner. */
  person?: string;
}

function infoOf({ id, name, scopes, person, createdAt, expiresAt, lastUsedAt }: TokenRow): TokenInfo {
  return { id, name, scopes, person, createdAt, expiresAt, lastUsedAt };
}

/**
 * Bearer tokens: all of them (bounded) in memory by hash, so that authenticating reads no disk, and a revoked one is
 * refused at once.
 */
export class Tokens {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #mintId: MintId;
  /** Called with the new operator token, to write it where commands find it. */
  readonly #onOperatorToken: (token: string) => Promise<void>;
  readonly #byHash = new Map<string, TokenRow>();
  readonly #revokedListeners = new Map<string, Set<() => void>>();
  readonly #uses = new Map<string, number>();
  /** Changes happen one after the other: two rotations at once would else leave two valid tokens. */
  readonly #inTurn = inTurn();

  constructor(deps: {
    store: Store;
    clock: Clock;
    random: Random;
    mintId: MintId;
    onOperatorToken: (token: string) => Promise<void>;
  }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#mintId = deps.mintId;
    this.#onOperatorToken = deps.onOperatorToken;
  }

  /** Loads all tokens and makes sure that exactly `operatorToken` is the operator's; whether it replaced another one. */
  async start(operatorToken: string): Promise<boolean> {
    const replaced = await this.setOperatorToken(operatorToken);
    for (const row of await this.#store.tokens()) this.#byHash.set(row.hash, row);
    return replaced;
  }

  /**
   * Replaces the operator's token (start, rotation, a changed configuration); the old one is refused at once. True when
   * there was another.
   */
  setOperatorToken(token: string): Promise<boolean> {
    return this.#inTurn(() => this.#setOperatorToken(token));
  }

  async #setOperatorToken(token: string): Promise<boolean> {
    registerSecret(token);
    const hash = hashOf(token);
    const old = (await this.#store.tokens()).find((row) => row.id === operatorTokenId);
    if (old?.hash === hash) return false;
    const row: TokenRow = {
      id: operatorTokenId,
      name: 'operator',
      hash,
      scopes: ['admin'],
      person: ownerPerson,
      createdAt: this.#clock.now(),
      expiresAt: null,
      lastUsedAt: null,
    };
    await this.#store.saveToken(row);
    this.#byHash.set(hash, row);
    if (old !== undefined) this.#forget(old);
    return old !== undefined;
  }

  /** The door knows this form: who shows such a token cannot have guessed it. */
  generate(): string {
    return `oc_${Buffer.from(this.#random.bytes(32)).toString('base64url')}`;
  }

  authenticate(token: string): Principal | null {
    const row = this.#byHash.get(hashOf(token));
    if (row === undefined) return null;
    const now = this.#clock.now();
    if (row.expiresAt !== null && row.expiresAt <= now) {
      this.#forget(row);
      return null;
    }
    this.#uses.set(row.id, now);
    return { kind: 'token', id: row.id, person: row.person, scope: highestScope(row.scopes), name: row.name };
  }

  onRevoked(principal: Principal, callback: () => void): () => void {
    const listeners = this.#revokedListeners.get(principal.id) ?? new Set();
    this.#revokedListeners.set(principal.id, listeners);
    listeners.add(callback);
    return () => {
      listeners.delete(callback);
      if (listeners.size === 0) this.#revokedListeners.delete(principal.id);
    };
  }

  list(): TokenInfo[] {
    return [...this.#byHash.values()].map(infoOf).sort((a, b) => a.createdAt - b.createdAt);
  }

  async create(request: TokenRequest): Promise<TokenInfo & { token: string }> {
    if (request.scopes.length === 0 || request.scopes.some((scope) => !scopes.includes(scope))) {
      throw invalidInput('bad_scopes', `Scopes are ${scopes.join(', ')}; each includes those before it.`);
    }
    return this.#inTurn(() => this.#create(request));
  }

  async #create(request: TokenRequest): Promise<TokenInfo & { token: string }> {
    if (this.#byHash.size >= maxTokens)
      throw new ClankerError('conflict', 'too_many_tokens', `There are ${maxTokens} tokens; revoke some first.`);
    const person = request.person ?? ownerPerson;
    if ((await this.#store.person(person)) === null) throw notFound('person');
    const token = this.generate();
    const now = this.#clock.now();
    const row: TokenRow = {
      id: this.#mintId('tok'),
      name: request.name,
      hash: hashOf(token),
      scopes: [...new Set(request.scopes)],
      person,
      createdAt: now,
      expiresAt: request.expires === undefined ? null : now + parseDuration(request.expires),
      lastUsedAt: null,
    };
    await this.#store.saveToken(row);
    this.#byHash.set(row.hash, row);
    return { ...infoOf(row), token };
  }

  rotate(id: string): Promise<TokenInfo & { token: string }> {
    return this.#inTurn(() => this.#rotate(id));
  }

  async #rotate(id: string): Promise<TokenInfo & { token: string }> {
    const old = this.#find(id);
    const token = this.generate();
    if (id === operatorTokenId) await this.#onOperatorToken(token);
    const row: TokenRow = { ...old, hash: hashOf(token), lastUsedAt: null };
    await this.#store.saveToken(row);
    this.#byHash.set(row.hash, row);
    this.#forget(old);
    return { ...infoOf(row), token };
  }

  async revoke(id: string): Promise<void> {
    if (id === operatorTokenId) {
      throw new ClankerError('conflict', 'operator_token', 'The operator token cannot be revoked; rotate it instead.');
    }
    await this.#inTurn(async () => {
      const row = this.#find(id);
      await this.#store.deleteToken(id);
      this.#forget(row);
    });
  }

  /** The person is gone: their tokens are refused at once, and their sockets closed. The rows went with the person. */
  forgetPerson(person: string): void {
    for (const row of this.#byHash.values()) if (row.person === person) this.#forget(row);
  }

  /** Forgets expired tokens, which closes their sockets; called every second. */
  expire(): void {
    const now = this.#clock.now();
    for (const row of this.#byHash.values()) if (row.expiresAt !== null && row.expiresAt <= now) this.#forget(row);
  }

  /** Writes down when tokens were last used; called every minute and at stop. */
  async saveUses(): Promise<void> {
    const uses = [...this.#uses].map(([id, at]) => ({ id, at }));
    this.#uses.clear();
    if (uses.length === 0) return;
    await this.#store.touchTokens(uses);
    const last = new Map(uses.map(({ id, at }) => [id, at]));
    for (const row of this.#byHash.values()) row.lastUsedAt = last.get(row.id) ?? row.lastUsedAt;
  }

  #find(id: string): TokenRow {
    const row = [...this.#byHash.values()].find((candidate) => candidate.id === id);
    if (row === undefined) throw notFound('token');
    return row;
  }

  #forget(row: TokenRow): void {
    this.#byHash.delete(row.hash);
    for (const callback of this.#revokedListeners.get(row.id) ?? []) callback();
  }
}
