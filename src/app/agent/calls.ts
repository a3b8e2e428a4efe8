/**
 * The calls of one step: understood, judged, carried out within their limits, and written down so that a crash repeats
 * nothing that must not be repeated. A call always comes to exactly one result; nothing a tool does can end a run.
 */
import { ClankerError } from '../../core/errors.ts';
import type { OutboundFile } from '../../core/message.ts';
import type { AskedApproval, Gate } from '../../core/ports/gate.ts';
import type { JournalEntry } from '../../core/ports/run-store.ts';
import type { Clock, Counter, Histogram, Log, Metrics } from '../../core/ports/system.ts';
import {
  readsOnly,
  type Effect,
  type PreparedCall,
  type Tool,
  type ToolCall,
  type ToolGroup,
  type ToolOutput,
} from '../../core/ports/tool.ts';
import { excerpt } from '../../core/redact.ts';
import { noLongerNeeded } from '../../core/abort.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import type { LoopBreaker } from './breaker.ts';
import { useToolsName, useToolsResult } from './selection.ts';
import { callEntry, type ResultPart, type Step, type WrittenCall } from './steps.ts';

/** Calls that only read run beside each other, so many at once. */
const maxParallel = 4;
const maxArgsShown = 800;
const maxFailureLength = 500;
/** What stays of a long result besides its beginning: an error is often said at the end. */
const tailShare = 0.2;

const unknownOutcome =
  'The gateway was restarted while this call was at work. Its outcome is unknown: it may or may not have taken effect. Do not repeat it without checking or asking.';

export interface CallsDeps {
  gate: Gate;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  crash: CrashPoint;
  limits: () => ToolLimits;
  /** Keeps the whole of a long result as a file of the person; its id. */
  keep: (person: string, text: string) => Promise<string>;
}

export interface ToolLimits {
  timeoutMs: number;
  /** Characters of a result that the model reads. */
  maxResult: number;
}

/** What a step is carried out in. */
export interface StepContext {
  groups: readonly ToolGroup[];
  caller: Omit<ToolCall, 'id' | 'signal'>;
  /** Where outside text in the context comes from, when the calls were made; null without any. */
  tainted: string | null;
  /** Whether a text stands, letter by letter, in what the model has read. */
  mentioned: (text: string) => boolean;
  signal: AbortSignal;
  /** No call lasts longer. Monotonic milliseconds. */
  deadlineMs: number;
  maxCalls: number;
  breaker: LoopBreaker;
  /** Resolves once these and the step itself are written down. Null for a run that no restart resumes. */
  journal: ((entries: JournalEntry[]) => Promise<void>) | null;
  told: (tool: string, state: 'started' | 'finished') => void;
}

export interface StepEnd {
  asked: AskedApproval[];
  files: OutboundFile[];
  /** The model goes round in circles. */
  looping: boolean;
}

/** A call on its way: its end is known, or it can be carried out. */
type Prepared = { result: ResultPart } | { tool: Tool; prepared: PreparedCall };

export class CallRunner {
  readonly #deps: CallsDeps;
  readonly #calls: Counter;
  readonly #seconds: Histogram;

