import { ClankerError } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { OutboundFile, Part } from '../../core/message.ts';
import { notices } from '../../core/notices/index.ts';
import { taintOf } from '../../core/outside.ts';
import type { ChatAnswer } from '../../core/ports/gateway.ts';
import type { TaskRow } from '../../core/ports/schedule-store.ts';
import type { InboxRow, NewInbound } from '../../core/ports/inbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { TaskWork } from '../../core/ports/task-kind.ts';
import { jobChannel, jobSessionKey } from '../../core/session-key.ts';
import type { TaskResult } from '../../core/task.ts';
import type { Ingress } from '../ingress/ingress.ts';
import type { ModelCaller } from '../models/caller.ts';
import { restarting, type RunQueue } from '../runs/queue.ts';
import { takeUp } from '../runs/take-up.ts';
import type { RunWaiters } from '../runs/waiters.ts';
import { abortedBy } from './aborted.ts';
import { dedupeOf, type JobRights } from './rights.ts';

/** Messages of the session that are looked through for outside text. */
const maxLookedAt = 100;
/** Before every sequence number: a page of a session ends there. */
const afterAll = '999999999999999';

export interface QuestionDeps {
  store: Pick<Store, 'inbound' | 'requeueInbound' | 'runReply' | 'listMessages' | 'file'>;
  clock: Clock;
  mintId: MintId;
  ingress: Pick<Ingress, 'accept'>;
  runs: Pick<RunQueue, 'wake' | 'cancel'>;
  waiters: RunWaiters;
  rights: JobRights;
  models: Pick<ModelCaller, 'resolve'>;
  agents: () => ReadonlySet<string>;
  /** Rejects when the answer could not be handed over: nobody pays for what nobody may get. */
  assertWelcome: (task: TaskRow) => Promise<void>;
}

export interface Question {
  prompt: string;
  /** Words of others that it is about; `outside`: where they come from. */
  quoted?: { text: string; outside: string };
  agent?: string | undefined;
  model?: string | undefined;
}

export interface Answer extends TaskResult {
  /** It asks a person to approve a call, and nothing else came of it yet. */
  asks: boolean;
}

/**
 * What tasks ask the agent. It enters where all messages enter and runs as they do; the key of the work is the message's,
 * so that another attempt joins the run of the one before, hears its answer, or has the same message run again.
 */
export class Questions {
  readonly #deps: QuestionDeps;

  constructor(deps: QuestionDeps) {
    this.#deps = deps;
  }

  /** What is wrong with who is to answer; null: nothing. */
  problem({ agent, model }: Pick<Question, 'agent' | 'model'>): string | null {
    const { agents, models } = this.#deps;
    if (agent !== undefined && !agents().has(agent)) return `There is no agent "${agent}".`;
    try {
      if (model !== undefined) models.resolve(model);
      return null;
    } catch (error) {
      if (error instanceof ClankerError) return error.message;
      throw error;
    }
  }

  async ask(work: TaskWork, question: Question): Promise<Answer> {
    const { ingress, waiters, rights, assertWelcome } = this.#deps;
    const { task, signal } = work;
    await rights.of(task);
    await assertWelcome(task);
    signal.throwIfAborted();
    const message = this.#inbound(work, question);
    // Waiting before the commit, so that no end can be missed.
    const first = waiters.wait(message.runId, message);
    let row: InboxRow;
    try {
      const { inserted, row: stored } = await ingress.accept(message);
      if (inserted) return await this.#answer(stored, first.answer, signal);
      row = stored;
    } finally {
      first.leave();
    }
    const waiter = waiters.wait(row.runId, row);
    try {
      await takeUp(row, this.#deps);
      return await this.#answer(row, waiter.answer, signal);
    } finally {
      waiter.leave();
    }
  }

  /** A run that nobody wants any more ends; that of a task which goes on elsewhere, or after the restart, does not. */
  async #answer(row: InboxRow, answering: Promise<ChatAnswer>, signal: AbortSignal): Promise<Answer> {
    const end = (): void => {
      const by = abortedBy(signal);
      if (by !== 'lost' && by !== 'stopped')
        this.#deps.runs.cancel(row.runId, 'requested', 'The task that asked was ended.');
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    try {
      return await this.#resultOf(await answering, row);
    } catch (error) {
      // The gateway stops: the task is told in a moment, and its attempt must not count as one that failed.
      if (error instanceof ClankerError && error.code === restarting().code) await aborted(signal);
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  async #resultOf({ reply, finish_reason: reason }: ChatAnswer, row: InboxRow): Promise<Answer> {
    const { store } = this.#deps;
    const files: OutboundFile[] = [];
    for (const part of reply.parts ?? [])
      if (part.type === 'file') files.push(...(await this.#fileOf(part, row.owner)));
    const said = await store.listMessages(row.sessionKey, { limit: maxLookedAt, before: afterAll });
    const outside = taintOf(said.items, `${row.channel}:${row.account}:${row.sender.native}`);
    // What is said where a model said nothing is no result.
    const text = Object.values(notices).some(({ emptyAnswer }) => emptyAnswer === reply.text) ? '' : reply.text;
    return { text, files, outside, asks: reason === 'approval' };
  }

  async #fileOf({ file, name }: Extract<Part, { type: 'file' }>, owner: string): Promise<OutboundFile[]> {
    const row = await this.#deps.store.file(file, owner);
    if (row === null) return [];
    const { id, mimeType, size } = row;
    return [{ id, mimeType, size, ...(name === undefined ? {} : { name }) }];
  }

  #inbound({ task, key }: TaskWork, { prompt, quoted, agent, model }: Question): NewInbound {
    const { clock, mintId } = this.#deps;
    const id = mintId('msg');
    const { owner, name, jobId, deliver, origin } = task;
    const asker = jobId ?? task.id;
    return {
      id,
      runId: mintId('run'),
      kind: 'message',
      channel: jobChannel,
      account: owner,
      dedupe: dedupeOf(key),
      owner,
      sessionKey: jobSessionKey(owner, asker),
      conversation: null,
      native: null,
      sender: { native: asker, display: name },
      // What others will read is held to what may be said before them.
      chatType: deliver.to === 'conversation' ? deliver.chatType : 'direct',
      text: prompt,
      attachments: quoted === undefined ? [] : [{ mimeType: 'text/plain', quoted }],
      outside: origin.tainted,
      state: 'queued',
      reason: null,
      bodyHash: null,
      agent: agent ?? null,
      model: model ?? null,
      correlation: id,
      receivedAt: clock.now(),
    };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
