import { ClankerError } from '../../core/errors.ts';
import { noLongerNeeded } from '../../core/abort.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { PreparedCall, Tool, ToolCall, ToolOutput } from '../../core/ports/tool.ts';

/**
 * One call of a tool that no run of the agent makes: judged by the caller, bounded in time here. Rejects with the signal's
 * reason once it aborts, and with `timeout`, retryable, when the tool does not end in time; it is told to stop then.
 */
export async function callTool(
  { tool, prepared, call }: { tool: Tool; prepared: PreparedCall; call: ToolCall },
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): Promise<ToolOutput> {
  const { signal } = call;
  const over = new AbortController();
  const done = new AbortController();
  const late = clock.sleep(tool.timeoutMs ?? timeoutMs, AbortSignal.any([signal, done.signal])).then((): never => {
    const error = new ClankerError('network', 'timeout', `${tool.name} did not end in time.`, { retryable: true });
    over.abort(error);
    throw error;
  });
  late.catch(() => undefined);
  try {
    const running = prepared.run({ ...call, signal: AbortSignal.any([signal, over.signal]) });
    running.catch(() => undefined);
    return await Promise.race([running, late]);
  } finally {
    done.abort(noLongerNeeded);
  }
}

/** `text` as long as it may be; what is left out is said. */
export const cutText = (text: string, max: number): string =>
  text.length <= max ? text : `${text.slice(0, max).toWellFormed()}\n[cut here]`;
