/** Asks a server that a person named whether it is what the channel needs; sends nothing and changes nothing. */
import type { LoadedConfig } from '../../config/index.ts';
import type { OwnServerFacts } from './facts.ts';
import { probe } from './probe.ts';

export type OwnServerReport = Pick<OwnServerFacts, 'outcome' | 'detail'>;

/** Where each says who we are, and the field by which its answer is known; signal-cli only says that it is there. */
const questions: Record<OwnServerFacts['type'], { path: string; field: string | null }> = {
  // https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3accountwhoami
  matrix: { path: '/_matrix/client/v3/account/whoami', field: 'user_id' },
  mattermost: { path: '/api/v4/users/me', field: 'username' },
  signal: { path: '/api/v1/check', field: null },
};

/** `token`: null where there is none. */
export async function probeOwnServer(
  type: OwnServerFacts['type'],
  address: string,
  token: string | null,
): Promise<OwnServerReport> {
  const { path, field } = questions[type];
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const asked = await probe(`${address.replace(/\/+$/, '')}${path}`, headers);
  if ('failure' in asked) return { outcome: 'unreachable', detail: asked.failure };
  const { status } = asked.answer;
  const detail = `HTTP ${status}`;
  if (status === 401 || status === 403) return { outcome: 'unauthorized', detail };
  if (status >= 500 || status === 429) return { outcome: 'failing', detail };
  const { body } = asked;
  const isIt = field === null || (typeof body === 'object' && body !== null && field in body);
  return status === 200 && isIt ? { outcome: 'ok', detail: '' } : { outcome: 'wrong_place', detail };
}

const notAskedServer: OwnServerReport = { outcome: 'not_asked', detail: '' };

export function ownServerFacts({ config }: LoadedConfig, ask: boolean): Promise<OwnServerFacts>[] {
  const { matrix, mattermost, signal } = config.channels;
  const facts = async (
    type: OwnServerFacts['type'],
    account: string,
    enabled: boolean,
    address: string,
    token: string | null,
  ): Promise<OwnServerFacts> => {
    const report = ask && enabled ? await probeOwnServer(type, address, token) : notAskedServer;
    return { id: `${type}:${account}`, type, enabled, ...report };
  };
  return [
    ...Object.entries(matrix.accounts).map(([account, { enabled, homeserver, access_token }]) =>
      facts('matrix', account, enabled, homeserver, access_token.reveal()),
    ),
    ...Object.entries(mattermost.accounts).map(([account, { enabled, api_root, bot_token }]) =>
      facts('mattermost', account, enabled, api_root, bot_token.reveal()),
    ),
    ...Object.entries(signal.accounts).map(([account, { enabled, api_root }]) =>
      facts('signal', account, enabled, api_root, null),
    ),
  ];
}
