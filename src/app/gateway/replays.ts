import { notFound } from '../../core/errors.ts';
import type { ReplayGateway } from '../../core/ports/replay.ts';
import type { Store } from '../../core/ports/store.ts';
import { scopeIncludes } from '../../core/principal.ts';
import { clientSessionKey } from '../../core/session-key.ts';
import type { Replays } from '../agent/replay.ts';
import type { ModelCaller } from '../models/caller.ts';

export interface ReplayGatewayDeps {
  replays: Replays;
  store: Pick<Store, 'person'>;
  models: Pick<ModelCaller, 'resolve'>;
  channelTypes: ReadonlySet<string>;
  agents: () => ReadonlySet<string>;
}

/** Runs that change nothing, for clients. */
export function replayGateway({ replays, store, models, channelTypes, agents }: ReplayGatewayDeps): ReplayGateway {
  return {
    replayRun(principal, runId, against, signal) {
      const owner = scopeIncludes(principal.scope, 'admin') ? null : principal.person;
      if (against.model !== undefined) models.resolve(against.model);
      return replays.replay(runId, owner, against, signal);
    },
    async dryRun(principal, { text, session = 'main', agent = null, model = null }, signal) {
      if (agent !== null && !agents().has(agent)) throw notFound(`agent "${agent}"`);
      if (model !== null) models.resolve(model);
      const { person } = principal;
      const sessionKey = clientSessionKey(session, person, channelTypes);
      const role = (await store.person(person))?.role ?? 'guest';
      return replays.dryRun({ person, role, sessionKey, agent, model }, text, signal);
    },
  };
}
