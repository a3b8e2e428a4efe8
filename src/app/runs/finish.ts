import { ClankerError, errorData } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { InboxRow, InboxState } from '../../core/ports/inbox-store.ts';
import type { NewOutbound } from '../../core/ports/outbox-store.ts';
import type { ClaimedRun, FinishRun } from '../../core/ports/run-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Counter, Histogram, Log, Metrics } from '../../core/ports/system.ts';
import type { Markdown } from '../../core/rich-text.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import { about, fieldsOf } from './about.ts';
import { answerOf } from './answer.ts';
import { failed, type Outcome } from './outcome.ts';
import { restarting } from './queue.ts';
import { planMessage, replyTemplate, sendable, type ReplyLimits } from './reply-plan.ts';
import type { RunWaiters } from './waiters.ts';

const firstDelayMs = 500;
const maxDelayMs = 30_000;
/** After so many failures a waiting client is told; what it asked is kept and goes on. */
const failuresToTell = 4;

export interface FinishDeps {
  store: Store;
  bus: Bus;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  mintId: MintId;
  markdown: Markdown;
  delivery: Delivery;
  waiters: RunWaiters;
  crash: CrashPoint;
  /** Of the account a conversation belongs to, also while it is stopped. */
  channelLimits: (channel: string, account: string) => ReplyLimits;
}

/** Writes the end of a run in one transaction and then tells everybody: the store first, bus and waiters after it. */
export class RunFinisher {
  readonly #deps: FinishDeps;
  readonly #turns: Counter;
  readonly #seconds: Histogram;

