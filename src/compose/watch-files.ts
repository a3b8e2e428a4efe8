import { watchConfig, type LoadedConfig } from '../config/index.ts';

/** A change that the old watch saw a moment ago must still be told. */
const overlapMs = 1000;

/** Watches the files of the configuration in force; call it again when they became others. */
export function watchingFiles(loaded: () => LoadedConfig, onChange: () => void, stopping: AbortSignal): () => void {
  let current: AbortController | null = null;
  return () => {
    const before = current;
    current = new AbortController();
    watchConfig(loaded(), onChange, { signal: AbortSignal.any([stopping, current.signal]) });
    if (before !== null) setTimeout(() => before.abort(), overlapMs).unref();
  };
}
