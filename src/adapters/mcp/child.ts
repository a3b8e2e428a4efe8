import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../core/ports/system.ts';

/** How long a program may take to end once its input has ended, and again once it was told to. */
const politeMs = 300;
const firmMs = 1000;

/** Of its own process group where there are such, so that what it starts itself can be ended with it. */
const ownGroup = process.platform !== 'win32';

/** A program with all three of its pipes. */
export type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export interface ChildOptions {
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd: string | undefined;
}

/**
 * Starts a program; rejects with the reason in words when it cannot be started. When the gateway is killed its pipes
 * close, and a server that heeds the end of its input ends as well.
 */
export function startChild({ command, args, env, cwd }: ChildOptions): Promise<Child> {
  const { promise, resolve, reject } = Promise.withResolvers<Child>();
  const child: Child = spawn(command, args, {
    env,
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: ownGroup,
    windowsHide: true,
  });
  child.once('spawn', () => resolve(child));
  child.on('error', (error: NodeJS.ErrnoException) => {
    reject(new Error(`"${command}" cannot be started: ${notStarted[error.code ?? ''] ?? error.message}`));
  });
  return promise;
}

const notStarted: Readonly<Record<string, string>> = {
  ENOENT: 'it was not found (nor may its folder be)',
  EACCES: 'it was not found where the gateway may look, or may not be run by its user',
};

/** Ends the program and all that it started: first by the end of its input, then by SIGTERM, then by SIGKILL. */
export async function endChild(child: Child, clock: Clock): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (hasEnded(child)) resolve();
    else child.once('exit', () => resolve());
  });
  const endedWithin = async (ms: number): Promise<void> => {
    const enough = new AbortController();
    const late = clock.sleep(ms, enough.signal).catch(() => undefined);
    await Promise.race([ended, late]);
    enough.abort(late);
  };
  child.stdin.end();
  await endedWithin(politeMs);
  signalGroup(child, 'SIGTERM');
  await endedWithin(firmMs);
  // Also when the program itself has ended: what it started may not have.
  signalGroup(child, 'SIGKILL');
  await ended;
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
}

export const hasEnded = ({ exitCode, signalCode }: Child): boolean => exitCode !== null || signalCode !== null;

function signalGroup(child: Child, signal: 'SIGTERM' | 'SIGKILL'): void {
  const { pid } = child;
  if (pid === undefined) return;
  try {
    if (ownGroup) process.kill(-pid, signal);
    else if (!hasEnded(child)) child.kill(signal);
  } catch {
    // Nothing of it is left.
  }
}
