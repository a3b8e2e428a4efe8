/** Asks Slack whose token this is and what it may do; sends nothing and changes nothing. */
import type { SlackOutcome } from './facts.ts';
import { probe } from './probe.ts';

export interface SlackReport {
  outcome: SlackOutcome;
  /** Slack's own word, or the system's. */
  detail: string;
  /** What the token lacks of what the channel uses. */
  missingScopes: string[];
  clockOffMs: number | null;
}

/** What the channel uses; the manifest in docs/channels/slack.md asks for the same. */
export const usedScopes = [
  'app_mentions:read',
  'channels:history',
  'channels:read',
  'chat:write',
  'commands',
  'files:read',
  'files:write',
  'groups:history',
  'groups:read',
  'im:history',
  'im:read',
  'mpim:history',
  'mpim:read',
  'reactions:read',
  'users:read',
];

const tokenErrors = /auth|token|account_inactive|access_denied|login_required/;

/** https://docs.slack.dev/reference/methods/auth.test */
export async function probeSlack(apiRoot: string, token: string): Promise<SlackReport> {
  const asked = await probe(`${apiRoot.replace(/\/+$/, '')}/auth.test`, { authorization: `Bearer ${token}` });
  if ('failure' in asked) return { outcome: 'unreachable', detail: asked.failure, missingScopes: [], clockOffMs: null };
  const { answer, body, clockOffMs } = asked;
  const { ok, error } = (typeof body === 'object' && body !== null ? body : {}) as { ok?: unknown; error?: unknown };
  if (ok === true) {
    const granted = answer.headers['x-oauth-scopes'];
    const scopes = typeof granted === 'string' ? granted.split(',').map((scope) => scope.trim()) : usedScopes;
    return {
      outcome: 'ok',
      detail: '',
      missingScopes: usedScopes.filter((scope) => !scopes.includes(scope)),
      clockOffMs,
    };
  }
  const detail = typeof error === 'string' ? error.slice(0, 100) : `HTTP ${answer.status}`;
  return { outcome: tokenErrors.test(detail) ? 'unauthorized' : 'failing', detail, missingScopes: [], clockOffMs };
}
