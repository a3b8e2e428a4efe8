/** What a proof found: figures to print, and one line for each thing that must not be. */
import type { Accounts } from '../../support/ledger.ts';

export interface Proof {
  figures: [name: string, value: string][];
  violations: string[];
  /** Why the proof could not be made here, in words. */
  skipped?: string;
}

/** The rows that every proof with a ledger prints. */
export function accountFigures(accounts: Accounts): [string, string][] {
  const count = (value: number): string => String(value);
  const rows = Object.values(accounts.outbox).reduce((sum, n) => sum + n, 0);
  const states = Object.entries(accounts.outbox).map(([state, n]) => `${state} ${n}`);
  return [
    ['messages sent', count(accounts.sent)],
    ['acknowledged', count(accounts.acknowledged)],
    ['answered exactly once', count(accounts.answered)],
    ['lost', count(accounts.lost)],
    ['runs doubled', count(accounts.runsDoubled)],
    ['never taken (sender was told nothing)', count(accounts.neverTaken)],
    ['interrupted runs answered after restart', count(accounts.resumed)],
    ['model calls repeated', count(accounts.repeatedModelCalls)],
    ['dead letters after 5 starts', count(accounts.dead)],
    ['sends doubled in the ambiguous window, reported', count(accounts.sendsDoubledReported)],
    ['sends left uncertain, reported', count(accounts.uncertain)],
    [`outbox rows: ${rows} =`, states.join(' + ') || 'none'],
  ];
}
