import { watchConfig, type LoadedConfig } from '../config/index.ts';

/** A change that the old watch is just seeing must still be told; it takes two looks of half a second. */
const overlapMs = 1500;

/** Watches the files of the configuration in force; call it again when they became others. */
export function watchingFiles(loaded: () => LoadedConfig, onChange: () => void, stopping: AbortSignal): () => void {
  let current: AbortController | null = null;
  return () => {
    const before = current;
    current = new AbortController();
    watchConfig(loaded(), onChange, AbortSignal.any([stopping, current.signal]));
    if (before !== null) setTimeout(() => before.abort(), overlapMs).unref();
  };
}
