/**
 * The agent: a model is asked, what it calls is carried out, and it is asked again with the results, until it answers in
 * words. Plain data in and out; what must survive a crash goes through the journal before it has effects.
 */
import { asClankerError, ClankerError } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import { textOf, type Message, type OutboundFile, type Part } from '../../core/message.ts';
import type { ApprovedCall, AskedApproval } from '../../core/ports/gate.ts';
import type { ModelRequest, Usage } from '../../core/ports/provider.ts';
import type { AttemptRow, JournalEntry } from '../../core/ports/run-store.ts';
import type { NewMessage } from '../../core/ports/session-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import type { CallRequest, ModelCaller } from '../models/caller.ts';
import { LoopBreaker } from './breaker.ts';
import type { CallRunner, StepContext } from './calls.ts';
import { Hearing } from './hearing.ts';
import { neededGroups, specOf, useToolsSpec } from './selection.ts';
import { recordedRequest, type RecordedRequest } from './recording.ts';
import {
  callIdsIn,
  emptyStep,
  joinSaid,
  messagesOf,
  stepEntry,
  stepsIn,
  stepsOf,
  type Step,
  type WrittenCall,
} from './steps.ts';
import type { LimitReason, LoopEnd, LoopEvent, Task } from './task.ts';
import { addUsage } from './written.ts';

/** Of the time of a run, what is kept back for the last answer in words. */
const lastAnswerShare = 0.1;
const maxLastAnswerMs = 60_000;

export interface LoopDeps {
  models: Pick<ModelCaller, 'call'>;
  calls: CallRunner;
  store: Pick<Store, 'journal' | 'joinRun' | 'saveAttempts'>;
  clock: Clock;
  crash: CrashPoint;
  mintId: MintId;
}

export class AgentLoop {
  readonly #deps: LoopDeps;

  constructor(deps: LoopDeps) {
    this.#deps = deps;
  }

  /** Never rejects: an abort, a defect and a store that fails are ends, too, with what was done until then. */
  run(task: Task, hear: (event: LoopEvent) => void): Promise<LoopEnd> {
    return new AgentRun(this.#deps, task, hear).run();
  }
}

/**
 * Whether somebody wrote it who is not the model, which may have been told to: a person, or a page. What a tool of ours
 * says repeats what it was asked, and a failure what it was asked for.
 */
const names = ({ role, parts }: Message, text: string): boolean =>
  parts.some(
    (part) =>
      (part.type === 'text' && role === 'user' && part.text.includes(text)) ||
      (part.type === 'tool_result' && part.outside !== undefined && !part.isError && part.text.includes(text)),
  );

/** The same for the same approval, so that it stands in a history once. */
const noteId = ({ id }: ApprovedCall): string => `msg_${id}`;

/** What one model call came to. */
interface Answer {
  /** Where runs are recorded. */
  request: RecordedRequest | null;
  usage: Usage | null;
  cost: number | null;
  parts: Part[];
  calls: WrittenCall[];
  reason: string;
  model: string;
}

/** What is still asked about a request when it is gone. */
interface RequestFacts {
  size: number | null;
  recorded: RecordedRequest | null;
}

class AgentRun {
  readonly #deps: LoopDeps;
  readonly #task: Task;
  readonly #hear: (event: LoopEvent) => void;
  readonly #deadlineMs: number;
  #breaker: LoopBreaker | null = null;
  readonly #attempts: AttemptRow[];
  /** Those of them that the ledger has, complete. */
  #inLedger = 0;
  readonly #files: OutboundFile[] = [];
  readonly #asked: AskedApproval[] = [];
  /** Steps of the run that are not in the history yet. */
  #steps: NewMessage[] = [];
  /** The step at work. */
  #open: Step | null = null;
  #count = 0;
  /** The next entry of the journal. */
  #entry = 1;
  #said: string[] = [];
  #usage: Usage | null = null;
  #cost: number | null = 0;
  #started = false;
  #limit: LimitReason | null = null;
  #tight = false;

  constructor(deps: LoopDeps, task: Task, hear: (event: LoopEvent) => void) {
    this.#deps = deps;
    this.#task = task;
    this.#attempts = [...task.attempts];
    this.#hear = hear;
    this.#deadlineMs = deps.clock.monotonic() + task.agent.limits.timeoutMs;
  }

  run(): Promise<LoopEnd> {
    return this.#work().catch((error: unknown) => {
      // What a step did until here is known; what it did not end is told as unknown when the history is read.
      if (this.#open !== null) this.#keep(this.#open);
      return this.#end(asClankerError(error), [], null);
    });
  }

  async #work(): Promise<LoopEnd> {
    const { approved, journal } = this.#task;
    await this.#lookBack();
    if (approved !== null || (journal !== null && journal.length > 0)) await this.#takeUp(approved, journal ?? []);
    for (;;) {
      if (this.#asked.length > 0) return this.#end(null, [], 'approval');
      this.#limit ??= this.#limitReached();
      const answer = await this.#ask();
      if (answer instanceof ClankerError) return this.#end(answer, [], null);
      if (answer.calls.length === 0 || this.#limit !== null) {
        this.#record(answer, []);
        const spoken = answer.parts.filter(({ type }) => type !== 'tool_call');
        return this.#end(null, spoken, this.#limit ?? answer.reason, answer.model);
      }
      const looping = await this.#step(answer);
      if (looping) this.#limit = 'loop_detected';
      await this.#join();
    }
  }

