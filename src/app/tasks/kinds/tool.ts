import { ClankerError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { TaskKind } from '../../../core/ports/task-kind.ts';
import { readsOnly } from '../../../core/ports/tool.ts';
import { excerpt } from '../../../core/redact.ts';
import { callTool } from '../../agent/call-tool.ts';
import { outcomeUnknown } from '../aborted.ts';
import type { JobTools } from '../job-tools.ts';
import { keepWhole, type SaveDeps } from '../keep-whole.ts';

const maxFailureLength = 500;
/** Tools have their own time, which ends first: only here is it known whether a call may be made once more. */
const kindTimeoutMs = 4 * 3_600_000;

export interface ToolKindDeps {
  tools: JobTools;
  clock: Clock;
  timeoutMs: () => number;
  save: SaveDeps;
}

/**
 * Calls a tool; what it returns is the result. A call that must not be made twice is made once: neither after an attempt
 * that was cut, nor after one that failed, as a failure does not tell what was done before it.
 */
export const toolKind = ({ tools, clock, timeoutMs, save }: ToolKindDeps): TaskKind<'tool'> => ({
  kind: 'tool',
  repeatable: true,
  timeoutMs: kindTimeoutMs,
  problem: ({ tool, args = {} }, owner) => tools.problem(tool, args, owner),
  async run(work) {
    const { task, payload, again, signal } = work;
    const call = await tools.prepare(work, payload.tool, payload.args ?? {});
    const idempotent = call.tool.idempotent ?? readsOnly(call.prepared.effects);
    if (again && !idempotent) throw outcomeUnknown();
    const output = await callTool(call, { clock, timeoutMs: timeoutMs() }).catch((error: unknown) => {
      if (idempotent) throw error;
      throw signal.aborted || isTimeout(error) ? outcomeUnknown() : final(error);
    });
    if (output.isError === true)
      throw new ClankerError('conflict', 'tool_failed', excerpt(output.text, maxFailureLength), {
        retryable: idempotent,
      });
    const { text, files } = await keepWhole(output.text, task.owner, save);
    return { text, files: [...(output.files ?? []), ...files], outside: output.outside ?? task.origin.tainted };
  },
});

const isTimeout = (error: unknown): boolean => error instanceof ClankerError && error.code === 'timeout';

/** The same failure, not to be tried again. */
function final(error: unknown): unknown {
  if (!(error instanceof ClankerError)) return error;
  return new ClankerError(error.kind, error.code, error.message, { cause: error });
}
