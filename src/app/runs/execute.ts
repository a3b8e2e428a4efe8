import { noLongerNeeded } from '../../core/abort.ts';
import { answerToApproval } from '../../core/approval-answer.ts';
import { ClankerError } from '../../core/errors.ts';
import { textOf } from '../../core/message.ts';
import type { Channel } from '../../core/ports/channel.ts';
import type { ApprovedCall } from '../../core/ports/gate.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { NewOutbound } from '../../core/ports/outbox-store.ts';
import type { ClaimedRun } from '../../core/ports/run-store.ts';
import type { NewMessage } from '../../core/ports/session-store.ts';
import type { ApprovalAnswers } from '../approvals/answers.ts';
import { mayRun, type CommandAnswer, type CommandContext, type CommandRegistry } from '../commands/registry.ts';
import { wordsIn, type Words } from '../../core/notices/index.ts';
import { showsNothing } from '../../core/rich-text.ts';
import { jobChannel } from '../../core/session-key.ts';
import { ReplyStream, typingLease } from '../delivery/reply-stream.ts';
import { about, correlationOf, fieldsOf } from './about.ts';
import { fetchAttachments, type AttachmentDeps } from './attachments.ts';
import { RunFinisher, type FinishDeps } from './finish.ts';
import type { Outages } from './outages.ts';
import { answered, failed, givenUp, withWords, type Outcome } from './outcome.ts';
import { maxStarts, type ActiveRun } from './queue.ts';
import { replyTemplate } from './reply-plan.ts';
import { takeTurn, type TurnDeps } from './turn.ts';

/** How long a person looks at nothing, or at "typing…", before words say that the run goes on. */
const workingMs = 20_000;
const workingAfterTypingMs = 45_000;

export interface RunDeps extends FinishDeps, TurnDeps {
  commands: CommandRegistry;
  approvals: Pick<ApprovalAnswers, 'bare'>;
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
  readonly #attachmentDeps: AttachmentDeps;

