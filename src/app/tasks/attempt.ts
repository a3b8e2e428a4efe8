import { ClankerError } from '../../core/errors.ts';
import { maxResultText } from '../../core/task.ts';
import type { TaskKind, TaskOutcome, TaskWork } from '../../core/ports/task-kind.ts';
import type { Clock } from '../../core/ports/system.ts';
import { outcomeUnknown, timedOut } from './aborted.ts';

const defaultGraceMs = 5000;

/**
 * One attempt, bounded in time whatever the kind does: it is aborted after `timeoutMs` or with the work's own signal, and
 * left behind when it does not end then. An attempt that comes to a result although it was aborted has come to it. Rejects
 * with what the kind threw, or, unless that is that its outcome is unknown, with why it was aborted; with `outcome_unknown` when its time was up and it must not be done
 * twice.
 */
export async function attempt(
  kind: TaskKind,
  work: TaskWork,
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): Promise<TaskOutcome> {
  work.signal.throwIfAborted();
  const controller = new AbortController();
  const { signal } = controller;
  const leftBehind = Promise.withResolvers<never>();
  const onAbort = (): void => controller.abort(work.signal.reason);
  const late = timedOut(timeoutMs);
  let callOff = clock.after(timeoutMs, () => controller.abort(kind.repeatable ? late : outcomeUnknown(late.message)));
  signal.addEventListener('abort', () => {
    callOff();
    callOff = clock.after(kind.graceMs ?? defaultGraceMs, () => leftBehind.reject(signal.reason));
  });
  work.signal.addEventListener('abort', onAbort);
  try {
    return bounded(await Promise.race([leftBehind.promise, kind.run({ ...work, signal })]));
  } catch (error) {
    const unknown = error instanceof ClankerError && error.code === 'outcome_unknown';
    throw signal.aborted && !unknown ? signal.reason : error;
  } finally {
    callOff();
    work.signal.removeEventListener('abort', onAbort);
  }
}

const bounded = (outcome: TaskOutcome): TaskOutcome =>
  outcome.text.length <= maxResultText
    ? outcome
    : { ...outcome, text: `${outcome.text.slice(0, maxResultText - 1).toWellFormed()}…` };
