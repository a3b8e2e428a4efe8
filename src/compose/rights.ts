import { Erasures, personErased } from '../app/rights/erasure.ts';
import { rightsOf } from '../app/rights/gateway.ts';
import type { RightsGateway } from '../core/ports/rights-gateway.ts';
import type { LiveConfig } from './live-config.ts';
import type { Schedule } from './schedule.ts';

/** People's rights: what clients may ask, and the erasures that have to be finished at the start. */
export function composeRights(schedule: Schedule): { rights: RightsGateway; erasures: Erasures } {
  const { live, stopping, waiters, runner, preferences, budgets, personFiles } = schedule;
  const erasures = new Erasures({
    ...schedule,
    stopping: stopping.signal,
    forget: [
      (person) => waiters.rejectOf(person, personErased()),
      (person) => runner.endOf(person),
      (person) => preferences.forget(person),
      (person) => budgets.forget(person),
      async (person) => void (await personFiles.erase(person)),
    ],
    kept: () => keptOf(live),
  });
  return { rights: rightsOf({ ...schedule, erasures }), erasures };
}

/** What no erasure can reach. */
function keptOf({ config }: LiveConfig): string[] {
  const { output, rotation } = config.logging;
  const log =
    output === 'file'
      ? `Lines of the log file stay until it was rotated away (${rotation.keep} old files are kept); they hold ids, no messages.`
      : 'Lines of the log stay with whatever collects them; they hold ids, no messages.';
  return [
    'The audit log keeps who did what, by ids of ours.',
    log,
    'Backups are not touched: those that the gateway makes go with time ([backup] keep), yours are yours.',
    'What others quoted in their own messages stays theirs.',
    'What was sent to a chat platform or to a model provider stays there.',
  ];
}
