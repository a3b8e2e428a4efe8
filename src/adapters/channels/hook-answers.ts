/** What the channels behind `/hooks` answer alike. */
import type { HookResponse } from '../../core/ports/channel.ts';

const retryAfterSeconds = 5;

/** Not from whom it says; the door makes the same of it as of a name that does not exist. */
export const unverified: HookResponse = { status: 401 };

/** It could not be committed, or the channel does not listen now: nothing was accepted. */
export const tryLater: HookResponse = { status: 503, headers: { 'Retry-After': String(retryAfterSeconds) } };

/** A refusal that its sender, who proved to be one, can read. */
export const hookFailure = (status: number, code: string, message: string): HookResponse => ({
  status,
  error: { code, message },
});
