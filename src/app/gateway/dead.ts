import { ClankerError, notFound } from '../../core/errors.ts';
import type { DeadLetter } from '../../core/ports/gateway.ts';
import type { Listed, ListOptions } from '../../core/ports/listed.ts';
import type { TaskRow } from '../../core/ports/schedule-store.ts';
import type { DeadRow } from '../../core/ports/dead-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { replyMaxAgeMs } from '../runs/reply-plan.ts';
import type { RunQueue } from '../runs/queue.ts';

const maxPreview = 200;

interface DeadLettersDeps {
  store: Store;
  clock: Clock;
  runs: RunQueue;
  delivery: Delivery;
  tasks: { wake(): void };
}

/** What could not be answered, delivered or done: listed, tried again, or cleared by a person. `owner` null: everybody's. */
export class DeadLetters {
  readonly #deps: DeadLettersDeps;

  constructor(deps: DeadLettersDeps) {
    this.#deps = deps;
  }

  async list(owner: string | null, options: ListOptions): Promise<Listed<DeadLetter>> {
    const { items, nextCursor } = await this.#deps.store.deadLetters(owner, options);
    return { items: items.map(letterOf), nextCursor };
  }

  async show(owner: string | null, id: string): Promise<DeadLetter> {
    return letterOf(await this.#find(owner, id));
  }

  async retry(owner: string | null, id: string): Promise<void> {
    const { store, clock, runs, delivery, tasks } = this.#deps;
    const letter = await this.#find(owner, id);
    const now = clock.now();
    if (!(await store.retryDead(id, now, now + replyMaxAgeMs))) {
      throw new ClankerError('conflict', 'not_dead', 'It is not a dead letter any more.');
    }
    if (letter.kind === 'inbox') runs.wake(letter.row.sessionKey);
    else if (letter.kind === 'task') tasks.wake();
    else delivery.wake(letter.row.conversation, letter.row.chatType);
  }

  /** Resolves with how many. */
  async clear(owner: string | null, id?: string): Promise<number> {
    const cleared = await this.#deps.store.clearDead(owner, id);
    if (cleared === 0 && id !== undefined) throw notFound('dead letter');
    return cleared;
  }

  async #find(owner: string | null, id: string): Promise<DeadRow> {
    const letter = await this.#deps.store.deadLetter(owner, id);
    if (letter === null) throw notFound('dead letter');
    return letter;
  }
}

function letterOf(letter: DeadRow): DeadLetter {
  if (letter.kind === 'task') return letterOfTask(letter.row);
  if (letter.kind === 'inbox') {
    const { id, channel, account, sessionKey, text, error, starts, receivedAt, finishedAt } = letter.row;
    const reason = error?.message ?? `It was begun ${starts} times and never ended.`;
    return {
      id,
      kind: 'inbox',
      channel: `${channel}:${account}`,
      sessionKey,
      text: text.slice(0, maxPreview),
      reason,
      attempts: starts,
      at: finishedAt ?? receivedAt,
    };
  }
  const { id, conversation, sessionKey, body, error, attempts, createdAt, finishedAt } = letter.row;
  return {
    id,
    kind: 'outbox',
    channel: `${conversation.channel}:${conversation.account}`,
    sessionKey: sessionKey ?? '',
    text: body.text.slice(0, maxPreview),
    reason: error ?? '',
    attempts,
    at: finishedAt ?? createdAt,
  };
}

function letterOfTask({ id, name, deliver, error, attempts, createdAt, finishedAt }: TaskRow): DeadLetter {
  const chat = deliver.to === 'conversation' ? deliver.conversation : null;
  return {
    id,
    kind: 'task',
    channel: chat === null ? '' : `${chat.channel}:${chat.account}`,
    sessionKey: 'sessionKey' in deliver ? deliver.sessionKey : '',
    text: name.slice(0, maxPreview),
    reason: error?.message ?? '',
    attempts,
    at: finishedAt ?? createdAt,
  };
}
