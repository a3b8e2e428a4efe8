import type { Message } from '../../core/message.ts';

/**
 * What a run shows the model. It is the largest thing that a run holds, and models take their time: whoever has made a
 * request of it lets it go, and who needs it again reads it again.
 */
export class RunHistory {
  #held: Message[] | null;
  readonly #read: (() => Promise<Message[]>) | null;

  /** `read` gives the same messages again, and those that joined; without it they are held to the end. */
  constructor(messages: Message[], read: (() => Promise<Message[]>) | null = null) {
    this.#held = messages;
    this.#read = read;
  }

  /** Oldest first, the question included. Rejects when they cannot be read. */
  async messages(): Promise<readonly Message[]> {
    return (this.#held ??= (await this.#read?.()) ?? []);
  }

  /** Somebody joined; the messages are stored. */
  joined(messages: readonly Message[]): void {
    this.#held?.push(...messages);
  }

  letGo(): void {
    if (this.#read !== null) this.#held = null;
  }
}
