/** A gateway of its own for a bench, in a directory that is gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDaemon, type Daemon } from '../tests/support/daemon.ts';

export async function inDirectory<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-bench-'));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function withGateway<T>(
  setup: { config?: string; dir: string },
  work: (daemon: Daemon) => Promise<T>,
): Promise<T> {
  const daemon = await startDaemon(setup);
  try {
    return await work(daemon);
  } finally {
    await daemon.stop();
  }
}
