import { asClankerError, ClankerError } from '../../core/errors.ts';
import type { Button, OutboundFile, Part } from '../../core/message.ts';
import type { Words } from '../../core/notices/index.ts';
import type { AttemptRow, FinishRun } from '../../core/ports/run-store.ts';
import type { NewMessage } from '../../core/ports/session-store.ts';
import { showsNothing } from '../../core/rich-text.ts';
import { budgetNotice } from '../budget/notice.ts';
import { RunAborted } from './queue.ts';

/** What a run came to, before it is written down. */
export interface Outcome {
  state: FinishRun['state'];
  /** What comes before the reply in the history. */
  steps: NewMessage[];
  /** The reply of a finished run. */
  parts: Part[];
  /** What goes to the conversation as Markdown; empty for nothing. */
  visibleText: string;
  /** Below the text. */
  buttons: Button[];
  /** Go along with the answer. */
  files: OutboundFile[];
  /** The text holds a one-time code. */
  sensitive: boolean;
  model: string | null;
  finishReason: string | null;
  usage: FinishRun['usage'];
  cost: number | null;
  attempts: AttemptRow[];
  error: ClankerError | null;
}

const nothing: Outcome = {
  state: 'finished',
  steps: [],
  parts: [],
  visibleText: '',
  buttons: [],
  files: [],
  sensitive: false,
  model: null,
  finishReason: null,
  usage: null,
  cost: null,
  attempts: [],
  error: null,
};

export const answered = (answer: Partial<Outcome>): Outcome => ({ ...nothing, ...answer });

/** The words for people are added by `withWords`. */
export const failed = (error: unknown, attempts: AttemptRow[] = []): Outcome => ({
  ...nothing,
  state: 'failed',
  error: asClankerError(error),
  attempts,
});

/** A run that was begun too often and never ended is not begun again; who waits for it hears so. */
export function givenUp(starts: number): Outcome {
  const error = new ClankerError(
    'storage',
    'too_many_starts',
    `The run was started ${starts} times and never came to an end.`,
  );
  return { ...nothing, state: 'dead', error };
}

/**
 * Adds what people are told when a run did not end well; `shown` is what already stands on the platform. Null when the
 * gateway stops: the run stays as it is and begins again after the restart. An abort that came after the answer was
 * complete changes nothing.
 */
export function withWords(outcome: Outcome, shown: string, signal: AbortSignal, words: Words): Outcome | null {
  const { error } = outcome;
  if (error === null) {
    if (outcome.files.length > 0 || !showsNothing(outcome.visibleText)) return outcome;
    const text = words.emptyAnswer;
    return { ...outcome, parts: [{ type: 'text', text }], visibleText: text };
  }
  if (signal.aborted) {
    const why: unknown = signal.reason;
    if (why instanceof RunAborted && why.why === 'shutdown') return null;
    const reason = why instanceof Error ? why.message : 'The run was stopped.';
    return {
      ...outcome,
      state: 'aborted',
      error: new ClankerError('conflict', 'aborted', reason),
      visibleText: shown === '' ? '' : `${shown}\n\n${words.cut}`,
    };
  }
  const notice = budgetNotice(error, words) ?? words.couldNotAnswer(error.message);
  return { ...outcome, visibleText: shown === '' ? notice : `${shown}\n\n${words.interrupted} ${notice}` };
}
