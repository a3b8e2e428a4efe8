import { stat } from 'node:fs/promises';
import { MemoryBus } from '../adapters/bus/memory.ts';
import { openDataDir } from '../adapters/data-dir/index.ts';
import { diskFiles } from '../adapters/files/disk.ts';
import { DiskPersonFiles } from '../adapters/files/person-files.ts';
import { createHttpClient } from '../adapters/http-client/index.ts';
import { createLog } from '../adapters/logging/index.ts';
import { MetricsRegistry } from '../adapters/metrics/index.ts';
import { openStore } from '../adapters/store/sqlite/index.ts';
import { systemClock as clock, systemRandom as random } from '../adapters/system/index.ts';
import { Audit } from '../app/audit/audit.ts';
import { tellRestored } from '../app/backup/backups.ts';
import { CommandRegistry } from '../app/commands/registry.ts';
import type { CrashPoint } from '../app/lifecycle/crash-points.ts';
import type { LoadedConfig } from '../config/index.ts';
import { idMint } from '../core/ids.ts';
import { ownerPerson } from '../core/principal.ts';
import { migrationsDir, storeWorker } from '../places.ts';
import { finishRestore, lazyBackups } from './backup.ts';
import { channelTypesOf } from './channels.ts';
import { LazyMarkdown } from './lazy-markdown.ts';
import { LiveConfig } from './live-config.ts';
import { probeOllama } from './providers.ts';
import { StopSignal } from './stop-signal.ts';

export type Ground = Awaited<ReturnType<typeof openGround>>;

/** What every part stands on: the configuration in force, the data directory, the store, the ways to log and to measure. */
export async function openGround(loaded: LoadedConfig, env: NodeJS.ProcessEnv) {
  const live = new LiveConfig(loaded);
  const { file, format, ...logging } = loaded.config.logging;
  const log = createLog({
    ...logging,
    fields: { component: 'gateway' },
    env,
    ...(file === undefined ? {} : { file }),
    ...(format === undefined ? {} : { format }),
  });
  const crashAt = env['OPEN_CLANKER_CRASH_AT'];
  const crash: CrashPoint =
    crashAt === undefined ? () => undefined : (step) => step === crashAt && process.kill(process.pid, 'SIGKILL');
  const startedAt = clock.monotonic();
  const metrics = new MetricsRegistry();
  metrics.observe('log_dropped_total', 'Lines of the log that could not be written.', () => log.dropped);
  const stopping = new StopSignal(log);
  for (const warning of loaded.warnings) log.warn(warning);
  const dataDir = await openDataDir(loaded.dataDir);
  const restored = await finishRestore(loaded);
  const http = createHttpClient({ log, metrics });
  // Asked while the store opens: with nothing configured an Ollama on this machine answers.
  const foundOllama = live.wantsOllamaProbe ? probeOllama({ http, clock, log }) : Promise.resolve(null);
  const { path } = live.config.database;
  if ((await isMissing(path)) && (await dataDir.readToken()) !== null) {
    log.warn(
      `a new database is begun at ${path}, though this data directory was used before; if that is not meant, stop the gateway and restore a backup`,
    );
  }
  const store = await openStore({ path, migrationsDir, workerUrl: storeWorker, log, metrics, clock });
  await store.ensurePerson({ id: ownerPerson, name: 'owner', role: 'owner', language: null, createdAt: clock.now() });
  const audit = new Audit({ store, clock });
  if (restored !== null) await tellRestored(restored, { audit, log });
  return {
    startedAt,
    live,
    log,
    crash,
    metrics,
    stopping,
    dataDir,
    http,
    foundOllama,
    store,
    audit,
    clock,
    random,
    mintId: idMint(clock, random),
    bus: new MemoryBus(clock, metrics),
    files: diskFiles(dataDir.filesFolder),
    personFiles: new DiskPersonFiles(dataDir.peopleFolder, () => live.fileLimits),
    backups: lazyBackups(() => live.loaded),
    markdown: new LazyMarkdown(),
    /** The parts register theirs. */
    commands: new CommandRegistry(),
    /** By which keys of sessions begin that are not an API client's; a job's are its own. */
    channelTypes: new Set([...channelTypesOf(live.config), 'job']),
  };
}

/** An empty file counts as none: that is what a start that failed leaves, and a disk that lost the rest. */
const isMissing = (file: string): Promise<boolean> =>
  stat(file).then(
    ({ size }) => size === 0,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
