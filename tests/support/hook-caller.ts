/** A platform that calls us: it delivers to the hook of the product's own door until it hears that it was taken. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Channel } from '../../src/core/ports/channel.ts';
import { openDoor, type TestDoor } from './door.ts';
import { ask, type Answered } from './raw.ts';

const retryMs = 20;

export interface Delivery {
  path: string;
  body: string | Buffer;
  /** Made for each attempt, as signatures hold a time. */
  headers: () => Record<string, string>;
}

export class HookCaller {
  readonly door: TestDoor;
  #channel: Channel | null = null;
  #closed = false;

  private constructor(door: TestDoor) {
    this.door = door;
    door.gateway.onHook = async (_name, request) =>
      (await this.#channel?.hook?.(request, new AbortController().signal)) ?? { status: 503 };
  }

  static async open(): Promise<HookCaller> {
    return new HookCaller(await openDoor());
  }

  /** The channel that is called from now on. */
  serve(channel: Channel): Channel {
    this.#channel = channel;
    return channel;
  }

  /** One attempt, whatever comes of it. */
  once({ path, body, headers }: Delivery): Promise<Answered> {
    const at = { host: '127.0.0.1', port: this.door.port };
    return ask(at, { method: 'POST', path, body, headers: { 'content-type': 'application/json', ...headers() } });
  }

  /** As platforms do: again until it is taken. */
  async deliver(delivery: Delivery): Promise<Answered | null> {
    while (!this.#closed) {
      const answer = await this.once(delivery).catch(() => null);
      if (answer !== null && answer.status < 300) return answer;
      if (answer !== null && answer.status < 500) throw new Error(`the hook refused: ${answer.status} ${answer.text}`);
      await pause(retryMs);
    }
    return null;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.door.stop();
  }
}
