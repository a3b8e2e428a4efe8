/**
 * Slack knows no typing of bots; in threads it shows a status, which a message of ours ends, an empty status, or two
 * minutes. https://docs.slack.dev/reference/methods/assistant.threads.setStatus
 */
import type { ConversationRef } from '../../../core/message.ts';
import type { SlackApi } from './api.ts';
import { Recent } from './recent.ts';

const words = 'is thinking…';
/** What is left to a reply to end the status by itself. */
const clearAfterMs = 3000;
const maxThreads = 500;
/** Where it was refused it is not tried again soon. */
const restMs = 3_600_000;
const maxRefused = 500;

export class StatusLine {
  readonly #api: SlackApi;
  /** Threads that show our status now. */
  readonly #shown = new Recent<true>(maxThreads);
  readonly #restUntil = new Recent<number>(maxRefused);
  readonly #watched = new WeakSet<AbortSignal>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #ended = new AbortController();

  constructor(api: SlackApi) {
    this.#api = api;
  }

  /** One pulse; the status goes when the signal aborts. */
  async pulse({ native, thread }: ConversationRef, signal: AbortSignal): Promise<void> {
    if (thread === undefined || signal.aborted || this.#ended.signal.aborted) return;
    if (performance.now() < (this.#restUntil.get(native) ?? 0)) return;
    if (!this.#watched.has(signal)) {
      this.#watched.add(signal);
      signal.addEventListener('abort', () => this.#clearSoon(native, thread), { once: true });
    }
    this.#shown.set(`${native}:${thread}`, true);
    const answer = await this.#set(native, thread, words);
    if (answer.ok) return;
    this.#shown.delete(`${native}:${thread}`);
    const pauseMs = answer.error === 'ratelimited' ? (answer.retryAfterMs ?? 0) : restMs;
    if (answer.accepted === 'no' && answer.error !== 'no_answer')
      this.#restUntil.set(native, performance.now() + pauseMs);
  }

  /** A message of ours arrived there, which ends the status. */
  replied({ native, thread }: ConversationRef): void {
    this.#shown.delete(`${native}:${thread}`);
  }

  stop(): void {
    this.#ended.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #clearSoon(native: string, thread: string): void {
    if (this.#ended.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#shown.has(`${native}:${thread}`)) return;
      this.#shown.delete(`${native}:${thread}`);
      this.#set(native, thread, '').catch(() => undefined);
    }, clearAfterMs);
    this.#timers.add(timer);
  }

  #set(channel: string, thread: string, status: string): ReturnType<SlackApi['call']> {
    const params = { channel_id: channel, thread_ts: thread, status };
    return this.#api.call('assistant.threads.setStatus', params, this.#ended.signal);
  }
}
