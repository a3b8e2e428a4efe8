import { noLongerNeeded } from '../../core/abort.ts';
import { ClankerError } from '../../core/errors.ts';
import { textOf, type Part } from '../../core/message.ts';
import type { Channel } from '../../core/ports/channel.ts';
import type { ClaimedRun, InboxRow, NewOutbound } from '../../core/ports/store.ts';
import type { PersonRole } from '../../core/principal.ts';
import { mayRun, type CommandRegistry } from '../commands/registry.ts';
import { wordsIn, type Words } from '../../core/notices/index.ts';
import { showsNothing } from '../../core/rich-text.ts';
import { ReplyStream, typingLease } from '../delivery/reply-stream.ts';
import type { CallEnd, CallEvent, ModelCaller } from '../models/caller.ts';
import { about, correlationOf, fieldsOf } from './about.ts';
import { fetchAttachments, type AttachmentDeps } from './attachments.ts';
import { requestOf, type AgentSettings, type LoadFile } from './context.ts';
import { RunFinisher, type FinishDeps } from './finish.ts';
import type { Outages } from './outages.ts';
import { answered, failed, givenUp, withWords, type Outcome } from './outcome.ts';
import { maxStarts, type ActiveRun } from './queue.ts';
import { replyTemplate } from './reply-plan.ts';

/** How long a person looks at nothing, or at "typing…", before words say that the run goes on. */
const workingMs = 20_000;
const workingAfterTypingMs = 45_000;

export interface RunDeps extends FinishDeps {
  models: ModelCaller;
  commands: CommandRegistry;
  /** Who sent a message, and what they may do now. */
  whois: (inbound: InboxRow) => Promise<{ person: string; role: PersonRole }>;
  agent: (name: string | null) => AgentSettings;
  loadFile: (owner: string) => LoadFile;
  files: AttachmentDeps['files'];
  outages: Outages;
}

/**
 * One run from its claimed message to the one transaction that ends it: the reply in the history, the outbox rows and
 * the ledger, or nothing of it.
 */
export class RunExecutor {
  readonly #deps: RunDeps;
  readonly #finisher: RunFinisher;

