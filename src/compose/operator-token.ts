import type { DataDir } from '../adapters/data-dir/index.ts';
import type { Tokens } from '../app/access/tokens.ts';
import { ClankerError } from '../core/errors.ts';
import type { LiveConfig } from './live-config.ts';

const configured = (live: LiveConfig): string | undefined => live.config.server.auth?.token?.reveal();

/** From the configuration, else the stored one, else a new one; commands read it from the data directory. */
export async function operatorToken(live: LiveConfig, dataDir: DataDir, tokens: Tokens): Promise<string> {
  const stored = await dataDir.readToken();
  const token = configured(live) ?? stored ?? tokens.generate();
  if (token !== stored) await dataDir.writeToken(token);
  return token;
}

/** One that was made anew; one of the configuration is changed there. */
export async function saveOperatorToken(live: LiveConfig, dataDir: DataDir, token: string): Promise<void> {
  if (configured(live) !== undefined) {
    throw new ClankerError(
      'conflict',
      'token_configured',
      'The operator token stands in the configuration (server.auth.token); change it there and reload.',
    );
  }
  await dataDir.writeToken(token);
}