  constructor(deps: RunDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'runs' }) };
    this.#finisher = new RunFinisher(this.#deps);
    const channel = ({ conversation }: InboxRow): Channel | null =>
      conversation === null ? null : (deps.delivery.lane(conversation)?.channel ?? null);
    this.#attachmentDeps = { ...this.#deps, channel };
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
    if (starts > maxStarts) return this.#worded(claimed, givenUp(starts - 1), '', notAborted(), inbound);
    try {
      const answer =
        inbound.kind === 'command' ? await this.#command(claimed, inbound) : await this.#bareAnswer(claimed, inbound);
      if (answer !== null && 'state' in answer) return answer;
      return await this.#answer(claimed, inbound, answer, signal);
    } catch (error) {
      return this.#worded(claimed, this.#failed(claimed, error), '', notAborted(), inbound);
    }
  }

  /** What a command came to: an answer, or a call that goes on with the model. */
  async #command(claimed: ClaimedRun, inbound: InboxRow): Promise<Outcome | ApprovedCall> {
    const { commands } = this.#deps;
    const context = await this.#contextOf(claimed, inbound);
    const { role, words } = context;
    const match = commands.match(inbound.text);
    if (match === null) return answered({ visibleText: words.unknownCommand, finishReason: 'command' });
    const { command, argument } = match;
    if (!mayRun(role, command)) return answered({ visibleText: words.access.notForYou, finishReason: 'command' });
    const answer = await command.run({ ...context, argument });
    return this.#toldBy(typeof answer === 'string' ? { text: answer } : answer, inbound);
  }

  /** A message that is nothing but a yes or a no may answer a question about a call; null: it is for the model. */
  async #bareAnswer(claimed: ClaimedRun, inbound: InboxRow): Promise<Outcome | ApprovedCall | null> {
    if (claimed.inbound.length > 1 || answerToApproval(inbound.text) === null) return null;
    const answer = await this.#deps.approvals.bare(await this.#contextOf(claimed, inbound));
    return answer === null ? null : this.#toldBy(answer, inbound);
  }

  async #contextOf({ session }: ClaimedRun, inbound: InboxRow): Promise<CommandContext> {
    const { store, whois } = this.#deps;
    const { person: id, role } = await whois(inbound);
    const person = await store.person(id);
    if (person === null) throw new Error(`there is no person ${id}`);
    return { inbound, session, argument: '', person, role, words: wordsIn(person.language) };
  }

  #toldBy(
    { text, buttons = [], sensitive, approved, note }: CommandAnswer,
    { conversation }: InboxRow,
  ): Outcome | ApprovedCall {
    if (approved !== undefined) return approved;
    return answered({
      steps: note === undefined ? [] : [this.#note(note)],
      // An API client has no chat to be told in: it reads the answer in the session.
      parts: conversation === null && text !== '' ? [{ type: 'text', text }] : [],
      visibleText: text,
      buttons,
      sensitive: sensitive === true,
      finishReason: 'command',
    });
  }

  /** What the model is told with the next message of the session. */
  #note(text: string): NewMessage {
    const { mintId, clock } = this.#deps;
    return { id: mintId('msg'), role: 'system', parts: [{ type: 'text', text }], author: null, time: clock.now() };
  }

  /** With what people are told when it did not end well, in their language; API clients read English. */
  async #worded(
    claimed: ClaimedRun,
    outcome: Outcome,
    shown: string,
    signal: AbortSignal,
    inbound: InboxRow,
  ): Promise<Outcome | null> {
    if (outcome.error === null && !showsNothing(outcome.visibleText)) return outcome;
    const words = await this.#wordsFor(inbound);
    // Of messages that are answered together the first is the dead letter, and brings the others along.
    const [letter = inbound] = claimed.inbound;
    const kept =
      outcome.error === null || shown !== '' || signal.aborted ? null : this.#deps.outages.keep(letter, outcome.error);
    if (kept === 'told') return outcome;
    const worded = withWords(outcome, shown, signal, words);
    return kept === null || worded === null
      ? worded
      : { ...worded, visibleText: `${worded.visibleText}\n\n${words.outage}` };
  }

  /** Of who wrote: in a group that is not who the conversation belongs to. */
  async #wordsFor(inbound: InboxRow): Promise<Words> {
    const { store, whois } = this.#deps;
    if (inbound.conversation === null && inbound.channel !== jobChannel) return wordsIn(null);
    const asked = whois(inbound).then(({ person }) => store.person(person));
    return wordsIn((await asked.catch(() => null))?.language ?? null);
  }

  /** Null when the gateway stops: the run stays as it is and begins again after the restart. */
  async #answer(
    claimed: ClaimedRun,
    inbound: InboxRow,
    approved: ApprovedCall | null,
    signal: AbortSignal,
  ): Promise<Outcome | null> {
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
      const turn = { claimed, inbound, stream, approved, words: () => this.#wordsFor(inbound), signal };
      const outcome = await fetchAttachments(claimed, this.#attachmentDeps, signal)
        .then(() => takeTurn(turn, this.#deps))
        .catch((error: unknown) => this.#failed(claimed, error));
      crash('after_model');
      const shown = (await stream?.settle()) ?? '';
      const worded = await this.#worded(claimed, outcome, shown, signal, inbound);
      // What said that we are still working must not stay as the last word.
      if (worded === null || worded.visibleText !== '' || stream?.open !== true) return worded;
      return { ...worded, visibleText: (await this.#wordsFor(inbound)).cut };
    } finally {
      over?.abort(noLongerNeeded);
      await stream?.settle();
    }
  }

  #failed(claimed: ClaimedRun, error: unknown): Outcome {
    if (!(error instanceof ClankerError))
      this.#deps.log.error('a run failed in an unexpected way', { ...fieldsOf(claimed), error });
    return failed(error);
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

  #streamFor(claimed: ClaimedRun, inbound: InboxRow): ReplyStream | null {
    const { clock, mintId, channelLimits } = this.#deps;
    const { channel, account } = inbound.conversation ?? inbound;
    const limits = channelLimits(channel, account);
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
  if (claimed.inbound.length === 1) return newest;
  // All parts of the reply are keyed by the run, which is the first message's.
  return { ...newest, runId: claimed.run.id, correlation: correlationOf(claimed) };
}
