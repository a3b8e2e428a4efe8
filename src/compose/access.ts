import type { AccessPolicy } from '../app/access/authorize.ts';
import { Directory } from '../app/access/directory.ts';
import { Tokens } from '../app/access/tokens.ts';
import { JobRights } from '../app/tasks/rights.ts';
import type { InboxRow } from '../core/ports/inbox-store.ts';
import type { PersonRole } from '../core/principal.ts';
import type { Ground } from './ground.ts';
import { saveOperatorToken } from './operator-token.ts';

export type Access = Ground & ReturnType<typeof composeAccess>;

/** Who calls, who writes, and what they may. */
export function composeAccess(ground: Ground) {
  const { live, dataDir } = ground;
  const directory = new Directory(ground);
  const jobRights = new JobRights({ ...ground, directory });
  const policy = (channel: string, account: string): AccessPolicy => live.policies(channel, account);
  return {
    tokens: new Tokens({ ...ground, onOperatorToken: (token) => saveOperatorToken(live, dataDir, token) }),
    directory,
    jobRights,
    policy,
    /** Who sent a message, and what they may do now. */
    whois: (inbound: InboxRow): Promise<{ person: string; role: PersonRole }> =>
      inbound.channel === 'job'
        ? jobRights.whois(inbound)
        : directory.whois(inbound, policy(inbound.channel, inbound.account)),
  };
}
