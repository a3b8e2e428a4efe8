import type { ClaimedRun } from '../../core/ports/run-store.ts';
import type { LogFields } from '../../core/ports/system.ts';

/** The first message's, from arrival to delivery, also when others were merged into it. */
export const correlationOf = ({ run, inbound }: ClaimedRun): string => inbound[0]?.correlation ?? run.messageId;

/** What every line about a run says. */
export const fieldsOf = (claimed: ClaimedRun): LogFields => ({
  correlation_id: correlationOf(claimed),
  session: claimed.run.sessionKey,
  run_id: claimed.run.id,
});

/** What every event about a run carries. */
export function about(claimed: ClaimedRun): { sessionKey: string; person: string; correlation: string } {
  const { run } = claimed;
  return { sessionKey: run.sessionKey, person: run.owner, correlation: correlationOf(claimed) };
}
