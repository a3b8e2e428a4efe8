/**
 * Which mails belong together. A thread is named by a digest of its first Message-ID, so that its name is short and
 * the same after any restart. Message-IDs of ours carry the name, because some mail programs answer with
 * `In-Reply-To` alone, which leads only to us and not to the first mail.
 */
import { createHash } from 'node:crypto';
import type { ConversationRef } from '../../../core/message.ts';
import { messageIds } from './headers.ts';
import type { Headers } from './headers.ts';

/** Threads whose last mail is kept in mind; the least recently used leaves first, and is read from the mailbox again. */
const maxThreads = 500;
/** RFC 5322 sets no limit; the first names the thread, the last ones are what programs join by. */
const maxReferences = 20;
const noThread = '-';

/** What an answer needs of the mail it answers. */
export interface Answered {
  messageId: string;
  /** The chain before it, its root first. */
  references: string[];
  subject: string;
}

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** The Message-ID of a part: derived from its key, so that a repeat of the part is the same mail to every server. */
export function ownMessageId(idempotencyKey: string, thread: string | undefined, domain: string): string {
  // Short enough for one line of a header with most domains: some programs stumble over a folded one.
  const key = createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 24);
  return `<oc.${thread ?? noThread}.${key}@${domain}>`;
}

export interface Threading extends Answered {
  /** Undefined for what was written outside of any thread: an answer to a mail that we wrote of our own accord. */
  thread: string | undefined;
}

/** `fallbackId` names a mail that has no Message-ID. */
export function threadingOf(headers: Headers, domain: string, fallbackId: string, subject: string): Threading {
  const [messageId = fallbackId] = messageIds(headers.first('message-id'));
  const parents = messageIds(headers.first('in-reply-to'));
  const chain = [...new Set([...messageIds(headers.first('references')), ...parents])].filter((id) => id !== messageId);
  const [, name] =
    chain
      .map((id) => /^<oc\.([0-9a-f]{16}|-)\.[0-9a-f]{24}@([^@<>]+)>$/.exec(id))
      .findLast((own) => own?.[2] === domain) ?? [];
  const thread = name ?? digest(chain[0] ?? messageId);
  return { messageId, references: chain, subject, thread: thread === noThread ? undefined : thread };
}

/** `References` of an answer: the root and the last of the chain. */
export function chainTo({ messageId, references }: Answered): string[] {
  const chain = [...references, messageId];
  return chain.length <= maxReferences ? chain : [...chain.slice(0, 1), ...chain.slice(1 - maxReferences)];
}

/** The last mail of each thread, in this process. */
export class ThreadMemory {
  readonly #answered = new Map<string, Answered>();

  remember(conversation: ConversationRef, { messageId, references, subject }: Answered): void {
    const key = keyOf(conversation);
    this.#answered.delete(key);
    this.#answered.set(key, { messageId, references, subject });
    if (this.#answered.size > maxThreads) this.#answered.delete(this.#answered.keys().next().value ?? '');
  }

  find(conversation: ConversationRef): Answered | null {
    return this.#answered.get(keyOf(conversation)) ?? null;
  }
}

const keyOf = ({ native, thread }: ConversationRef): string => `${native} ${thread ?? noThread}`;
