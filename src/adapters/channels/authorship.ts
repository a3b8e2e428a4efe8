const maxMessages = 10_000;

/** Which messages are ours, as far as it is known: to see whether somebody answers us. Bounded, the oldest out. */
export class Authorship {
  readonly #isOurs = new Map<string, boolean>();

  note(id: string, isOurs: boolean): void {
    this.#isOurs.set(id, isOurs);
    if (this.#isOurs.size > maxMessages) this.#isOurs.delete(this.#isOurs.keys().next().value ?? '');
  }

  knows(id: string): boolean {
    return this.#isOurs.has(id);
  }

  isOurs(id: string): boolean {
    return this.#isOurs.get(id) === true;
  }
}
