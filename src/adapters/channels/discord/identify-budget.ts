/**
 * Discord allows a bot 1000 new sessions (IDENTIFY) in 24 hours and resets its token past them; resuming is free.
 * https://discord.com/developers/docs/topics/gateway#identifying
 */
export interface IdentifyBudget {
  /** When the day of this count began, in milliseconds since the epoch. */
  since: number;
  count: number;
}

/** Far from the platform's limit: a bot that needs more is broken. */
export const maxIdentifiesPerDay = 200;
const dayMs = 24 * 3_600_000;
const minPauseMs = 5000;
const maxPauseMs = 600_000;

export function parseBudget(text: string | undefined): IdentifyBudget {
  try {
    const { since, count } = JSON.parse(text ?? '') as Partial<IdentifyBudget>;
    if (Number.isSafeInteger(since) && Number.isSafeInteger(count)) return { since: since ?? 0, count: count ?? 0 };
  } catch {
    // Nothing was counted yet.
  }
  return { since: 0, count: 0 };
}

/** The budget after one more IDENTIFY, or how long there is none left. */
export function spend(budget: IdentifyBudget, now: number): { left: IdentifyBudget } | { waitMs: number } {
  // A clock that was set back must not lock the bot out.
  const over = now - budget.since >= dayMs || now < budget.since;
  if (over) return { left: { since: now, count: 1 } };
  if (budget.count >= maxIdentifiesPerDay) return { waitMs: budget.since + dayMs - now };
  return { left: { since: budget.since, count: budget.count + 1 } };
}

/** Between sessions that did not last: 5 s, 10 s, 20 s … 10 min; none before the first. */
export const identifyPauseMs = (failures: number): number =>
  failures === 0 ? 0 : Math.min(maxPauseMs, minPauseMs * 2 ** Math.min(failures - 1, 10));
