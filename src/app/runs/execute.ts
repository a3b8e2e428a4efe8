import { noLongerNeeded } from '../../core/abort.ts';
import { ClankerError, errorData } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import { textOf, type Part } from '../../core/message.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { ChannelCapabilities } from '../../core/ports/channel.ts';
import type { AttemptRow, ClaimedRun, FinishRun, InboxRow, NewOutbound, Store } from '../../core/ports/store.ts';
import type { Clock, Counter, Histogram, Log, LogFields, Metrics } from '../../core/ports/system.ts';
import type { Markdown } from '../../core/rich-text.ts';
import type { CommandRegistry } from '../commands/registry.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { ReplyStream, typingLease } from '../delivery/reply-stream.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import type { CallEnd, ModelCaller } from '../models/caller.ts';
import { answerOf } from './answer.ts';
import { requestOf, type AgentSettings, type LoadFile } from './context.ts';
import { RunAborted, restarting, type ActiveRun } from './queue.ts';
import { planParts, replyTemplate } from './reply-plan.ts';
import type { RunWaiters } from './waiters.ts';

export interface RunDeps {
  store: Store;
  bus: Bus;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  mintId: MintId;
  markdown: Markdown;
  models: ModelCaller;
  delivery: Delivery;
  waiters: RunWaiters;
  commands: CommandRegistry;
  crash: CrashPoint;
  agent: (name: string | null) => AgentSettings;
  loadFile: (owner: string) => LoadFile;
  /** Of the account a conversation belongs to, also while it is stopped. */
  channelLimits: (channel: string, account: string) => { text: ChannelCapabilities['text']; stream: boolean };
}

/** What a run came to, before it is written down. */
interface Outcome {
  state: FinishRun['state'];
  /** Of a finished run. */
  parts: Part[];
  /** What goes to the conversation as Markdown; empty for nothing. */
  visibleText: string;
  model: string | null;
  finishReason: string | null;
  usage: FinishRun['usage'];
  cost: number | null;
  attempts: AttemptRow[];
  error: ClankerError | null;
}

const nothing: Outcome = {
  state: 'finished',
  parts: [],
  visibleText: '',
  model: null,
  finishReason: null,
  usage: null,
  cost: null,
  attempts: [],
  error: null,
};

/**
 * One run from its claimed message to the one transaction that ends it: the reply in the history, the outbox rows and
 * the ledger, or nothing of it.
 */
export class RunExecutor {
  readonly #deps: RunDeps;
  readonly #turns: Counter;
  readonly #seconds: Histogram;

