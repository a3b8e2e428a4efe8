import type { Audit } from '../app/audit/audit.ts';
import { Erasures, type ErasureDeps } from '../app/rights/erasure.ts';
import { rightsOf } from '../app/rights/gateway.ts';
import type { FileStorage } from '../core/ports/files.ts';
import type { MintId } from '../core/ids.ts';
import type { PersonFiles } from '../core/ports/person-files.ts';
import type { RightsGateway } from '../core/ports/rights-gateway.ts';
import type { Store } from '../core/ports/store.ts';
import type { LiveConfig } from './live-config.ts';

interface RightsParts extends Omit<ErasureDeps, 'store' | 'files' | 'kept'> {
  store: Store;
  files: FileStorage;
  personFiles: PersonFiles;
  mintId: MintId;
  audit: Audit;
  live: LiveConfig;
}

/** People's rights: what clients may ask, and the erasures that have to be finished at the start. */
export function composeRights({ live, ...deps }: RightsParts): { rights: RightsGateway; erasures: Erasures } {
  const erasures = new Erasures({ ...deps, kept: () => keptOf(live) });
  return { rights: rightsOf({ ...deps, erasures }), erasures };
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
