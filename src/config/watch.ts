import { type BigIntStats, stat, statSync } from 'node:fs';

/**
 * How often the files are looked at. Not by notices of the system: those of a folder come for each write to a database
 * beside the file, and on network drives and in some containers not at all.
 */
const lookMs = 500;

/**
 * Calls back once after the configuration file, its `.env` or a file with a secret changed, also when an editor replaced
 * it, it appeared, or a link to it leads elsewhere; what changes in several steps is one change, told when a look finds
 * nothing new. Reading and judging what is there now is for the caller. Ends with the signal and never keeps the process
 * alive.
 */
export function watchConfig({ files }: { files: readonly string[] }, onChange: () => void, signal: AbortSignal): void {
  if (signal.aborted) return;
  const seen = files.map(standingNow);
  let moving = false;
  let looking = false;
  const look = async (): Promise<void> => {
    // A drive that hangs is asked once, not ever more often.
    if (looking) return;
    looking = true;
    const now = await Promise.all(files.map(standing));
    looking = false;
    if (signal.aborted) return;
    const moved = now.some((text, n) => text !== seen[n]);
    seen.splice(0, seen.length, ...now);
    if (moving && !moved) onChange();
    moving = moved;
  };
  const timer = setInterval(() => void look(), lookMs).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

const standing = (file: string): Promise<string> =>
  new Promise((resolve) =>
    stat(file, { bigint: true }, (error, found) => resolve(error === null ? told(found) : gone)),
  );

function standingNow(file: string): string {
  try {
    return told(statSync(file, { bigint: true }));
  } catch {
    return gone;
  }
}

/** What cannot be looked at is as good as not there: the caller finds out why when it reads. */
const gone = '';

const told = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