  constructor(deps: RunDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'runs' }) };
    this.#turns = deps.metrics.counter('turns_total', 'Runs that ended, by channel and outcome.');
    this.#seconds = deps.metrics.histogram(
      'turn_seconds',
      'From the arrival of a message to the end of its run, by channel.',
    );
  }

  async execute({ claimed, signal }: ActiveRun): Promise<void> {
    const inbound = newestOf(claimed);
    this.#deps.log.debug('a run began', {
      ...fieldsOf(claimed),
      starts: claimed.run.starts,
      ...(claimed.inbound.length > 1 ? { merged: claimed.inbound.slice(1).map(({ correlation }) => correlation) } : {}),
    });
    const outcome =
      inbound.kind === 'command' ? await this.#command(claimed, inbound) : await this.#answer(claimed, inbound, signal);
    if (outcome === null) {
      this.#deps.waiters.reject(claimed.run.id, restarting());
      this.#publishFailure(claimed, restarting());
      return;
    }
    await this.#finish(claimed, inbound, outcome);
  }

  async #command(claimed: ClaimedRun, inbound: InboxRow): Promise<Outcome> {
    const match = this.#deps.commands.match(inbound.text);
    const visibleText =
      match === null
        ? 'I do not know this command; /help lists what I understand.'
        : await match.command.run({ inbound, session: claimed.session, argument: match.argument });
    return { ...nothing, visibleText, finishReason: 'command' };
  }

  /** Null when the gateway stops: the run stays as it is and begins again after the restart. */
  async #answer(claimed: ClaimedRun, inbound: InboxRow, signal: AbortSignal): Promise<Outcome | null> {
    const { clock, bus, crash, delivery, log } = this.#deps;
    for (const message of claimed.history) {
      if (claimed.inbound.some((row) => row.id === message.id) && claimed.run.starts === 1) {
        bus.publish({
          ...about(claimed),
          type: 'message',
          messageId: message.id,
          role: 'user',
          text: textOf(message.parts),
          messageSeq: message.seq,
        });
      }
    }
    const stream = this.#streamFor(claimed, inbound);
    const typing = new AbortController();
    if (inbound.conversation !== null) {
      const target = { conversation: inbound.conversation, group: inbound.chatType === 'group' };
      typingLease(delivery, clock, target, typing.signal).catch((error: unknown) =>
        log.debug('typing stopped', { ...fieldsOf(claimed), error }),
      );
    }
    try {
      const outcome = await this.#callModel(claimed, inbound, stream, signal);
      crash('after_model');
      const shown = (await stream?.settle()) ?? '';
      return this.#withWords(outcome, inbound, shown, signal);
    } finally {
      typing.abort(noLongerNeeded);
      await stream?.settle();
    }
  }

  async #callModel(
    claimed: ClaimedRun,
    inbound: InboxRow,
    stream: ReplyStream | null,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { models, bus, clock, loadFile } = this.#deps;
    const { run, session } = claimed;
    const base = about(claimed);
    const agent = this.#deps.agent(inbound.agent ?? session.agent);
    let text = '';
    const reasoning: Part[] = [];
    let end: CallEnd;
    try {
      const candidates = models.resolve(inbound.model ?? session.model ?? agent.model);
      const request = await requestOf(claimed, agent, loadFile(run.owner));
      const events = models.call(request, {
        runId: run.id,
        owner: run.owner,
        candidates,
        signal,
        deadlineMs: clock.monotonic() + agent.runTimeoutMs,
        attemptsBefore: claimed.attemptsBefore,
        logFields: fieldsOf(claimed),
        visible: () => (stream?.visible ?? false) || (text !== '' && this.#deps.waiters.watched(run.id)),
      });
      let last: CallEnd | null = null;
      for await (const event of events) {
        switch (event.type) {
          case 'attempt':
            if (event.n === 1)
              bus.publish({
                ...base,
                type: 'run.started',
                runId: run.id,
                messageId: run.messageId,
                model: event.model,
              });
            break;
          case 'text':
            text += event.text;
            bus.publish({ ...base, type: 'run.delta', runId: run.id, text: event.text });
            stream?.push(event.text);
            break;
          case 'reasoning':
            reasoning.push({
              type: 'reasoning',
              text: event.text,
              ...(event.replay === undefined ? {} : { replay: event.replay, dialect: event.dialect }),
            });
            break;
          case 'retrying':
          case 'fallback':
            text = '';
            reasoning.length = 0;
            stream?.restart();
            bus.publish({ ...base, type: 'run.retrying', runId: run.id, reason: event.kind, provider: event.provider });
            break;
          case 'finished':
          case 'failed':
            last = event;
            break;
          default:
        }
      }
      if (last === null) throw new ClankerError('provider', 'provider', 'The model call ended without a result.');
      end = last;
    } catch (error) {
      end = {
        type: 'failed',
        error:
          error instanceof ClankerError
            ? error
            : new ClankerError('provider', 'internal', errorData(error).message, { cause: error }),
        attempts: [],
      };
      if (!(error instanceof ClankerError))
        this.#deps.log.error('a run failed in an unexpected way', { ...fieldsOf(claimed), error });
    }
    if (end.type === 'failed') return { ...nothing, state: 'failed', error: end.error, attempts: end.attempts };
    const parts: Part[] = [...mergeReasoning(reasoning), ...(text === '' ? [] : [{ type: 'text' as const, text }])];
    return {
      ...nothing,
      parts,
      visibleText: text,
      model: end.model,
      finishReason: end.reason,
      usage: end.usage,
      cost: end.cost,
      attempts: end.attempts,
    };
  }

  /** Adds what people are told when it did not end well; `shown` is what already stands on the platform. */
  #withWords(outcome: Outcome, inbound: InboxRow, shown: string, signal: AbortSignal): Outcome | null {
    if (signal.aborted) {
      const why: unknown = signal.reason;
      if (why instanceof RunAborted && why.why === 'shutdown') return null;
      const error = new ClankerError(
        'conflict',
        'aborted',
        why instanceof Error ? why.message : 'The run was stopped.',
      );
      return {
        ...outcome,
        state: 'aborted',
        parts: [],
        error,
        visibleText: shown === '' ? '' : `${shown}\n\n*(stopped)*`,
      };
    }
    if (outcome.error === null) {
      if (outcome.visibleText.trim() !== '') return outcome;
      const words = 'The model gave an empty answer. Ask again, or in other words.';
      return { ...outcome, parts: [{ type: 'text', text: words }], visibleText: words };
    }
    if (inbound.conversation === null) return outcome;
    const notice = `I could not answer: ${outcome.error.message}`;
    return { ...outcome, visibleText: shown === '' ? notice : `${shown}\n\n*(interrupted)* ${notice}` };
  }

  async #finish(claimed: ClaimedRun, inbound: InboxRow, outcome: Outcome): Promise<void> {
    const { store, clock, bus, delivery, waiters, mintId, crash } = this.#deps;
    const { run } = claimed;
    const finished = outcome.state === 'finished';
    const replyId = finished && outcome.parts.length > 0 ? mintId('msg') : null;
    const outbox = this.#plan(claimed, inbound, outcome.visibleText);
    const at = clock.now();
    const dead = outcome.state === 'failed' && inbound.conversation !== null;
    crash('before_finish');
    const { messages } = await store.finishRun({
      runId: run.id,
      state: outcome.state,
      inbox: outcome.state === 'failed' ? (dead ? 'dead' : 'failed') : 'done',
      messages:
        replyId === null
          ? []
          : [{ id: replyId, role: 'assistant', parts: outcome.parts, author: outcome.model, time: at }],
      outbox,
      attempts: outcome.attempts,
      model: outcome.model,
      finishReason: outcome.finishReason,
      usage: outcome.usage,
      cost: outcome.cost,
      replyId,
      error: outcome.error === null ? null : errorData(outcome.error),
      at,
    });
    crash('after_finish');
    this.#turns.add(1, { channel: inbound.channel, outcome: outcome.state });
    this.#seconds.observe(Math.max(0, at - inbound.receivedAt) / 1000, { channel: inbound.channel });
    if (inbound.conversation !== null && outbox.length > 0) delivery.wake(inbound.conversation, inbound.chatType);
    const [reply] = messages;
    if (outcome.error !== null) {
      this.#deps.log[outcome.state === 'failed' ? 'warn' : 'info']('a run ended without an answer', {
        ...fieldsOf(claimed),
        state: outcome.state,
        ms: at - inbound.receivedAt,
        error: outcome.error,
      });
      waiters.reject(run.id, outcome.error);
      this.#publishFailure(claimed, outcome.error);
      return;
    }
    const { model, finishReason, usage, cost } = outcome;
    // The one line of a turn at `info`.
    this.#deps.log.info('a message was answered', {
      ...fieldsOf(claimed),
      channel: `${inbound.channel}:${inbound.account}`,
      model: model ?? undefined,
      finish_reason: finishReason ?? undefined,
      ms: at - inbound.receivedAt,
      tokens: usage === null ? undefined : usage.input + usage.cacheRead + usage.cacheWrite + usage.output,
    });
    const answer = answerOf({ ...run, state: 'finished', model, finishReason, usage, cost, replyId }, reply ?? null);
    if (reply !== undefined) {
      bus.publish({
        ...about(claimed),
        type: 'message',
        messageId: reply.id,
        role: 'assistant',
        text: answer.reply.text,
        messageSeq: reply.seq,
      });
    }
    bus.publish({ ...about(claimed), type: 'run.finished', runId: run.id, answer });
    waiters.resolve(run.id, answer);
  }

  #publishFailure(claimed: ClaimedRun, error: ClankerError): void {
    this.#deps.bus.publish({ ...about(claimed), type: 'run.failed', runId: claimed.run.id, error: errorData(error) });
  }

  #plan(claimed: ClaimedRun, inbound: InboxRow, text: string): NewOutbound[] {
    const template = replyTemplate(inbound, this.#deps.clock.now());
    // An open stream of an earlier start must be closed with words, whatever happened to the answer.
    const words = text.trim() === '' && claimed.stream !== null ? '(stopped)' : text;
    if (template === null || words.trim() === '') return [];
    const { text: limits } = this.#deps.channelLimits(inbound.channel, inbound.account);
    return planParts(template, words, limits, this.#deps);
  }

  #streamFor(claimed: ClaimedRun, inbound: InboxRow): ReplyStream | null {
    const { clock, mintId, channelLimits } = this.#deps;
    const template = replyTemplate(inbound, clock.now());
    if (template === null || !channelLimits(inbound.channel, inbound.account).stream) return null;
    const { key, ...rest } = template;
    const row: NewOutbound = claimed.stream ?? {
      ...rest,
      id: mintId('out'),
      idempotencyKey: `${key}:0`,
      part: 0,
      body: { text: '', spans: [] },
    };
    return new ReplyStream(this.#deps, row, claimed.stream);
  }
}

