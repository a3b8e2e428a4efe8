import { readFile } from 'node:fs/promises';

/** More than any limit of processes; what is beyond is not counted. */
const maxProcesses = 5000;

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
    if (pids.length < maxProcesses) pids.push(...children.split(' ').filter(Boolean).map(Number));
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
