/** What the kernel knows about a process and the machine. Linux only; elsewhere the figures are absent. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';

const ticksPerSecond =
  process.platform === 'linux' ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) : 100;

/** Private anonymous memory in bytes: what the process costs the machine, without the shared text of the node binary. */
export function anonymousMemory(pid: number): number {
  return kilobytesOf(pid, 'RssAnon') * 1024;
}

function kilobytesOf(pid: number, field: string): number {
  if (process.platform !== 'linux') return Number.NaN;
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]);
}

/** Processor time the process has used so far in all its threads, user and system, in milliseconds (steps of 10). */
export function cpuMs(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const [user, system] = statFields(pid, 14, 15);
  return ((user + system) / ticksPerSecond) * 1000;
}

/** The same of this process's children that have ended. */
export function endedChildrenCpuMs(): number {
  if (process.platform !== 'linux') return Number.NaN;
  const [user, system] = statFields(process.pid, 16, 17);
  return ((user + system) / ticksPerSecond) * 1000;
}

/** Fields of /proc/<pid>/stat by their number in proc(5); the second one may hold spaces and ends with the last `)`. */
function statFields(pid: number, first: number, second: number): [number, number] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [Number(fields[first - 3]), Number(fields[second - 3])];
}

/** Samples a process's memory every 100 ms until stopped; `stop` returns the peak in bytes. */
export function watchMemory(pid: number): { stop(): number } {
  let peak = anonymousMemory(pid);
  const timer = setInterval(() => (peak = Math.max(peak, anonymousMemory(pid))), 100);
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}

export const machineLine = (): string =>
  `${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ` +
  `${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`;

/** The load average of the last minute. */
export const load = (): string => (loadavg()[0] ?? 0).toFixed(2);
