import { Pairing } from '../app/access/pairing.ts';
import { boundAgent } from '../app/agent/bindings.ts';
import { ChannelManager } from '../app/channels/manager.ts';
import { Delivery } from '../app/delivery/delivery.ts';
import { senderOf } from '../app/gateway/sender.ts';
import { FloodNotice } from '../app/ingress/flood-notice.ts';
import { Ingress } from '../app/ingress/ingress.ts';
import { RunExecutor, type RunDeps } from '../app/runs/execute.ts';
import { Outages } from '../app/runs/outages.ts';

import { RunQueue, type QueueMode } from '../app/runs/queue.ts';
import { RunWaiters } from '../app/runs/waiters.ts';
import type { Agent } from './agent.ts';

export type Messages = Agent & ReturnType<typeof composeMessages>;

/** The way of a message: channels, ingress, runs, delivery. */
export function composeMessages(agent: Agent) {
  const { live, store, files, preferences } = agent;
  const limits: RunDeps['channelLimits'] = (channel, account) => channels.limits(channel, account);
  const queueMode = (channel: string): QueueMode =>
    channel === 'api' || channel === 'job' ? 'followup' : live.config.agent.queue_mode;
  const historyTurns = (): number => live.historyTurns;
  const waiters = new RunWaiters();
  const delivery = new Delivery({ ...agent, readFile: (id) => files.read(id) });
  const outages = new Outages({ ...agent, delivery, runs: () => runs });
  const executor = new RunExecutor({
    ...agent,
    delivery,
    waiters,
    outages,
    historyTurns,
    atWork: () => runs.active,
    agent: (name, { inbound, role }) => live.agent(name ?? boundAgent(live.config.bindings, inbound, role)),
    steers: ({ channel }) => queueMode(channel) === 'steer',
    preferredModel: (person) => preferences.modelOf(person),
    timeZone: (person) => live.zoneOf(person, store),
    loadFile: (owner) => async (id) => ((await store.file(id, owner)) === null ? null : files.read(id)),
    channelLimits: limits,
  });
  const runs = new RunQueue({
    ...agent,
    historyTurns,
    queueMode,
    execute: (run) => executor.execute(run),
  });
  const pairing = new Pairing({ ...agent, delivery, limits });
  const flood = new FloodNotice({ ...agent, delivery, limits });
  const ingress = new Ingress({ ...agent, runs, pairing, flood, queueMode });
  const channels = new ChannelManager({ ...agent, ingress, delivery });
  return {
    waiters,
    delivery,
    outages,
    runs,
    pairing,
    ingress,
    channels,
    sender: senderOf({ ...agent, channels, delivery }),
  };
}