  constructor(deps: FinishDeps) {
    this.#deps = deps;
    this.#turns = deps.metrics.counter('turns_total', 'Runs that ended, by channel and outcome.');
    this.#seconds = deps.metrics.histogram(
      'turn_seconds',
      'From the arrival of a message to the end of its run, by channel.',
    );
  }

  /** The run goes on after the restart, however often that happens; who waits is told now. */
  async interrupted(claimed: ClaimedRun): Promise<void> {
    const { store, log } = this.#deps;
    // Without this the start counts, as it does after a crash: nothing is lost by a store that cannot take it.
    await store
      .releaseRun(claimed.run.id)
      .catch((error: unknown) => log.warn('a stopped run keeps its start', { error }));
    this.#deps.waiters.reject(claimed.run.id, restarting());
    this.#publishFailure(claimed, restarting());
  }

  /**
   * Ends exactly once. While the store cannot take the end it is offered again, so the answer is not lost; an end that
   * the store refuses for what it contains becomes a failure, so that it does not hold its session for ever.
   */
  async finish(claimed: ClaimedRun, inbound: InboxRow, outcome: Outcome, stopping: AbortSignal): Promise<void> {
    const { clock, log, waiters } = this.#deps;
    let ended = outcome;
    let finish = this.#finishOf(claimed, inbound, ended);
    this.#deps.crash('before_finish');
    for (let failures = 1; ; failures++) {
      try {
        const replySeq = await this.#store(finish);
        this.#tell(claimed, inbound, ended, finish, replySeq);
        return;
      } catch (error) {
        log.error('the end of a run could not be stored and is offered again', { ...fieldsOf(claimed), error });
        if (failures === failuresToTell) waiters.reject(claimed.run.id, notStored());
        const refused = !(error instanceof ClankerError && error.retryable);
        if (refused && ended === outcome && !stopping.aborted) {
          ended = { ...failed(error), visibleText: 'I could not keep my answer; the log of the gateway says why.' };
          finish = this.#finishOf(claimed, inbound, ended);
          continue;
        }
        const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** failures);
        await clock.sleep(delayMs, stopping).catch(() => undefined);
        if (stopping.aborted) {
          await this.interrupted(claimed);
          return;
        }
      }
    }
  }

  async #store(finish: FinishRun): Promise<number | null> {
    try {
      return await this.#deps.store.finishRun(finish);
    } catch (error) {
      // The run was deleted with its session: there is nothing to end any more.
      if (error instanceof ClankerError && error.kind === 'not_found') return null;
      throw error;
    }
  }

  #finishOf(claimed: ClaimedRun, inbound: InboxRow, outcome: Outcome): FinishRun {
    const { clock, mintId } = this.#deps;
    const { state, steps, parts, model, finishReason, usage, cost, attempts, error } = outcome;
    const at = clock.now();
    const replyId = state === 'finished' && parts.length > 0 ? mintId('msg') : null;
    return {
      runId: claimed.run.id,
      state,
      inbox: inboxStateOf(outcome, inbound),
      messages: [
        ...steps,
        ...(replyId === null ? [] : [{ id: replyId, role: 'assistant' as const, parts, author: model, time: at }]),
      ],
      outbox: this.#plan(claimed, inbound, outcome),
      attempts,
      model,
      finishReason,
      usage,
      cost,
      replyId,
      error: error === null ? null : errorData(error),
      at,
    };
  }

  #plan(claimed: ClaimedRun, inbound: InboxRow, { visibleText, buttons, files, sensitive }: Outcome): NewOutbound[] {
    const { channel, account } = inbound.conversation ?? inbound;
    const limits = this.#deps.channelLimits(channel, account);
    const { buttons: canPress = false, ...answers } = limits;
    const template = replyTemplate(inbound, this.#deps.clock.now(), answers);
    // An open stream of an earlier start must be closed with words, whatever happened to the answer.
    const words = visibleText.trim() === '' && claimed.stream !== null ? '*(stopped)*' : visibleText;
    if (template === null || (words.trim() === '' && files.length === 0)) return [];
    const commands =
      canPress || buttons.length === 0 ? '' : `\n\n${buttons.map(({ command }) => `\`${command}\``).join('\n')}`;
    const { files: carried, left } = sendable(files, limits);
    // A reply that grew on the platform cannot become the caption of a file: files follow in messages of their own.
    const capabilities = { text: limits.text, files: { maxBytes: 0, maxCaption: 0 } };
    const text = words + left.map((name) => `\n\n📎 ${name}`).join('') + commands;
    const parts = planMessage(template, { text, files: carried }, capabilities, this.#deps);
    const last = parts.findLast(({ body }) => body.file === undefined) ?? parts.at(-1);
    if (canPress && buttons.length > 0 && last !== undefined) last.body.buttons = buttons;
    if (sensitive) for (const { body } of parts) body.sensitive = true;
    return parts;
  }

  #tell(claimed: ClaimedRun, inbound: InboxRow, outcome: Outcome, finish: FinishRun, replySeq: number | null): void {
    const { bus, delivery, waiters, log, crash } = this.#deps;
    const { run } = claimed;
    crash('after_finish');
    const ms = finish.at - inbound.receivedAt;
    this.#turns.add(1, { channel: inbound.channel, outcome: outcome.state });
    this.#seconds.observe(Math.max(0, ms) / 1000, { channel: inbound.channel });
    if (inbound.conversation !== null && finish.outbox.length > 0)
      delivery.wake(inbound.conversation, inbound.chatType);
    const { error } = outcome;
    if (error !== null) {
      log[outcome.state === 'aborted' ? 'info' : 'warn']('a run ended without an answer', {
        ...fieldsOf(claimed),
        state: outcome.state,
        ms,
        error,
      });
      waiters.reject(run.id, error);
      this.#publishFailure(claimed, error);
      return;
    }
    const { model, finishReason, usage, cost } = outcome;
    // The one line of a turn at `info`.
    log.info('a message was answered', {
      ...fieldsOf(claimed),
      channel: `${inbound.channel}:${inbound.account}`,
      model: model ?? undefined,
      finish_reason: finishReason ?? undefined,
      ms,
      tokens: usage === null ? undefined : usage.input + usage.cacheRead + usage.cacheWrite + usage.output,
    });
    const { replyId } = finish;
    const said = { text: replyId === null ? '' : outcome.visibleText, parts: outcome.parts };
    const answer = answerOf({ ...run, state: 'finished', model, finishReason, usage, cost, replyId }, said);
    if (replyId !== null && replySeq !== null) {
      bus.publish({
        ...about(claimed),
        type: 'message',
        messageId: replyId,
        role: 'assistant',
        text: answer.reply.text,
        messageSeq: replySeq,
      });
    }
    bus.publish({ ...about(claimed), type: 'run.finished', runId: run.id, answer });
    waiters.resolve(run.id, answer);
  }

  #publishFailure(claimed: ClaimedRun, error: ClankerError): void {
    this.#deps.bus.publish({ ...about(claimed), type: 'run.failed', runId: claimed.run.id, error: errorData(error) });
  }
}

/** A failed chat message is a dead letter, as nobody there can repeat it; an API client repeats it with its key. */
function inboxStateOf({ state, error }: Outcome, inbound: InboxRow): Extract<InboxState, 'done' | 'failed' | 'dead'> {
  if (state === 'finished') return 'done';
  if (state === 'dead') return 'dead';
  // Who has nothing left to spend was told so, and asks again: nobody has to look after it.
  if (inbound.conversation === null || error?.code === 'budget_exceeded') return 'failed';
  return state === 'aborted' ? 'done' : 'dead';
}

const notStored = (): ClankerError =>
  new ClankerError('storage', 'not_stored', 'The answer cannot be stored at the moment; the message is kept.', {
    retryable: true,
  });
