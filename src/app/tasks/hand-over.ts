import { ClankerError } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { Part } from '../../core/message.ts';
import { wordsIn, type Words } from '../../core/notices/index.ts';
import type { Payload } from '../../core/payload.ts';
import type { Calendar } from '../../core/ports/calendar.ts';
import { noNotice, type FailureNotice, type NewTask, type TaskRow } from '../../core/ports/schedule-store.ts';
import type { NewOutbound } from '../../core/ports/outbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Preferences } from '../../core/preferences.ts';
import { quietUntil } from '../../core/quiet-hours.ts';
import { inMarkdown, showsNothing, type Markdown } from '../../core/rich-text.ts';
import type { TaskDelivery, TaskResult } from '../../core/task.ts';
import type { ChannelManager } from '../channels/manager.ts';
import { assertStillWelcome, type DestinationDeps } from '../gateway/destination.ts';
import { planMessage, replyMaxAgeMs, sendable } from '../runs/reply-plan.ts';
import { localText } from '../schedule/written.ts';
import type { HandedOver } from './carry-out.ts';
import type { JobRights } from './rights.ts';

/** There is one at a time; what an older version left may be more. */
const maxDropped = 20;
/** How late a result is when that is said with it. */
const lateMs = 300_000;
/** Characters of a result that its conversation remembers. */
const maxNoted = 4000;
/** Handing over is tried more often than most work: what it was for is done by then. */
const followerAttempts = 8;

export interface HandOverDeps extends DestinationDeps {
  store: Store;
  mintId: MintId;
  markdown: Markdown;
  channels: DestinationDeps['channels'] & Pick<ChannelManager, 'limits'>;
  rights: Pick<JobRights, 'of' | 'roleOf'>;
  calendar: Pick<Calendar, 'wall'>;
  /** The clock that a person lives by. */
  zoneOf: (person: string) => Promise<string>;
}

type ToConversation = Extract<TaskDelivery, { to: 'conversation' }>;

/** Whose hours and words count. */
interface Reader {
  words: Words;
  zone: string;
  preferences: Preferences;
}

/**
 * How a result leaves a task: as rows of the outbox, as a note in a history, or as a task that follows. All of it is stored
 * with the end of the task. What is said to people is never taken for what they said: it begins no run.
 */
export class HandOver {
  readonly #deps: HandOverDeps;

  constructor(deps: HandOverDeps) {
    this.#deps = deps;
  }