  constructor(deps: CallsDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'tools' }) };
    this.#calls = deps.metrics.counter('tool_calls_total', 'Calls of tools, by tool and outcome.');
    this.#seconds = deps.metrics.histogram('tool_seconds', 'How long calls of tools took, by tool.');
  }

  /** Fills the holes in the results of a step. Rejects only when the run was aborted or the journal cannot be written. */
  async carryOut(step: Step, context: StepContext): Promise<StepEnd> {
    const end: StepEnd = { asked: [], files: [], looping: false };
    const { calls, results } = step;
    const open = calls.map((call, place) =>
      results[place] === undefined ? this.#prepare(call, place, context) : null,
    );
    for (let place = 0; place < calls.length; place++) {
      const batch: number[] = [];
      while (batch.length < maxParallel && besideOthers(open[place + batch.length])) batch.push(place + batch.length);
      if (batch.length > 1) {
        await Promise.all(batch.map((at) => this.#one(step, at, open[at] ?? null, context, end)));
        place += batch.length - 1;
      } else await this.#one(step, place, open[place] ?? null, context, end);
      context.signal.throwIfAborted();
    }
    this.#lookForCircles(step, context, end);
    return end;
  }

  /** A call that a person approved: it is not judged again. */
  async approved(step: Step, context: StepContext): Promise<StepEnd> {
    const end: StepEnd = { asked: [], files: [], looping: false };
    const [call] = step.calls;
    if (call === undefined || step.results[0] !== undefined) return end;
    await this.#one(step, 0, this.#prepare(call, 0, context), context, end, true);
    return end;
  }

  #prepare(call: WrittenCall, place: number, { groups, maxCalls }: StepContext): Prepared {
    const failure = (text: string): Prepared => ({ result: resultOf(call, { text, isError: true }) });
    if (call.problem !== undefined) {
      const { raw, reason } = call.problem;
      return failure(
        `The arguments are not valid JSON (${reason}) and nothing was done. They began: ${excerpt(raw, maxArgsShown)}`,
      );
    }
    if (place >= maxCalls) return failure(`Only ${maxCalls} calls are carried out at once; make this one again.`);
    if (call.name === useToolsName) return { result: resultOf(call, useToolsResult(groups, call.args)) };
    const tool = groups.flatMap((group) => group.tools).find(({ name }) => name === call.name);
    if (tool === undefined)
      return failure(`There is no tool "${call.name.slice(0, 64)}". ${useToolsName} tells which there are.`);
    const prepared = tool.prepare(call.args);
    if (!('problem' in prepared)) return { tool, prepared };
    const shape = JSON.stringify(tool.parameters).slice(0, maxArgsShown);
    return failure(`The arguments are wrong and nothing was done: ${prepared.problem}. They must match: ${shape}`);
  }

  async #one(
    step: Step,
    place: number,
    open: Prepared | null,
    context: StepContext,
    end: StepEnd,
    approved = false,
  ): Promise<void> {
    const call = step.calls[place];
    if (open === null || call === undefined) return;
    const idempotent = 'tool' in open && (open.tool.idempotent ?? readsOnly(open.prepared.effects));
    // Also when the tool is gone by now: what it was told to do, it may have done.
    if (step.begun.has(place) && !idempotent) {
      step.results[place] = resultOf(call, { text: unknownOutcome, isError: true });
      return;
    }
    if ('result' in open) {
      step.results[place] = open.result;
      return;
    }
    const { tool, prepared } = open;
    if (!approved) {
      const result = await this.#judge(call, tool, prepared, context, end);
      if (result !== null) {
        step.results[place] = result;
        return;
      }
    }
    const { caller, journal } = context;
    const entry = step.n + 1 + place;
    const now = this.#deps.clock.now();
    if (!readsOnly(prepared.effects))
      await journal?.(idempotent ? [] : [callEntry(caller.runId, entry, { state: 'started', call: call.id }, now)]);
    this.#deps.crash('tool_started');
    const output = await this.#run(call, tool, prepared, context);
    this.#deps.crash('tool_done');
    const result = await this.#bounded(resultOf(call, output), caller.person);
    step.results[place] = result;
    const { files = [] } = output;
    end.files.push(...files);
    if (!idempotent)
      await journal?.([callEntry(caller.runId, entry, { state: 'finished', result, files }, this.#deps.clock.now())]);
  }

  /** Null when the call may happen. */
  async #judge(
    call: WrittenCall,
    tool: Tool,
    { effects: declared, address }: PreparedCall,
    { caller, signal, tainted, mentioned }: StepContext,
    end: StepEnd,
  ): Promise<ResultPart | null> {
    const { gate } = this.#deps;
    const invented = tainted !== null && address !== undefined && !mentioned(address);
    const effects: readonly Effect[] = invented ? [...new Set<Effect>([...declared, 'send'])] : declared;
    const question = { tool, args: call.args, effects, call: { ...caller, id: call.id, signal }, tainted };
    const verdict = gate.judge(question);
    if (verdict.decision === 'allow') return null;
    this.#calls.add(1, { tool: tool.name, outcome: verdict.decision === 'ask' ? 'asked' : 'denied' });
    if (verdict.decision === 'deny')
      return resultOf(call, { text: `This is not allowed: ${verdict.reason}`, isError: true });
    end.asked.push(await gate.ask(question, verdict.reason));
    return resultOf(call, {
      text: 'Not carried out yet: a person is asked to approve this call. Its result comes with their answer.',
      isError: true,
    });
  }

  /** Never rejects but for the run's own abort: a tool that hangs, throws nonsense or fails late ends as a result. */
  async #run(call: WrittenCall, tool: Tool, prepared: PreparedCall, context: StepContext): Promise<ToolOutput> {
    const { clock, log } = this.#deps;
    const { caller, told, signal, deadlineMs } = context;
    const beganAt = clock.monotonic();
    const timeoutMs = Math.max(0, Math.min(tool.timeoutMs ?? this.#deps.limits().timeoutMs, deadlineMs - beganAt));
    const over = new AbortController();
    const done = new AbortController();
    const late = clock.sleep(timeoutMs, done.signal).then((): ToolOutput => {
      over.abort(noLongerNeeded);
      return { text: `The tool did not end within ${Math.round(timeoutMs / 1000)} s and was stopped.`, isError: true };
    });
    late.catch(() => undefined);
    told(tool.name, 'started');
    let outcome = 'ok';
    try {
      const running = prepared.run({
        ...caller,
        id: call.id,
        tainted: context.tainted,
        signal: AbortSignal.any([signal, over.signal]),
      });
      running.catch(() => undefined);
      const output = await Promise.race([running, late, aborted(signal, done.signal)]);
      if (over.signal.aborted) outcome = 'timeout';
      else if (output.isError === true) outcome = 'error';
      return output;
    } catch (error) {
      outcome = 'failed';
      signal.throwIfAborted();
      if (!(error instanceof ClankerError)) log.error('a tool broke', { tool: tool.name, run_id: caller.runId, error });
      return { text: `The tool failed: ${reasonOf(error)}`, isError: true };
    } finally {
      done.abort(noLongerNeeded);
      this.#calls.add(1, { tool: tool.name, outcome });
      this.#seconds.observe((clock.monotonic() - beganAt) / 1000, { tool: tool.name });
      told(tool.name, 'finished');
    }
  }

  /** The model reads the beginning and the end of a long result; the whole is kept for it to read on. */
  async #bounded(result: ResultPart, person: string): Promise<ResultPart> {
    const { maxResult } = this.#deps.limits();
    const { text } = result;
    if (text.length <= maxResult) return result;
    let file: string | null = null;
    try {
      file = await this.#deps.keep(person, text);
    } catch (error) {
      this.#deps.log.error('a long result of a tool could not be kept', { error });
    }
    const tail = Math.floor(maxResult * tailShare);
    const head = maxResult - tail;
    const where = file === null ? '' : `; the whole is kept, read_result reads it: "${file}"`;
    const cut = `\n[… ${text.length - maxResult} of ${text.length} characters are left out here${where} …]\n`;
    const short = (text.slice(0, head) + cut + text.slice(-tail)).toWellFormed();
    return { ...result, text: short, ...(file === null ? {} : { file }) };
  }

  #lookForCircles({ calls, results }: Step, { breaker }: StepContext, end: StepEnd): void {
    for (const [place, { name, args }] of calls.entries()) {
      const result = results[place];
      if (result === undefined) continue;
      const judged = breaker.note(name, args, result.text);
      if (judged === 'stop') end.looping = true;
      if (judged === 'tell')
        results[place] = {
          ...result,
          text: `${result.text}\n[You made this very call several times with the same result. Do something else, or answer.]`,
        };
    }
  }
}

const besideOthers = (open: Prepared | null | undefined): boolean =>
  open !== null && open !== undefined && ('result' in open || readsOnly(open.prepared.effects));

function resultOf(call: WrittenCall, { text, isError = false, outside }: ToolOutput): ResultPart {
  const said = typeof text === 'string' ? text.toWellFormed() : '';
  const from = outside === undefined ? {} : { outside };
  return { type: 'tool_result', callId: call.id, name: call.name, text: said, isError, ...from };
}

const reasonOf = (error: unknown): string =>
  excerpt(error instanceof Error ? error.message : 'it did not say why', maxFailureLength);

/** Rejects with the signal's reason; `over` lets go of it. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<never> {
  const waiting = Promise.withResolvers<never>();
  waiting.promise.catch(() => undefined);
  const end = (): void => waiting.reject(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true, signal: over });
  return waiting.promise;
}
