/** Tokens of clients, of which only hashes are kept: a part of the Store, under its promises. */
import type { Scope } from '../principal.ts';

export interface TokenRow {
  id: string;
  name: string;
  /** SHA-256, hex. */
  hash: string;
  scopes: Scope[];
  person: string;
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
}

export interface TokenStore {
  tokens(): Promise<TokenRow[]>;
  tokenByHash(hash: string): Promise<TokenRow | null>;
  saveToken(token: TokenRow): Promise<void>;
  /** False when there was none. */
  deleteToken(id: string): Promise<boolean>;
  touchTokens(uses: { id: string; at: number }[]): Promise<void>;
}