  /** Rejects, not to be tried again, when the result may not go where it should any more. */
  async handOver(task: TaskRow, result: TaskResult, now: number): Promise<HandedOver> {
    const { deliver } = task;
    const silent = showsNothing(result.text) && result.files.length === 0;
    if (silent || deliver.to === 'nowhere') return nothing;
    await this.#deps.rights.of(task);
    switch (deliver.to) {
      case 'conversation':
        return this.#toConversation(task, deliver, result, now);
      case 'session': {
        const text = [result.text, ...result.files.map(({ id, name }) => `📎 ${name ?? id} (${id})`)].join('\n\n');
        return { ...nothing, note: this.#note(task, deliver.sessionKey, { ...result, text }, now) };
      }
      case 'webhook': {
        const payload: Payload = {
          kind: 'webhook',
          name: deliver.name,
          result: { task: task.id, text: result.text },
        };
        return { ...nothing, follows: [this.#follower(task, payload, { to: 'nowhere' }, now, now)] };
      }
    }
  }

  /** Rejects when a result could not be handed over: before it costs anything to come to it. */
  async assertWelcome({ deliver, owner, origin }: Pick<TaskRow, 'deliver' | 'owner' | 'origin'>): Promise<void> {
    if (deliver.to !== 'conversation') return;
    const role = await this.#deps.rights.roleOf({ owner, origin });
    await assertStillWelcome(deliver, { person: owner, role }, this.#deps);
  }

  /**
   * What says where the result would have gone that there is none. Empty where nobody is to be told; rejects where nobody
   * may be written to any more.
   */
  async failureNotice(task: TaskRow, now: number): Promise<FailureNotice> {
    const { deliver, owner, error, name } = task;
    if (deliver.to !== 'conversation' || error === null || undeliverable.has(error.code)) return noNotice;
    await this.assertWelcome(task);
    const reader = await this.#reader(owner);
    const text = reader.words.results.failed(inMarkdown(name), inMarkdown(error.message));
    const quiet = quietEnd(reader, now);
    if (quiet !== null) {
      const payload: Payload = { kind: 'text', text, files: [], outside: null };
      return { outbox: [], follows: [this.#follower(task, payload, deliver, quiet, now)] };
    }
    return { outbox: this.#rows(task, deliver, { text, files: [] }, `failed:${task.fence}`, now), follows: [] };
  }

  async #toConversation(task: TaskRow, deliver: ToConversation, result: TaskResult, now: number): Promise<HandedOver> {
    await this.assertWelcome(task);
    const reader = await this.#reader(task.owner);
    const { results } = reader.words;
    const quiet = (await this.#isAwaited(task)) ? null : quietEnd(reader, now);
    const late = task.due !== null && (quiet ?? now) - task.due > lateMs ? this.#local(task.due, reader.zone) : null;
    const text = late === null ? result.text : `${results.wasDue(late)}\n\n${result.text}`.trimEnd();
    if (quiet !== null) {
      const payload: Payload = { ...result, kind: 'text', text };
      const supersedes = task.kind === 'text' ? await this.#waiting(task) : [];
      return { ...nothing, supersedes, follows: [this.#follower(task, payload, deliver, quiet, now)] };
    }
    const { channel, account } = deliver.conversation;
    const { files, left } = sendable(result.files, this.#deps.channels.limits(channel, account));
    const whole = left.length === 0 ? text : `${text}\n\n${results.withoutFiles(left.map(inMarkdown))}`.trim();
    return {
      outbox: this.#rows(task, deliver, { text: whole, files }, null, now),
      note: this.#note(task, deliver.sessionKey, { ...result, text: whole }, now),
      follows: [],
    };
  }

  /** Of a reminder that comes often one is enough once it may come again: the newest. */
  async #waiting({ jobId, owner }: TaskRow): Promise<string[]> {
    if (jobId === null) return [];
    const { items } = await this.#deps.store.listTasks({ owner, jobId, state: 'queued' }, { limit: maxDropped });
    return items.filter(({ trigger, kind }) => trigger === 'task' && kind === 'text').map(({ id }) => id);
  }

  /** What a person wants at this very moment: done by hand, or a reminder of one time that they named. */
  async #isAwaited({ trigger, kind, jobId, due }: TaskRow): Promise<boolean> {
    if (trigger === 'hand') return true;
    if (kind !== 'text' || due === null || jobId === null) return kind === 'text' && trigger === 'request';
    return (await this.#deps.store.job(jobId, null))?.schedule.type === 'at';
  }

  #rows(
    { id, owner }: TaskRow,
    { conversation, chatType, sessionKey }: ToConversation,
    message: Pick<TaskResult, 'text' | 'files'>,
    of: string | null,
    now: number,
  ): NewOutbound[] {
    const { channels } = this.#deps;
    const { text, files } = channels.limits(conversation.channel, conversation.account);
    return planMessage(
      {
        key: of === null ? `task:${id}` : `task:${id}:${of}`,
        runId: null,
        sessionKey,
        owner,
        conversation,
        chatType,
        replyTo: null,
        correlates: false,
        correlation: id,
        createdAt: now,
        expiresAt: now + replyMaxAgeMs,
      },
      message,
      { text, files: files ?? null },
      this.#deps,
    );
  }

  /** What the agent knows of it when the person speaks of it. */
  #note(
    { name, jobId, id, origin }: TaskRow,
    sessionKey: string,
    { text, outside, files }: TaskResult,
    now: number,
  ): NonNullable<HandedOver['note']> {
    // Names that others may have chosen are no words of ours.
    const by = origin.tainted === null ? `"${name.replaceAll(/[[\]\n]/g, ' ')}"` : 'a job';
    const named = files.map((file) => (outside === null ? (file.name ?? file.id) : file.id));
    const with_ = files.length === 0 ? '' : `, with ${named.join(', ')}`;
    const said = text.length <= maxNoted ? text : `${text.slice(0, maxNoted).toWellFormed()} […]`;
    const parts: Part[] = [
      { type: 'text', text: `[The person was sent this by ${by} (${jobId ?? id})${with_}:]\n` },
      { type: 'text', text: said, ...(outside === null ? {} : { outside }) },
    ];
    return { sessionKey, message: { id: this.#deps.mintId('msg'), role: 'system', parts, author: null, time: now } };
  }

  #follower(
    { owner, jobId, name, origin }: TaskRow,
    payload: Payload,
    deliver: TaskDelivery,
    runAt: number,
    now: number,
  ): NewTask {
    const id = this.#deps.mintId('task');
    const own = { owner, jobId, name, origin, payload, deliver };
    return { ...own, id, due: null, trigger: 'task', runAt, maxAttempts: followerAttempts, createdAt: now };
  }

  async #reader(owner: string): Promise<Reader> {
    const { store, zoneOf } = this.#deps;
    const [person, preferences] = await Promise.all([store.person(owner), store.preferences(owner)]);
    if (person === null)
      throw new ClankerError('not_found', 'no_such_person', 'The person this is for is not here any more.');
    return { words: wordsIn(person.language), zone: await zoneOf(owner), preferences };
  }

  /** Without the name of the day, which would be English. */
  #local(at: number, zone: string): string {
    return localText(this.#deps.calendar.wall(at, zone)).replace(/^\w+ /, '');
  }
}

const nothing: HandedOver = { outbox: [], note: null, follows: [] };

/** Failures of the handing over itself: what failed cannot be told there. */
const undeliverable: ReadonlySet<string> = new Set(['target_not_allowed', 'no_such_account', 'no_such_person']);

const quietEnd = ({ preferences, zone }: Reader, now: number): number | null =>
  preferences.quietHours === null ? null : quietUntil(preferences.quietHours, zone, now);
