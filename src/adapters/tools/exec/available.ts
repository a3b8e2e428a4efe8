import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Clock } from '../../../core/ports/system.ts';
import { runInSandbox } from './run.ts';

/** By absolute path: what stands earlier in somebody's PATH is not the sandbox. */
const places = ['/usr/bin/bwrap', '/bin/bwrap', '/usr/local/bin/bwrap'];
const probeMs = 10_000;

/** `problem` and `fix`: one sentence each, for a person. */
export type SandboxState = { bwrap: string } | { problem: string; fix: string };

/** Whether programs can be run in a sandbox here: asked by running one. */
export async function sandboxState(clock: Clock): Promise<SandboxState> {
  if (process.platform !== 'linux')
    return {
      problem: 'There is no sandbox on this system.',
      fix: 'Run the gateway on Linux, or leave tools.exec off.',
    };
  if (process.getuid?.() === 0)
    return {
      problem: 'The gateway runs as root, for whom the kernel limits no number of processes.',
      fix: 'Run it as a user of its own (see docs/DEPLOY.md).',
    };
  const bwrap = places.find(isThere);
  if (bwrap === undefined)
    return {
      problem: 'bubblewrap is not installed.',
      fix: 'Install it, such as with: apt install bubblewrap (0.8 or newer).',
    };
  if (!isThere('/usr/bin/prlimit'))
    return { problem: 'prlimit is not installed.', fix: 'Install it, such as with: apt install util-linux' };
  const { code, errors } = await runInSandbox({
    bwrap,
    argv: ['/usr/bin/true'],
    folder: tmpdir(),
    writable: false,
    limits: { memoryBytes: 2 ** 28, processes: 16, fileBytes: 0, cpuSeconds: 5 },
    timeoutMs: probeMs,
    maxOutput: 1000,
    overQuota: () => Promise.resolve(false),
    signal: new AbortController().signal,
    clock,
  });
  if (code === 0) return { bwrap };
  const reason = errors.trim().split('\n').at(-1) ?? '';
  return {
    problem: `bubblewrap cannot make a sandbox: ${reason === '' ? 'it did not end in time' : reason}.`,
    fix: 'Use version 0.8 or newer, and let users make namespaces (docs/TOOLS.md, "Programs in a sandbox").',
  };
}

function isThere(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
