/** How Telegram delivers: one request per update and chat at a time, again until it hears 2xx, and it tells of its troubles. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Queued {
  id: number;
  /** Verbatim, so that a test can send what Telegram never would. */
  json: string;
}

export interface Delivery {
  updateId: number;
  /** 0 when nothing answered. */
  status: number;
}

export class TelegramWebhook {
  url = '';
  secret = '';
  /** All at once, the last first: what nothing forbids. */
  unordered = false;
  retryMs = 20;
  readonly deliveries: Delivery[] = [];
  readonly #queue: readonly Queued[];
  readonly #told: (item: Queued, taken: boolean) => void;
  readonly #busy = new Set<string>();
  #error: { at: number; message: string } | null = null;
  #stop = new AbortController();

  /** `told` hears of every delivery, and removes what was taken from the queue. */
  constructor(queue: readonly Queued[], told: (item: Queued, taken: boolean) => void) {
    this.#queue = queue;
    this.#told = told;
  }

  get info(): object {
    return {
      url: this.url,
      has_custom_certificate: false,
      pending_update_count: this.#queue.length,
      ...(this.#error === null
        ? {}
        : { last_error_date: Math.floor(this.#error.at / 1000), last_error_message: this.#error.message }),
    };
  }

  set(url: string, secret: string): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.url = url;
    this.secret = secret;
    this.#busy.clear();
    this.pump();
  }

  pump(): void {
    if (this.url === '') return;
    for (const item of this.unordered ? this.#queue.toReversed() : this.#queue) {
      const lane = this.unordered ? String(item.id) : chatOf(item.json);
      if (this.#busy.has(lane)) continue;
      this.#busy.add(lane);
      void this.#deliver(item, lane, this.#stop.signal);
    }
  }

  /** The same update once more, whatever became of it. */
  async repeat(item: Queued): Promise<number> {
    return this.#post(item, this.#stop.signal);
  }

  async #deliver(item: Queued, lane: string, signal: AbortSignal): Promise<void> {
    const status = await this.#post(item, signal);
    if (signal.aborted) return;
    this.deliveries.push({ updateId: item.id, status });
    const taken = status >= 200 && status < 300;
    this.#told(item, taken);
    if (!taken) {
      const message = status === 0 ? 'Connection refused' : `Wrong response from the webhook: ${status}`;
      this.#error = { at: Date.now(), message };
      await sleep(this.retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
    if (signal.aborted) return;
    this.#busy.delete(lane);
    this.pump();
  }

  async #post({ json }: Queued, signal: AbortSignal): Promise<number> {
    const headers = {
      'content-type': 'application/json',
      ...(this.secret === '' ? {} : { 'x-telegram-bot-api-secret-token': this.secret }),
    };
    try {
      const answer = await fetch(this.url, { method: 'POST', headers, body: json, signal });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return 0;
    }
  }
}

interface Place {
  chat?: { id?: number };
  message?: Place;
}

/** Updates of one chat keep their order. */
function chatOf(json: string): string {
  const update = JSON.parse(json) as Record<string, Place | number> | null;
  for (const value of Object.values(update ?? {})) {
    if (typeof value !== 'object' || value === null) continue;
    const id = value.chat?.id ?? value.message?.chat?.id;
    if (id !== undefined) return String(id);
  }
  return 'none';
}
