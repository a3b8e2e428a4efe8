import { spawn, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { noLongerNeeded } from '../../../core/abort.ts';
import type { Clock } from '../../../core/ports/system.ts';
import { BoundedOutput } from './output.ts';
import { childrenOf, isAlive, residentBytes } from './processes.ts';
import { sandboxArguments, type SandboxPlan } from './sandbox.ts';

/** How often memory and files are looked at. */
const watchEveryMs = 200;
/** What the kernel cannot end at once, such as a process that waits for a broken disk, is not waited for. */
const lingerMs = 2000;
const lookAgainMs = 5;
/** Where bwrap tells which process it made; it is not passed on. */
const infoFd = 3;

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

const nothing = (): void => undefined;

/** Of one process, or of a group by its negative id; it may be gone already. */
function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // There is nothing left to end.
  }
}

function letGo(child: ChildProcess): void {
  if (child.pid !== undefined) endNow(-child.pid);
  for (const stream of child.stdio) stream?.destroy();
}

/** bwrap ends with the program, and what the program left behind a moment later. */
async function firstProcessGone(info: string): Promise<void> {
  const pid = /"child-pid":\s*(\d+)/.exec(info)?.[1];
  if (pid === undefined) return;
  for (let waited = 0; waited < lingerMs && (await isAlive(Number(pid))); waited += lookAgainMs)
    await pause(lookAgainMs);
}

/** Runs a program to its end, or to the first limit. When this resolves nothing of it is left. */
export async function runInSandbox(plan: RunPlan): Promise<RunEnd> {
  const { bwrap, timeoutMs, maxOutput, overQuota, signal, clock, limits } = plan;
  const child = spawn(bwrap, ['--info-fd', String(infoFd), ...sandboxArguments(plan)], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: {},
    cwd: '/',
    detached: true,
  });
  for (const stream of child.stdio) stream?.on('error', nothing);
  let info = '';
  child.stdio[infoFd]?.on('data', (chunk: Buffer) => (info += chunk.toString()));
  const [output, errors] = [new BoundedOutput(maxOutput), new BoundedOutput(maxOutput)];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  let killed: RunEnd['killed'] = null;
  const over = new AbortController();
  const kill = (reason: RunEnd['killed']): void => {
    killed ??= reason;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    // With the first process of the sandbox the kernel ends every other one in there, and then bwrap ends by itself. To
    // kill bwrap instead would not do: for a moment its child has left its group and not yet asked to die with it.
    const first = childrenOf(child.pid);
    for (const pid of first) endNow(pid);
    if (first.length === 0) endNow(-child.pid);
    void clock.sleep(lingerMs, over.signal).then(() => letGo(child), nothing);
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
    await firstProcessGone(info);
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
