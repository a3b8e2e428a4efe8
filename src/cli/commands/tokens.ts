import type { TokenInfo } from '../../core/ports/gateway.ts';
import { type Scope, scopes } from '../../core/principal.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler } from '../command.ts';

/** The id under which the gateway keeps the token of this machine's operator. */
const operatorToken = 'operator';

export const create: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const name = options.value('name');
  const wanted = (options.value('scopes') ?? '').split(',').map((scope) => scope.trim());
  if (name === undefined || !wanted.every(isScope)) {
    throw new CliError(
      `Say what the token is for and what it may do: open-clanker tokens create --name NAME --scopes ${scopes.join(',')}`,
      2,
    );
  }
  const expires = options.value('expires');
  const client = await GatewayClient.of(invocation);
  const made = await client.post<TokenInfo & { token: string }>('/api/v1/tokens', {
    name,
    scopes: wanted,
    ...(expires === undefined ? {} : { expires }),
  });
  if (options.has('json')) terminal.json(made);
  else terminal.line(made.token);
  return 0;
};

export const list: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.get<{ tokens: TokenInfo[] }>('/api/v1/tokens');
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else {
    for (const { id, name, scopes, expiresAt, lastUsedAt } of body.tokens) {
      const words = [
        id,
        name,
        scopes.join(','),
        `used ${day(lastUsedAt, 'never')}`,
        `expires ${day(expiresAt, 'never')}`,
      ];
      invocation.terminal.line(words.join('  '));
    }
  }
  return 0;
};

export const rotate: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const id = invocation.positionals[0] ?? operatorToken;
  const made = await client.post<TokenInfo & { token: string }>(`/api/v1/tokens/${encodeURIComponent(id)}/rotate`);
  if (invocation.options.has('json')) invocation.terminal.json(made);
  else invocation.terminal.line(made.token);
  return 0;
};

export const revoke: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.delete(`/api/v1/tokens/${encodeURIComponent(invocation.positionals[0] ?? '')}`);
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else invocation.terminal.line('The token is revoked.');
  return 0;
};

const isScope = (text: string): text is Scope => scopes.some((scope) => scope === text);
const day = (at: number | null, none: string): string => (at === null ? none : new Date(at).toISOString().slice(0, 10));
