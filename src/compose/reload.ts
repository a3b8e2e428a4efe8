import { recordedReload } from '../app/audit/audited.ts';
import { inTurn } from '../app/lifecycle/in-turn.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { HttpServerOptions } from '../adapters/http/settings.ts';
import type { Schedule } from './schedule.ts';
import { httpOptions } from './settings.ts';
import { untilRestart, waitingLine } from './until-restart.ts';
import { watchingFiles } from './watch-files.ts';

interface ReloadDeps extends Schedule {
  load: () => Promise<LoadedConfig>;
  /** Makes everything that runs that of the configuration in force. */
  apply: () => Promise<void>;
  serve: (options: HttpServerOptions) => void;
}

/** The ways to another configuration: somebody asks for it, a signal comes, a file changes. */
export function composeReload(deps: ReloadDeps) {
  const { live, audit, stopping } = deps;
  // A change is noticed from the very start, and acted on once everything runs.
  const running = Promise.withResolvers<void>();
  const onChange = (): void =>
    void running.promise.then(() => recordedReload(reload, audit, null)).catch(() => undefined);
  const watchFiles = watchingFiles(() => live.loaded, onChange, stopping.signal);
  const reload = reloading(() => reloadOnce(deps, watchFiles));
  return { reload, running, onChange, watchFiles };
}

/** One at a time: whoever asks while one is at work shares the next, however many ask. */
function reloading(reload: () => Promise<{ changed: string[] }>): () => Promise<{ changed: string[] }> {
  const next = inTurn();
  let waiting: Promise<{ changed: string[] }> | null = null;
  return () => {
    waiting ??= next(() => {
      waiting = null;
      return reload();
    });
    return waiting;
  };
}

/** Reads the configuration again and puts it in force as a whole, or keeps the one before as a whole. */
async function reloadOnce(deps: ReloadDeps, watchFiles: () => void): Promise<{ changed: string[] }> {
  const { live, apply, serve, log, bus } = deps;
  try {
    const before = live.loaded;
    const asked = await deps.load();
    // Whatever can be found wrong is found before anything changes, also in what only a restart takes up.
    await httpOptions(asked.config);
    const { loaded: next, waiting } = untilRestart(asked, before);
    const options = await httpOptions(next.config);
    const changed = live.replace(next);
    try {
      await apply();
    } catch (error) {
      live.replace(before);
      await apply().catch((failure: unknown) =>
        log.error('the configuration before could not be put in force again; restart the gateway', { error: failure }),
      );
      throw error;
    }
    serve(options);
    log.setLevel(next.config.logging.level);
    if (before.files.join('\n') !== next.files.join('\n')) watchFiles();
    live.waiting = waiting;
    for (const warning of next.warnings) log.warn(warning);
    if (waiting.length > 0) log.warn(waitingLine(waiting));
    log.info('configuration reloaded', { changed });
    bus.publish({ type: 'config.reloaded', changed });
    return { changed };
  } catch (error) {
    live.error = error instanceof Error ? error.message : 'unknown error';
    log.error('the new configuration was rejected; the one before stays in force', { error });
    bus.publish({ type: 'config.rejected', detail: live.error });
    throw error;
  }
}