  /** What of this run is in the history already. */
  async #lookBack(): Promise<void> {
    const { history, caller } = this.#task;
    const messages = await history.messages();
    this.#count = stepsIn(messages, caller.runId);
    for (const { role, runId, parts } of messages)
      if (role === 'assistant' && runId === caller.runId) this.#said.push(textOf(parts));
  }

  /** What comes before the model is asked: a call that was approved, and what an earlier start left undone. */
  async #takeUp(approved: ApprovedCall | null, journal: readonly JournalEntry[]): Promise<void> {
    const { history } = this.#task;
    const { first, steps, next } = stepsOf(journal);
    this.#entry = next;
    if (approved !== null && !(await history.messages()).some(({ id }) => id === noteId(approved)))
      await this.#carryOutApproved(approved, first);
    // Goes on where an earlier start was when the process ended.
    for (const step of steps) {
      this.#open = step;
      await this.#carryOut(step, Promise.resolve());
      this.#keep(step);
    }
    if (steps.length > 0) await this.#join();
  }

  async #step(answer: Answer): Promise<boolean> {
    const { parts, calls, model } = answer;
    const step: Step = { ...emptyStep(this.#entry), parts, calls, model };
    this.#entry += 1 + calls.length;
    this.#open = step;
    // Calls that only look begin while the step is written down; whatever has effects waits for it.
    const written = Promise.all([
      this.#journal([stepEntry(this.#task.caller.runId, step, this.#deps.clock.now())]),
      this.#account(),
    ]);
    written.catch(() => undefined);
    const looping = await this.#carryOut(step, written);
    await written;
    this.#deps.crash('after_step');
    this.#record(answer, step.results);
    this.#keep(step);
    return looping;
  }

  /** What it cost is known with the step, whatever becomes of the run; one that no restart resumes is paid at its end. */
  async #account(): Promise<void> {
    if (this.#task.journal === null) return;
    const rows = this.#attempts.slice(this.#inLedger);
    this.#inLedger = this.#attempts.length;
    await this.#deps.store.saveAttempts(rows);
  }

  async #carryOut(step: Step, written: Promise<unknown>): Promise<boolean> {
    const { asked, files, looping } = await this.#deps.calls.carryOut(step, await this.#context(written));
    this.#asked.push(...asked);
    this.#files.push(...step.files, ...files);
    return looping;
  }

  async #context(written: Promise<unknown>): Promise<StepContext> {
    const task = this.#task;
    const visible = await this.#visible();
    return {
      groups: task.groups,
      caller: task.caller,
      tainted: task.taint(visible),
      mentioned: (text) => visible.some((message) => names(message, text)),
      signal: task.signal,
      deadlineMs: this.#deadlineMs - this.#reserveMs,
      maxCalls: task.agent.limits.callsPerStep,
      breaker: (this.#breaker ??= new LoopBreaker()),
      journal: task.journal === null ? null : (entries) => written.then(() => this.#journal(entries)),
      told: (tool, state) => this.#hear({ type: 'tool', tool, state }),
    };
  }

  /**
   * A person's answer stands in the history as theirs: what was approved, and what came of it. Also when the run ends in
   * the middle of it: what was begun is told as that, and not begun again when the run is tried once more.
   */
  async #carryOutApproved(approved: ApprovedCall, step: Step): Promise<void> {
    const { tool, args, by } = approved;
    step.calls.push({ type: 'tool_call', id: 'approved', name: tool, args });
    this.#entry = Math.max(this.#entry, 2);
    try {
      const { files } = await this.#deps.calls.approved(step, await this.#context(Promise.resolve()));
      this.#files.push(...step.files, ...files);
    } finally {
      const [result] = step.results;
      const from = result?.outside === undefined ? {} : { outside: result.outside };
      const text =
        result?.text ?? 'The run ended before the call did: its outcome is unknown, it may have taken effect.';
      const told: Part[] = [
        { type: 'text', text: `[${by} approved the call of ${tool}. What came of it:]\n` },
        { type: 'text', text, ...from },
      ];
      this.#append('user', told, { id: noteId(approved) });
    }
  }

  #keep(step: Step): void {
    this.#open = null;
    this.#count += 1;
    this.#said.push(textOf(step.parts));
    for (const { role, parts } of messagesOf(step))
      this.#append(role, parts, { author: role === 'assistant' ? step.model : null });
  }

  #append(role: NewMessage['role'], parts: Part[], of: { id?: string; author?: string | null }): void {
    const { id = this.#deps.mintId('msg'), author = null } = of;
    this.#steps.push({ id, role, parts, author, time: this.#deps.clock.now() });
  }

  async #visible(): Promise<readonly Message[]> {
    const { caller } = this.#task;
    const history = await this.#task.history.messages();
    if (this.#steps.length === 0) return history;
    const last = history.at(-1)?.seq ?? 0;
    const { sessionKey, runId } = caller;
    return [...history, ...this.#steps.map((step, n): Message => ({ ...step, sessionKey, runId, seq: last + 1 + n }))];
  }

  async #ask(): Promise<Answer | ClankerError> {
    const task = this.#task;
    let facts: RequestFacts = { size: null, recorded: null };
    const hearing = new Hearing(joinSaid(this.#said), this.#hear);
    const make = async (): Promise<CallRequest> => {
      const { request, shown, ...known } = await this.#request();
      facts = known;
      hearing.shown = shown;
      return request;
    };
    const end = await this.#deps.models.call(
      make,
      {
        runId: task.caller.runId,
        owner: task.owner,
        channel: task.caller.channel,
        session: task.caller.sessionKey,
        candidates: task.candidates,
        signal: task.signal,
        deadlineMs: this.#deadlineMs,
        attemptsBefore: task.attemptsBefore + this.#attempts.length,
        logFields: task.logFields,
        visible: () => hearing.spoke && task.visible(),
      },
      (event) => {
        if (event.type === 'attempt') this.#start(event.model);
        else hearing.hear(event);
      },
    );
    hearing.end();
    this.#attempts.push(...end.attempts);
    if (end.type === 'failed') {
      if (end.cause?.kind !== 'context_overflow' || this.#tight || hearing.spoke) return end.error;
      this.#tight = true;
      return this.#ask();
    }
    if (facts.size !== null) task.counted(facts.size, end.usage, end.model);
    this.#usage = addUsage(this.#usage, end.usage);
    this.#cost = this.#cost === null || end.cost === null ? null : this.#cost + end.cost;
    const { reason, model, usage, cost } = end;
    return { request: facts.recorded, parts: hearing.parts(), calls: hearing.calls, reason, model, usage, cost };
  }

  #start(model: string): void {
    if (!this.#started) this.#hear({ type: 'started', model });
    this.#started = true;
  }

  /** The request, and of what it is made of only what has to be known when it was answered. */
  async #request(): Promise<RequestFacts & { request: CallRequest; shown: ReadonlySet<string> }> {
    const task = this.#task;
    const { caller, groups, history, record } = task;
    const visible = await this.#visible();
    const needed = neededGroups(groups, visible);
    const request = { ...(await task.request(visible, needed, this.#tight)), ...this.#tools(needed) };
    history.letGo();
    const recorded = record === null ? null : recordedRequest(request);
    return { request, size: task.sized(request), recorded, shown: callIdsIn(visible, caller.runId) };
  }

  #record({ request, ...answer }: Answer, results: Step['results']): void {
    const known = results.filter((result) => result !== undefined);
    if (request !== null) this.#task.record?.({ request, answer, results: known });
  }

  #tools(needed: ReadonlySet<string>): Pick<ModelRequest, 'tools' | 'wordsOnly'> {
    const { groups } = this.#task;
    const menu = useToolsSpec(groups);
    const specs = groups.filter(({ name }) => needed.has(name)).flatMap(({ tools }) => tools.map(specOf));
    const tools = menu === null ? specs : [menu, ...specs];
    return this.#limit === null ? { tools } : { tools, wordsOnly: true };
  }

  /** What was written while the step was at work. */
  async #join(): Promise<void> {
    const { steer, history, caller, journal } = this.#task;
    if (!steer || journal === null) return;
    // A run that ends with a question answers nobody else. And what it asks, and the files that go along with its answer,
    // are known by the journal, which is empty once somebody has joined.
    if (this.#asked.length > 0 || this.#files.length > 0) return;
    const joined = await this.#deps.store.joinRun(caller.runId, this.#steps);
    if (joined === null) return;
    history.joined(joined.messages);
    this.#steps = [];
    this.#hear({ type: 'joined', ...joined });
  }

  async #journal(entries: JournalEntry[]): Promise<void> {
    if (this.#task.journal !== null && entries.length > 0) await this.#deps.store.journal(entries);
  }

  get #reserveMs(): number {
    return Math.min(maxLastAnswerMs, this.#task.agent.limits.timeoutMs * lastAnswerShare);
  }

  #limitReached(): LimitReason | null {
    const { steps, cost } = this.#task.agent.limits;
    if (this.#count >= steps - 1 && this.#count > 0) return 'limit_steps';
    if (this.#count > 0 && this.#deps.clock.monotonic() >= this.#deadlineMs - this.#reserveMs) return 'limit_time';
    if (cost !== null && (this.#cost ?? 0) >= cost) return 'limit_cost';
    return null;
  }

  #end(error: ClankerError | null, parts: Part[], reason: string | null, model: string | null = null): LoopEnd {
    const last = textOf(parts);
    return {
      error,
      said: joinSaid([...this.#said, last]),
      parts,
      steps: this.#steps,
      model: model ?? this.#steps.findLast(({ author }) => author !== null)?.author ?? null,
      reason,
      usage: this.#usage,
      cost: this.#usage === null ? null : this.#cost,
      attempts: this.#attempts,
      files: this.#files,
      asked: this.#asked,
    };
  }
}
