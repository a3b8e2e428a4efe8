import { ClankerError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';

/** `lost`: another process may be at work on it by now. `stopped`: it begins again after the restart. */
export type AbortedBy = 'cancelled' | 'lost' | 'timeout' | 'stopped';

/** The reason of a TaskWork's signal. What a kind throws once it is aborted does not matter: this is what is told. */
export class TaskAborted extends ClankerError {
  readonly by: AbortedBy;

  constructor(by: AbortedBy, message: string) {
    super(by === 'cancelled' ? 'conflict' : 'storage', `task_${by}`, message, { retryable: by !== 'cancelled' });
    this.by = by;
  }
}

export const cancelled = (): TaskAborted => new TaskAborted('cancelled', 'The task was cancelled.');
export const lost = (): TaskAborted =>
  new TaskAborted('lost', 'The task gave no sign of life for too long and is not held any more.');
export const stopped = (): TaskAborted => new TaskAborted('stopped', 'The gateway is restarting.');
export const timedOut = (ms: number): TaskAborted =>
  new TaskAborted('timeout', `It was not done within ${formatDuration(ms)}.`);

export const abortedBy = ({ reason }: AbortSignal): AbortedBy | null =>
  reason instanceof TaskAborted ? reason.by : null;

/** Codes of failures that leave open what the attempt did. */
export const cutCodes: readonly string[] = ['task_timeout', 'task_lost'];

/** Of what must not be done twice and was cut: nobody may try it again but a person who has looked. */
export const outcomeUnknown = (how = 'It was cut while it was at work.'): ClankerError =>
  new ClankerError(
    'conflict',
    'outcome_unknown',
    `${how} Nobody knows whether it took effect: look, and retry it by hand if it did not.`,
  );
