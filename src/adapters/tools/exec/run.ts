import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { noLongerNeeded } from '../../../core/abort.ts';
import type { Clock } from '../../../core/ports/system.ts';
import { BoundedOutput } from './output.ts';
import { residentBytes } from './processes.ts';
import { sandboxArguments, type SandboxPlan } from './sandbox.ts';

/** How often memory and files are looked at. */
const watchEveryMs = 200;
/** What the kernel cannot end at once, such as a process that waits for a broken disk, is not waited for. */
const lingerMs = 2000;

export interface RunPlan extends SandboxPlan {
  bwrap: string;
  timeoutMs: number;
  maxOutput: number;
  /** Asked while it runs: the files have become more than they may be. */
  overQuota: () => Promise<boolean>;
  signal: AbortSignal;
  clock: Clock;
}

export interface RunEnd {
  /** Null when it was killed. */
  code: number | null;
  /** Why it was killed; `signal`: by itself, or by a limit of the kernel. */
  killed: 'timeout' | 'memory' | 'quota' | 'aborted' | 'signal' | null;
  output: string;
  errors: string;
}

/** Runs a program to its end, or to the first limit. When this resolves nothing of it is left. */
export async function runInSandbox(plan: RunPlan): Promise<RunEnd> {
  const { bwrap, timeoutMs, maxOutput, overQuota, signal, clock, limits } = plan;
  const child = spawn(bwrap, sandboxArguments(plan), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {},
    cwd: '/',
    detached: true,
  });
  const [output, errors] = [new BoundedOutput(maxOutput), new BoundedOutput(maxOutput)];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  let killed: RunEnd['killed'] = null;
  const over = new AbortController();
  // The first process of the sandbox dies with bwrap, and with it, by the kernel, every other one in there. While bwrap
  // still sets it up they share a group of processes, and after that it has asked to die with it.
  const kill = (reason: RunEnd['killed']): void => {
    killed ??= reason;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      child.kill('SIGKILL');
    }
    const letGo = (): void => void (child.stdout.destroy(), child.stderr.destroy());
    void clock.sleep(lingerMs, over.signal).then(letGo, () => undefined);
  };
  const onAbort = (): void => kill('aborted');
  signal.addEventListener('abort', onAbort, { once: true, signal: over.signal });
  if (signal.aborted) onAbort();
  const watch = async (pid: number): Promise<void> => {
    // When the machine itself runs out of memory, this goes first. Not every system lets us say so.
    await writeFile(`/proc/${pid}/oom_score_adj`, '1000').catch(() => undefined);
    const deadline = clock.monotonic() + timeoutMs;
    while (!over.signal.aborted) {
      const left = deadline - clock.monotonic();
      if (left <= 0) return kill('timeout');
      await clock.sleep(Math.min(left, watchEveryMs), over.signal);
      if ((await residentBytes(pid)) > limits.memoryBytes) return kill('memory');
      if (await overQuota()) return kill('quota');
    }
  };
  try {
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code));
    });
    // A failure to watch is the end of what is watched.
    if (child.pid !== undefined) watch(child.pid).catch(() => over.signal.aborted || kill('aborted'));
    const code = await ended;
    return {
      code: killed === null ? code : null,
      killed: killed ?? (code === null ? 'signal' : null),
      output: output.text(),
      errors: errors.text(),
    };
  } finally {
    over.abort(noLongerNeeded);
  }
}
