import { Compaction } from '../app/agent/compaction.ts';
import { AgentLoop } from '../app/agent/loop.ts';
import { CallRunner } from '../app/agent/calls.ts';
import { Replays } from '../app/agent/replay.ts';
import { Toolbox } from '../app/agent/toolbox.ts';
import type { CrashPoint } from '../app/lifecycle/crash-points.ts';
import type { ModelCaller } from '../app/models/caller.ts';
import type { MintId } from '../core/ids.ts';
import type { FileStorage } from '../core/ports/files.ts';
import type { Gate } from '../core/ports/gate.ts';
import type { Store } from '../core/ports/store.ts';
import type { Clock, Log, Metrics } from '../core/ports/system.ts';
import type { LiveConfig } from './live-config.ts';

/** Far more than a tool may return; the file of a result is text. */
const maxKeptBytes = 20_000_000;

export interface AgentDeps {
  store: Store;
  models: ModelCaller;
  gate: Gate;
  files: FileStorage;
  live: LiveConfig;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  mintId: MintId;
  crash: CrashPoint;
}

/** The agent and its tools. */
export function composeAgent(deps: AgentDeps): {
  loop: AgentLoop;
  toolbox: Toolbox;
  compaction: Compaction;
  replays: Replays;
} {
  const { store, files, live, clock, mintId } = deps;
  const keep = async (person: string, text: string): Promise<string> => {
    const id = mintId('file');
    const { size, sha256 } = await files.save(id, bytesOf(text), maxKeptBytes);
    await store.saveFile({ id, owner: person, mimeType: 'text/plain', size, sha256, createdAt: clock.now() });
    return id;
  };
  const limits = (): { timeoutMs: number; maxResult: number } => {
    const { timeout, max_result } = live.config.tools;
    return { timeoutMs: timeout, maxResult: max_result };
  };
  const toolbox = new Toolbox();
  return {
    loop: new AgentLoop({ ...deps, calls: new CallRunner({ ...deps, limits, keep }) }),
    toolbox,
    compaction: new Compaction(deps),
    replays: new Replays({ ...deps, toolbox, limits, agent: (name) => live.agent(name) }),
  };
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
