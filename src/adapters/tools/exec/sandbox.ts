/**
 * The command line of bubblewrap (https://github.com/containers/bubblewrap, 0.8 or newer) for one program: namespaces of
 * its own for everything (no network, no other process in sight), an empty root on which only `/usr` is shown, an
 * environment of four names, and limits that the kernel holds. Plain data: nothing here runs anything.
 */
import { lstatSync, readlinkSync } from 'node:fs';

export interface SandboxLimits {
  /** Bytes of address space of each process; all together are watched, see run.ts. */
  memoryBytes: number;
  /** Processes and threads. */
  processes: number;
  /** Bytes of one file that it writes. */
  fileBytes: number;
  /** Of processor time, for each process. */
  cpuSeconds: number;
}

export interface SandboxPlan {
  argv: readonly string[];
  /** On the host; where the program begins, as `/files`. */
  folder: string;
  writable: boolean;
  limits: SandboxLimits;
}

/** `/tmp` and shared memory, in bytes: they are memory, and no limit of a process counts them. */
const scratchBytes = 64 * 2 ** 20;
const maxOpenFiles = 256;

const environment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/tmp',
  LANG: 'C.UTF-8',
  TMPDIR: '/tmp',
};

/** What a system without them in `/usr` keeps beside it. */
const besideUsr = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Names that programs of `/usr` resolve through; nothing of them is secret. */
const neededOfEtc = ['/etc/alternatives', '/etc/ld.so.cache'];

/** The arguments of bwrap. The program's own are passed on as they are: no shell reads them. */
export function sandboxArguments({ argv, folder, writable, limits }: SandboxPlan): string[] {
  const shared = ['/usr', ...besideUsr];
  return [
    ['--unshare-user', '--unshare-all', '--disable-userns', '--cap-drop', 'ALL'],
    ['--uid', '1000', '--gid', '1000', '--hostname', 'sandbox'],
    // Nothing is typed into the terminal of the gateway, and nothing outlives it.
    ['--new-session', '--die-with-parent', '--clearenv'],
    ...Object.entries(environment).map(([name, value]) => ['--setenv', name, value]),
    ...shared.map(asOnHost),
    ...neededOfEtc.map((name) => ['--ro-bind-try', name, name]),
    ['--proc', '/proc', '--dev', '/dev'],
    ['--size', String(scratchBytes), '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
    ['--size', String(scratchBytes), '--tmpfs', '/tmp'],
    [writable ? '--bind' : '--ro-bind', folder, '/files', '--chdir', '/files'],
    ['--remount-ro', '/', '--'],
    // Set inside, where the count of processes begins anew: outside it would be that of the gateway's user.
    ['/usr/bin/prlimit', `--as=${limits.memoryBytes}`, `--nproc=${limits.processes}`],
    [`--fsize=${limits.fileBytes}`, `--nofile=${maxOpenFiles}`, `--cpu=${limits.cpuSeconds}`, '--core=0'],
    ['--', ...argv],
  ].flat();
}

/** `/bin` and its kin: a link into `/usr` on most systems, a folder on others, nothing on some. */
function asOnHost(name: string): string[] {
  const stat = lstatSync(name, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink() === true) return ['--symlink', readlinkSync(name), name];
  return stat?.isDirectory() === true ? ['--ro-bind', name, name] : [];
}
