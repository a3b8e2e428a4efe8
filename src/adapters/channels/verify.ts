/**
 * Whether a request to a hook is from whom it says: the one place where signatures are made and held against bytes.
 * Always over the body as it came, in constant time, and closed: what is missing, doubled or malformed does not pass.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { HookRequest } from '../../core/ports/channel.ts';
import type { Secret } from '../../core/secret.ts';
import { webhookKeyPrefix, webhookSecretProblem } from './webhook-secret.ts';

/** How far a signed time may be from ours, before and after: what Standard Webhooks and Slack both recommend. */
export const toleranceMs = 300_000;

/** `reason` is for the log and the operator; the caller of the hook learns nothing of it. */
export type Verification = { ok: true } | { ok: false; reason: string };

const passed: Verification = { ok: true };
const no = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

/** Compares without telling by its time how much was right, nor how long the expected text is. */
export function sameSecret(given: string | null | undefined, expected: string): boolean {
  if (typeof given !== 'string' || expected === '') return false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** Seconds since the epoch as a header holds them, written in one way only; null when they are none. */
function signedTime(header: string | undefined): number | null {
  return header !== undefined && /^[1-9]\d{0,10}$/.test(header) ? Number(header) : null;
}

const isFresh = (seconds: number, nowMs: number): boolean => Math.abs(nowMs - seconds * 1000) <= toleranceMs;
const notFresh = 'the time it was signed for is more than five minutes off; check the clocks of both sides';

// ── Standard Webhooks: https://www.standardwebhooks.com, symmetric signatures

/** What is signed for one delivery of one message. */
export interface SignedWebhook {
  id: string;
  /** Seconds since the epoch. */
  timestamp: number;
  body: string | Uint8Array;
}

/** One signature, `v1,` and base64, by a secret that passed `webhookSecretProblem`. */
export function signWebhook({ id, timestamp, body }: SignedWebhook, secret: Secret): string {
  const key = Buffer.from(secret.reveal().slice(webhookKeyPrefix.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
}

/**
 * Any of the signatures may be by any of the secrets, so both sides can change theirs one after the other. Signatures
 * of other versions are passed over. The id may hold full stops only because the bodies that are taken are JSON
 * objects: no other reading of the signed text has digits where the time stands.
 */
export function verifyWebhook(
  { headers, body }: HookRequest,
  secrets: readonly Secret[],
  nowMs: number,
): { ok: true; id: string; timestamp: number } | { ok: false; reason: string } {
  const id = headers['webhook-id'] ?? '';
  const timestamp = signedTime(headers['webhook-timestamp']);
  const signatures = (headers['webhook-signature'] ?? '').split(' ');
  if (!/^[\u0021-\u007e]{1,255}$/.test(id)) return no('the header webhook-id is missing or malformed');
  if (timestamp === null) return no('the header webhook-timestamp is missing or malformed');
  if (!signatures.some((each) => each.startsWith('v1,'))) return no('the header webhook-signature has no v1 signature');
  const expected = secrets
    .filter((secret) => webhookSecretProblem(secret.reveal()) === null)
    .map((secret) => signWebhook({ id, timestamp, body }, secret));
  let right = false;
  for (const wanted of expected) for (const given of signatures) right = sameSecret(given, wanted) || right;
  if (!right) return no('none of its signatures is by the secret of this webhook');
  return isFresh(timestamp, nowMs) ? { ok: true, id, timestamp } : no(notFresh);
}

// ── Slack: https://docs.slack.dev/authentication/verifying-requests-from-slack

export function verifySlack({ headers, body }: HookRequest, signingSecret: Secret, nowMs: number): Verification {
  const timestamp = headers['x-slack-request-timestamp'];
  const seconds = signedTime(timestamp);
  if (seconds === null) return no('the header X-Slack-Request-Timestamp is missing or malformed');
  const key = signingSecret.reveal();
  if (key === '') return no('there is no signing secret');
  const expected = `v0=${createHmac('sha256', key).update(`v0:${timestamp}:`).update(body).digest('hex')}`;
  if (!sameSecret(headers['x-slack-signature'], expected)) return no('it is not signed with the signing secret');
  return isFresh(seconds, nowMs) ? passed : no(notFresh);
}

// ── Meta (WhatsApp): https://developers.facebook.com/docs/graph-api/webhooks/getting-started

/** These carry no time: what is older than the dedupe keys of the store cannot be told from new. */
export function verifyMeta({ headers, body }: HookRequest, appSecret: Secret): Verification {
  const key = appSecret.reveal();
  if (key === '') return no('there is no app secret');
  const expected = `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
  return sameSecret(headers['x-hub-signature-256'], expected) ? passed : no('it is not signed with the app secret');
}

// ── Telegram: https://core.telegram.org/bots/api#setwebhook

export function verifyTelegram({ headers }: HookRequest, secretToken: Secret): Verification {
  return sameSecret(headers['x-telegram-bot-api-secret-token'], secretToken.reveal())
    ? passed
    : no('it does not carry the secret token');
}
