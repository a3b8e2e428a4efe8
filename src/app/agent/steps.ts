/**
 * What a run did before its answer: messages of the model and results of tools, which become history when the run ends.
 * While it is at work they stand in the journal, so that a crash repeats nothing that must not be repeated.
 */
import type { JsonObject, Message, OutboundFile, Part } from '../../core/message.ts';
import type { JournalEntry } from '../../core/ports/run-store.ts';

export type CallPart = Extract<Part, { type: 'tool_call' }>;
export type ResultPart = Extract<Part, { type: 'tool_result' }>;

/** A call as the model wrote it; `problem`: its arguments were no JSON object, and it is never carried out. */
export interface WrittenCall extends CallPart {
  problem?: { raw: string; reason: string };
}

export interface Step {
  /** Its entry in the journal; those of its calls follow it. */
  n: number;
  /** What the model said, thought and called. */
  parts: Part[];
  calls: WrittenCall[];
  model: string;
  /** In the order of `calls`; a hole is a call of which nothing is known. */
  results: (ResultPart | undefined)[];
  /** Calls that were begun before a crash and whose end nobody saw, by their place. */
  begun: Set<number>;
  /** What an earlier start brought to go along with the answer. */
  files: OutboundFile[];
}

/** A step in the journal: the model's message is entry `n`, its calls are the entries after it. */
export const stepEntry = (runId: string, { n, parts, calls, model }: Step, at: number): JournalEntry => ({
  runId,
  n,
  kind: 'model',
  state: 'finished',
  data: JSON.parse(JSON.stringify({ parts, calls, model })) as JsonObject,
  at,
});

export const callEntry = (
  runId: string,
  n: number,
  data: { state: 'started'; call: string } | { state: 'finished'; result: ResultPart; files: readonly OutboundFile[] },
  at: number,
): JournalEntry => ({
  runId,
  n,
  kind: 'tool',
  state: data.state,
  data:
    data.state === 'started'
      ? { call: data.call }
      : (JSON.parse(JSON.stringify({ ...data.result, files: data.files })) as JsonObject),
  at,
});

/**
 * What an earlier start of the run did, from its journal. `first`: calls before the first step, such as one that a
 * person approved.
 */
export function stepsOf(journal: readonly JournalEntry[]): { first: Step; steps: Step[]; next: number } {
  const first = emptyStep(0);
  const steps: Step[] = [];
  let next = 1;
  for (const { n, kind, state, data } of journal.toSorted((a, b) => a.n - b.n)) {
    next = Math.max(next, n + 1);
    if (kind === 'model') {
      const said = data as unknown as Pick<Step, 'parts' | 'calls' | 'model'>;
      steps.push({ ...emptyStep(n), ...said });
      next = Math.max(next, n + 1 + said.calls.length);
      continue;
    }
    const step = steps.at(-1) ?? first;
    const place = n - step.n - 1;
    if (state === 'started') step.begun.add(place);
    else {
      const { files = [], ...result } = data as unknown as ResultPart & { files?: OutboundFile[] };
      step.results[place] = result;
      step.files.push(...files);
    }
  }
  return { first, steps, next };
}

export const emptyStep = (n: number): Step => ({
  n,
  parts: [],
  calls: [],
  model: '',
  results: [],
  begun: new Set(),
  files: [],
});

/** A step as the history keeps it. */
export function messagesOf({ parts, results }: Step): { role: 'assistant' | 'tool'; parts: Part[] }[] {
  const known = results.filter((result) => result !== undefined);
  return [{ role: 'assistant', parts }, ...(known.length === 0 ? [] : [{ role: 'tool' as const, parts: known }])];
}

/**
 * An id for a call that no other of its run has. Some servers number the calls of each answer anew, and by its id a call
 * is known: to who approves it, and where a message is sent once for each.
 */
export function ownCallId(id: string, taken: (id: string) => boolean): string {
  let own = id;
  for (let n = 2; taken(own); n++) own = `${id}_${n}`;
  return own;
}

/** The ids of the calls of a run in its history. */
export const callIdsIn = (history: readonly Message[], runId: string): ReadonlySet<string> =>
  new Set(
    history
      .filter(({ role, runId: of }) => role === 'assistant' && of === runId)
      .flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : []))),
  );

/** How many steps of a run stand in the history already. */
export const stepsIn = (history: readonly Message[], runId: string): number =>
  history.filter(({ role, runId: of }) => role === 'assistant' && of === runId).length;

const between = '\n\n';

/** All that the model said in a run, as a person reads it. */
export const joinSaid = (texts: readonly string[]): string => texts.filter((text) => text.trim() !== '').join(between);
