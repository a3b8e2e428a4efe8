import { createHttpServer } from '../adapters/http/index.ts';
import { processMetrics } from '../adapters/metrics/process.ts';
import { People } from '../app/access/people.ts';
import { remoteApprovals } from '../app/approvals/remote.ts';
import { maintenanceOf } from '../app/backup/backups.ts';
import { Usage } from '../app/budget/usage.ts';
import { Chat } from '../app/gateway/chat.ts';
import { DeadLetters } from '../app/gateway/dead.ts';
import { gatewayOf } from '../app/gateway/gateway.ts';
import { OfferedTools } from '../app/gateway/offered-tools.ts';
import { replayGateway } from '../app/gateway/replays.ts';
import { Sessions } from '../app/gateway/sessions.ts';
import { Status } from '../app/gateway/status.ts';
import { describeConfig, type LoadedConfig } from '../config/index.ts';
import { version } from '../version.ts';
import { applying } from './apply.ts';
import { composeCommands } from './commands.ts';
import { composeReload } from './reload.ts';
import { composeRights } from './rights.ts';
import type { Schedule } from './schedule.ts';
import { httpOptions } from './settings.ts';
import { waitingLine } from './until-restart.ts';

/** All that clients may ask, and the door they come by. `load` reads the configuration again. */
export async function composeClients(schedule: Schedule, load: () => Promise<LoadedConfig>) {
  const { live, log, metrics, store, stopping, plugins, toolbox, toolLimits, mcp, runner } = schedule;
  const figures = processMetrics(metrics);
  const agents = (): ReadonlySet<string> => live.agentNames;
  const status = new Status({
    ...schedule,
    version,
    storeHealth: () => store.health(),
    eventLoopDelay: () => figures.eventLoopDelay(),
    mcp: () => mcp.status(),
    model: () => live.model,
    configError: () => live.error,
    schedulerEnabled: () => live.config.scheduler.enabled,
    warnings: () => [
      ...plugins.warnings(),
      ...live.unknownTools(toolbox),
      ...(log.failure === null ? [] : [`The log cannot be written (${log.failure}); see [logging].`]),
      ...(live.waiting.length === 0 ? [] : [waitingLine(live.waiting)]),
    ],
  });
  composeCommands(schedule, status);
  const inForce = applying(schedule);
  const reloads = composeReload({
    ...schedule,
    load,
    apply: inForce.apply,
    serve: (options) => server.reconfigure(options),
  });
  const { rights, erasures } = composeRights(schedule);
  const gateway = gatewayOf({
    ...schedule,
    rights,
    approvals: remoteApprovals(schedule),
    maintenance: maintenanceOf({
      ...schedule,
      tail: log.tail,
      restart: () => stopping.restart(),
      stopping: stopping.signal,
    }),
    replays: replayGateway({ ...schedule, agents }),
    people: new People(schedule),
    usage: new Usage(schedule),
    status,
    offered: new OfferedTools({ ...schedule, agent: () => live.config.agent, limits: toolLimits }),
    chat: new Chat({ ...schedule, agents }),
    sessions: new Sessions(schedule),
    dead: new DeadLetters({ ...schedule, tasks: runner }),
    reload: reloads.reload,
    describeConfig: () => describeConfig(live.loaded),
  });
  const server = createHttpServer({ ...schedule, gateway, options: await httpOptions(live.config), version });
  return { figures, status, erasures, server, ...inForce, ...reloads };
}