/** With queue mode `collect` the newest message is the one that is replied to. */
function newestOf(claimed: ClaimedRun): InboxRow {
  const newest = claimed.inbound.at(-1);
  if (newest === undefined) throw new Error('a claimed run has no message');
  // All parts of the reply are keyed by the run, which is the first message's.
  return { ...newest, runId: claimed.run.id, correlation: correlationOf(claimed) };
}

const correlationOf = ({ run, inbound }: ClaimedRun): string => inbound[0]?.correlation ?? run.messageId;

/** What every line about a run says. */
const fieldsOf = (claimed: ClaimedRun): LogFields => ({
  correlation_id: correlationOf(claimed),
  session: claimed.run.sessionKey,
  run_id: claimed.run.id,
});

function about(claimed: ClaimedRun): { sessionKey: string; person: string; correlation: string } {
  const { run } = claimed;
  return { sessionKey: run.sessionKey, person: run.owner, correlation: correlationOf(claimed) };
}

/** Streamed thinking becomes one part per opaque item, so that signatures stay with their text. */
function mergeReasoning(pieces: readonly Part[]): Part[] {
  const merged: Extract<Part, { type: 'reasoning' }>[] = [];
  for (const piece of pieces) {
    if (piece.type !== 'reasoning') continue;
    const open = merged.at(-1);
    if (open !== undefined && open.replay === undefined) Object.assign(open, piece, { text: open.text + piece.text });
    else merged.push({ ...piece });
  }
  return merged;
}