  constructor(deps: RunDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'runs' }) };
    this.#finisher = new RunFinisher(this.#deps);
  }

  async execute({ claimed, signal, stopping }: ActiveRun): Promise<void> {
    const inbound = newestOf(claimed);
    this.#deps.log.debug('a run began', {
      ...fieldsOf(claimed),
      starts: claimed.run.starts,
      ...(claimed.inbound.length > 1 ? { merged: claimed.inbound.slice(1).map(({ correlation }) => correlation) } : {}),
    });
    const outcome = await this.#work(claimed, inbound, signal);
    if (outcome === null) await this.#finisher.interrupted(claimed);
    else await this.#finisher.finish(claimed, inbound, outcome, stopping);
  }

  /** Never throws: a run that was claimed must come to an end, or its session would wait for ever. */
  async #work(claimed: ClaimedRun, inbound: InboxRow, signal: AbortSignal): Promise<Outcome | null> {
    const { starts } = claimed.run;
    if (starts > maxStarts) return this.#worded(givenUp(starts - 1), '', notAborted(), inbound);
    try {
      if (inbound.kind === 'command') return await this.#command(claimed, inbound);
      return await this.#answer(claimed, inbound, signal);
    } catch (error) {
      this.#deps.log.error('a run failed in an unexpected way', { ...fieldsOf(claimed), error });
      return this.#worded(failed(error), '', notAborted(), inbound);
    }
  }

  async #command(claimed: ClaimedRun, inbound: InboxRow): Promise<Outcome> {
    const { commands, store, whois } = this.#deps;
    const { person: id, role } = await whois(inbound);
    const person = await store.person(id);
    if (person === null) throw new Error(`there is no person ${id}`);
    const words = wordsIn(person.language);
    const match = commands.match(inbound.text);
    if (match === null) return answered({ visibleText: words.unknownCommand, finishReason: 'command' });
    const { command, argument } = match;
    if (!mayRun(role, command)) return answered({ visibleText: words.access.notForYou, finishReason: 'command' });
    const answer = await command.run({ inbound, session: claimed.session, argument, person, role, words });
    const { text, buttons = [], sensitive = false } = typeof answer === 'string' ? { text: answer } : answer;
    return answered({ visibleText: text, buttons, sensitive, finishReason: 'command' });
  }

  /** With what people are told when it did not end well, in their language; API clients read English. */
  async #worded(outcome: Outcome, shown: string, signal: AbortSignal, inbound: InboxRow): Promise<Outcome | null> {
    if (outcome.error === null && !showsNothing(outcome.visibleText)) return outcome;
    const words = await this.#wordsFor(inbound);
    const kept =
      outcome.error === null || shown !== '' || signal.aborted ? null : this.#deps.outages.keep(inbound, outcome.error);
    if (kept === 'told') return outcome;
    const worded = withWords(outcome, shown, signal, words);
    return kept === null || worded === null
      ? worded
      : { ...worded, visibleText: `${worded.visibleText}\n\n${words.outage}` };
  }

  /** Of who wrote: in a group that is not who the conversation belongs to. */
  async #wordsFor(inbound: InboxRow): Promise<Words> {
    const { store, whois } = this.#deps;
    if (inbound.conversation === null) return wordsIn(null);
    const asked = whois(inbound).then(({ person }) => store.person(person));
    return wordsIn((await asked.catch(() => null))?.language ?? null);
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
    // An API client is shown the answer itself and no signs of it.
    const over = inbound.conversation === null ? null : new AbortController();
    if (inbound.conversation !== null && over !== null) {
      const target = { conversation: inbound.conversation, group: inbound.chatType === 'group' };
      typingLease(delivery, clock, target, over.signal).catch((error: unknown) =>
        log.debug('typing stopped', { ...fieldsOf(claimed), error }),
      );
      if (stream !== null) this.#tellWorking(stream, inbound, over.signal);
    }
    try {
      const outcome = await this.#callModel(claimed, inbound, stream, signal);
      crash('after_model');
      const shown = (await stream?.settle()) ?? '';
      const worded = await this.#worded(outcome, shown, signal, inbound);
      // What said that we are still working must not stay as the last word.
      if (worded === null || worded.visibleText !== '' || stream?.open !== true) return worded;
      return { ...worded, visibleText: (await this.#wordsFor(inbound)).cut };
    } finally {
      over?.abort(noLongerNeeded);
      await stream?.settle();
    }
  }

  /** Says once that a long run goes on, where nothing else shows it. */
  #tellWorking(stream: ReplyStream, inbound: InboxRow, over: AbortSignal): void {
    const { clock, delivery, log } = this.#deps;
    const types = inbound.conversation !== null && delivery.lane(inbound.conversation)?.channel.typing !== undefined;
    clock
      .sleep(types ? workingAfterTypingMs : workingMs, over)
      .then(async () => stream.working((await this.#wordsFor(inbound)).stillWorking))
      .catch((error: unknown) => {
        if (!over.aborted) log.debug('a long run could not be announced', { error });
      });
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
    const hear = (event: CallEvent): void => {
      switch (event.type) {
        case 'attempt':
          if (event.n === 1)
            bus.publish({ ...base, type: 'run.started', runId: run.id, messageId: run.messageId, model: event.model });
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
        default:
      }
    };
    let end: CallEnd;
    try {
      await fetchAttachments(claimed, this.#attachmentDeps, signal);
      const candidates = models.resolve(inbound.model ?? session.model ?? agent.model);
      const request = await requestOf(claimed, agent, loadFile(run.owner));
      // What is sent is in the request; a run lasts long enough to hold nothing twice.
      claimed.history.length = 0;
      const options = {
        runId: run.id,
        owner: run.owner,
        candidates,
        signal,
        deadlineMs: clock.monotonic() + agent.runTimeoutMs,
        attemptsBefore: claimed.attemptsBefore,
        logFields: fieldsOf(claimed),
        visible: () => (stream?.visible ?? false) || (text !== '' && this.#deps.waiters.watched(run.id)),
      };
      end = await models.call(request, options, hear);
    } catch (error) {
      if (!(error instanceof ClankerError))
        this.#deps.log.error('a run failed in an unexpected way', { ...fieldsOf(claimed), error });
      return failed(error);
    }
    if (end.type === 'failed') return failed(end.error, end.attempts);
    const parts: Part[] = [...mergeReasoning(reasoning), ...(text === '' ? [] : [{ type: 'text' as const, text }])];
    return answered({
      parts,
      visibleText: text,
      model: end.model,
      finishReason: end.reason,
      usage: end.usage,
      cost: end.cost,
      attempts: end.attempts,
    });
  }

  get #attachmentDeps(): AttachmentDeps {
    const { delivery } = this.#deps;
    const channel = ({ conversation }: InboxRow): Channel | null =>
      conversation === null ? null : (delivery.lane(conversation)?.channel ?? null);
    return { ...this.#deps, channel };
  }

  #streamFor(claimed: ClaimedRun, inbound: InboxRow): ReplyStream | null {
    const { clock, mintId, channelLimits } = this.#deps;
    const limits = channelLimits(inbound.channel, inbound.account);
    const template = replyTemplate(inbound, clock.now(), limits);
    if (template === null || !limits.stream) return null;
    const { key, correlates: _, ...rest } = template;
    const row: NewOutbound = claimed.stream ?? {
      ...rest,
      id: mintId('out'),
      idempotencyKey: `${key}:0`,
      part: 0,
      body: { text: '', spans: [] },
    };
    return new ReplyStream(this.#deps, row, claimed.stream, limits.stream === 'draft');
  }
}

const notAborted = (): AbortSignal => new AbortController().signal;

/** With queue mode `collect` the newest message is the one that is replied to. */
function newestOf(claimed: ClaimedRun): InboxRow {
  const newest = claimed.inbound.at(-1);
  if (newest === undefined) throw new Error('a claimed run has no message');
  // All parts of the reply are keyed by the run, which is the first message's.
  return { ...newest, runId: claimed.run.id, correlation: correlationOf(claimed) };
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
