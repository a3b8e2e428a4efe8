import type { ChannelCapabilities, SendOutcome } from './ports/channel.ts';
import type { OutboxRow, SendRecord } from './ports/outbox-store.ts';

/** Deliveries tried per row; what a rate limit postponed does not count. */
export const maxSendAttempts = 5;
/** A reply that may already have arrived is repeated only while it is this young. */
export const resendWindowMs = 600_000;

/** How long an account is left alone whose token was refused; one that begins anew, perhaps with another, is not. */
export const badTokenMs = 300_000;

/** A platform that failed a moment ago mostly still does, and there is only this one repeat. */
const repeatPauseMs = 3000;

const backoffMs = (attempts: number): number => Math.min(60_000, 1000 * 4 ** Math.max(0, attempts - 1));

/**
 * What becomes of an outbox row after one attempt: a pure rule over the row as claimed (its attempt already counted)
 * and the outcome. Where to a `moved` chat went is the
 * caller's to follow, and so is looking up what an ambiguous send became.
 */
export function recordOf(
  row: OutboxRow,
  outcome: SendOutcome,
  idempotentSend: ChannelCapabilities['idempotentSend'],
  now: number,
): SendRecord {
  if (outcome.ok) return { state: 'sent', ref: outcome.ref, at: now };
  const { detail: error } = outcome;
  switch (outcome.kind) {
    case 'rate_limited':
      return { state: 'retry', at: now + outcome.retryAfterMs, error, uncounted: true };
    case 'unreachable':
      // No attempt at this row in particular: it waits with its account, until it is too old to be sent, or repeated.
      if (row.resent && row.ref === null && idempotentSend === 'none' && isTooOldToRepeat(row, now))
        return { state: 'uncertain', at: now, error };
      return { state: 'retry', at: now, error, uncounted: true };
    case 'transient':
      return again(row, now, error);
    case 'ambiguous':
      // Sending the same part again is harmless where the platform drops it, and so is repeating an edit.
      if (idempotentSend === 'native' || row.ref !== null) return again(row, now, error);
      return repeatOnce(row, now, error, repeatPauseMs);
    case 'bad_format':
      if (row.plain) return { state: 'dead', at: now, error };
      return { state: 'retry', at: now, error, plain: true };
    case 'moved':
      return { state: 'retry', at: now, error, uncounted: true };
    case 'refused':
      // A token can be mended without anything being lost: the row waits with its account, until it is too old.
      if (outcome.code === 'bad_token') return { state: 'retry', at: now, error, uncounted: true };
      // The growing message was deleted by a person: the answer is still owed.
      if (row.ref !== null && outcome.code === 'edit_gone') return { state: 'retry', at: now, error, dropRef: true };
      return { state: 'dead', at: now, error };
  }
}

function again(row: OutboxRow, now: number, error: string): SendRecord {
  if (row.attempts >= maxSendAttempts) return { state: 'dead', at: now, error: `${error} (${row.attempts} attempts)` };
  return { state: 'retry', at: now + backoffMs(row.attempts), error };
}

/** It may have arrived and cannot be looked up: one marked repeat while it is young, then it stays uncertain. */
export function repeatOnce(row: OutboxRow, now: number, error: string, pauseMs = 0): SendRecord {
  if (row.resent || isTooOldToRepeat(row, now)) return { state: 'uncertain', at: now, error };
  return { state: 'retry', at: now + pauseMs, error, resent: true };
}

const isTooOldToRepeat = ({ createdAt }: OutboxRow, now: number): boolean => now - createdAt > resendWindowMs;
