import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** More than any limit of processes; what is beyond is not counted. */
const maxProcesses = 5000;

/** The processes that one has started and that are still there. */
export function childrenOf(pid: number): number[] {
  try {
    return idsIn(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
  } catch {
    return [];
  }
}

const idsIn = (text: string): number[] => text.split(' ').filter(Boolean).map(Number);

/** False for what is gone, and for what has ended and was not yet asked how. */
export async function isAlive(pid: number): Promise<boolean> {
  const status = await readIfThere(`/proc/${pid}/status`);
  return status !== '' && !/^State:\s+[ZX]/m.test(status);
}

/**
 * Resident bytes of a process and all below it, as Linux tells (proc(5): `task/<id>/children`, `VmRSS` of `status`).
 * Memory that several share counts for each of them.
 */
export async function residentBytes(pid: number): Promise<number> {
  const pids = [pid];
  let bytes = 0;
  for (const each of pids) {
    const [status, children] = await Promise.all([
      readIfThere(`/proc/${each}/status`),
      readIfThere(`/proc/${each}/task/${each}/children`),
    ]);
    bytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    if (pids.length < maxProcesses) pids.push(...idsIn(children));
  }
  return bytes;
}

/** Processes end while they are looked at. */
async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}
