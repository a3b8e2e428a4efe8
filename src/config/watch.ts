import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import path from 'node:path';

/** Editors write in several steps; what follows within this time is one change. */
const settleMs = 200;

/** Kubernetes swaps a folder behind this link instead of touching the files in it. */
const volumeLink = '..data';

export interface WatchOptions {
  signal: AbortSignal;
  /** A folder that cannot be watched (it is gone, or the system has no watches left); SIGHUP still reloads. */
  onError?: (error: unknown) => void;
}

/**
 * Calls back once after the configuration file, its `.env` or a file with a secret changed, also when an editor replaced
 * it or it appeared. Folders are watched, not files: a replaced file would take its watch with it. Reading and judging
 * what is there now is for the caller. Ends with the signal and never keeps the process alive.
 */
export function watchConfig(
  { files }: { files: readonly string[] },
  onChange: () => void,
  { signal, onError }: WatchOptions,
): void {
  const folders = Map.groupBy(files, (file) => path.dirname(file));
  const watchers: FSWatcher[] = [];
  let settle: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(settle);
    settle = setTimeout(onChange, settleMs).unref();
  };
  const stop = (): void => {
    clearTimeout(settle);
    for (const watcher of watchers) watcher.close();
  };
  if (signal.aborted) return;
  signal.addEventListener('abort', stop, { once: true });
  for (const [folder, inside] of folders) {
    const names = new Set([volumeLink, ...inside.map((file) => path.basename(file))]);
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || names.has(name)) changed();
      });
      watcher.on('error', (error) => onError?.(error));
      watchers.push(watcher);
    } catch (error) {
      onError?.(error);
    }
  }
}
