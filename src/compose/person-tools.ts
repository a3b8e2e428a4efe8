import { systemClock } from '../adapters/system/index.ts';
import type { SandboxState } from '../adapters/tools/exec/available.ts';
import { filesTools } from '../adapters/tools/files/index.ts';
import { resultsTools } from '../adapters/tools/results/index.ts';
import { sendTools } from '../adapters/tools/send/index.ts';
import type { Config } from '../config/schema.ts';
import type { PersonFiles } from '../core/ports/person-files.ts';
import type { Clock } from '../core/ports/system.ts';
import type { ToolGroup, ToolSource } from '../core/ports/tool.ts';
import type { Schedule } from './schedule.ts';

/** Tools over what belongs to a person: their files, programs over them, results kept for them, messages in their name. */
export function personTools({ tools }: Config, parts: Schedule): ToolSource {
  const { store, files: storage, personFiles, sender, clock, mintId, log } = parts;
  const { enabled, read_only: readOnly } = tools.files;
  const groups: ToolGroup[] = [
    resultsTools({ store, storage }),
    sendTools({ sender }),
    ...(enabled ? [filesTools({ readOnly }, { files: personFiles, storage, store, clock, mintId })] : []),
  ];
  let found = groups;
  // Whether there is a sandbox is known a moment later; the gateway does not wait for it.
  if (tools.exec.enabled)
    void execGroup(tools, { files: personFiles, clock }).then((group) => {
      if ('tools' in group) found = [...groups, group];
      else log.warn('exec is enabled and cannot be offered', { reason: group.problem, fix: group.fix });
    });
  return { groups: () => found };
}

async function execGroup(
  { exec, files }: Config['tools'],
  deps: { clock: Clock; files: PersonFiles },
): Promise<ToolGroup | Exclude<SandboxState, { bwrap: string }>> {
  const [{ execTools }, { sandboxState }] = await Promise.all([
    import('../adapters/tools/exec/index.ts'),
    import('../adapters/tools/exec/available.ts'),
  ]);
  const state = await sandboxState(deps.clock);
  if (!('bwrap' in state)) return state;
  return execTools(
    {
      writable: exec.writable && !files.read_only,
      timeoutMs: exec.timeout,
      memoryBytes: exec.memory,
      processes: exec.processes,
      maxOutput: exec.max_output,
      maxFile: files.max_file,
    },
    { ...state, ...deps },
  );
}

/** Why programs cannot be run here although they should, for the doctor; null when they can, or need not. */
export async function sandboxTrouble({ tools }: Config): Promise<{ problem: string; fix: string } | null> {
  if (!tools.exec.enabled) return null;
  const { sandboxState } = await import('../adapters/tools/exec/available.ts');
  const state = await sandboxState(systemClock);
  return 'bwrap' in state ? null : state;
}
