import { inTurn } from '../app/lifecycle/in-turn.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { Bus } from '../core/ports/bus.ts';
import type { Log, LogLevel } from '../core/ports/system.ts';
import type { HttpServerOptions } from '../adapters/http/settings.ts';
import type { LiveConfig } from './live-config.ts';
import { httpOptions } from './settings.ts';

export interface ReloadDeps {
  load: () => Promise<LoadedConfig>;
  live: LiveConfig;
  /** Makes everything that runs that of the configuration in force. */
  apply: () => Promise<void>;
  serve: (options: HttpServerOptions) => void;
  setLevel: (level: LogLevel) => void;
  /** The files of the configuration are others than before. */
  onFiles: () => void;
  log: Log;
  bus: Bus;
}

/**
 * Reads the configuration again and puts it in force as a whole, or keeps the one before as a whole. One at a time:
 * whoever asks while one is at work shares the next, however many ask.
 */
export function reloading(deps: ReloadDeps): () => Promise<{ changed: string[] }> {
  const next = inTurn();
  let waiting: Promise<{ changed: string[] }> | null = null;
  return () => {
    waiting ??= next(() => {
      waiting = null;
      return reload(deps);
    });
    return waiting;
  };
}

async function reload(deps: ReloadDeps): Promise<{ changed: string[] }> {
  const { live, apply, serve, setLevel, onFiles, log, bus } = deps;
  try {
    const next = await deps.load();
    // Whatever can be found wrong is found before anything changes.
    const options = await httpOptions(next.config);
    const before = live.loaded;
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
    setLevel(next.config.logging.level);
    if (before.files.join('\n') !== next.files.join('\n')) onFiles();
    for (const warning of next.warnings) log.warn(warning);
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
