/** What a failed call means for delivery, and for the person who set the channel up. Pure tables over Slack's words. */
import type { SendOutcome } from '../../../core/ports/channel.ts';
import type { ApiFailure } from './api.ts';

/** When a 429 does not say how long. */
const defaultRetryAfterMs = 5000;

/** `send` creates a message, so a lost answer is ambiguous; `edit` can simply be done again. */
export type Attempt = 'send' | 'edit';

const tokenErrors = new Set([
  'invalid_auth',
  'not_authed',
  'token_revoked',
  'token_expired',
  'account_inactive',
  'not_allowed_token_type',
  'team_access_not_granted',
  'org_login_required',
  'access_denied',
  'two_factor_setup_required',
]);

const refusals: Record<string, string> = {
  channel_not_found: 'chat_not_found',
  not_in_channel: 'not_member',
  is_archived: 'archived',
  msg_too_long: 'too_long',
  no_text: 'empty',
  thread_not_found: 'thread_gone',
  cannot_reply_to_message: 'thread_gone',
  message_not_found: 'edit_gone',
  cant_update_message: 'edit_gone',
  edit_window_closed: 'edit_gone',
  user_not_found: 'chat_not_found',
  user_disabled: 'blocked',
  cannot_dm_bot: 'blocked',
  missing_scope: 'missing_scope',
};

const badFormat = /^(invalid_blocks|invalid_blocks_format|msg_blocks_too_long|block_mismatch|invalid_attachments)$/;

export const isTokenError = ({ error }: ApiFailure): boolean => tokenErrors.has(error);

export function failedOutcome(failure: ApiFailure, attempt: Attempt): Exclude<SendOutcome, { ok: true }> {
  const { error, description: detail } = failure;
  if (error === 'ratelimited') {
    // Slack counts per method, for posts per channel; waiting in one conversation never freezes another.
    const retryAfterMs = failure.retryAfterMs ?? defaultRetryAfterMs;
    return { ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs, detail };
  }
  if (tokenErrors.has(error)) return { ok: false, kind: 'refused', code: 'bad_token', detail: tokenWords(error) };
  if (failure.accepted === 'maybe') return { ok: false, kind: attempt === 'edit' ? 'transient' : 'ambiguous', detail };
  if (error === 'no_answer') return { ok: false, kind: 'unreachable', detail };
  if (error === 'request_timeout' || error.startsWith('http_')) return { ok: false, kind: 'transient', detail };
  if (badFormat.test(error)) return { ok: false, kind: 'bad_format', detail };
  const code = refusals[error] ?? (error.startsWith('restricted_action') ? 'not_allowed' : error);
  return { ok: false, kind: 'refused', code, detail };
}

/** What is wrong with a token, in words with the fix. */
function tokenWords(error: string): string {
  const words: Record<string, string> = {
    account_inactive: 'The app was removed from the workspace, or the workspace is gone',
    token_revoked: 'The token was revoked',
    token_expired: 'The token has expired; token rotation is not supported, turn it off in the app',
    not_allowed_token_type: 'The token is of the wrong kind: bot_token begins with xoxb-, app_token with xapp-',
  };
  return `${words[error] ?? 'Slack does not accept the token'} (${error}).`;
}

/**
 * What only a person can mend, for `health`; null for everything that passes by itself. `key` is the configuration
 * key of the token that was used.
 */
export function fatalWords(failure: ApiFailure, key: 'bot_token' | 'app_token'): string | null {
  const { error, needed } = failure;
  const page = key === 'bot_token' ? '"OAuth & Permissions"' : '"Basic Information", App-Level Tokens';
  if (tokenErrors.has(error)) {
    return `${tokenWords(error)} Copy the token again from the app's page ${page} into ${key}.`;
  }
  if (error === 'missing_scope' || error === 'no_permission') {
    const scope = needed ?? (key === 'app_token' ? 'connections:write' : 'chat:write');
    return (
      `The scope ${scope} is missing from ${key}. Add it on the app's page ${page}` +
      (key === 'bot_token' ? ' and install the app again.' : ' by making a new token with it.')
    );
  }
  if (error === 'forbidden_team' || error === 'link_disabled' || error === 'socket_mode_disabled') {
    return 'Socket Mode is turned off for this app: turn it on on the app\'s page "Socket Mode", or use signing_secret.';
  }
  return null;
}
