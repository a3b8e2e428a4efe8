import { VirtualClock } from './virtual-clock.ts';

/** What is asked of a store at the moment, by however many, and how often it was asked. */
export class Asked {
  times = 0;
  #pending = 0;
  #quiet = Promise.withResolvers<void>();

  begin(): void {
    this.times += 1;
    this.#pending += 1;
  }

  end(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    this.#quiet.resolve();
    this.#quiet = Promise.withResolvers();
  }

  get isPending(): boolean {
    return this.#pending > 0;
  }

  /** Resolves once nothing is asked any more; at once when nothing is. */
  async answered(): Promise<void> {
    if (this.isPending) await this.#quiet.promise;
  }
}

/** Stands still also while a store is at work. */
export class StoreClock extends VirtualClock {
  /** How far the clock on the wall was moved. */
  movedMs = 0;
  readonly asked: Asked;

  constructor(asked = new Asked()) {
    super();
    this.asked = asked;
  }

  override now(): number {
    return super.now() + this.movedMs;
  }

  override async settle(): Promise<void> {
    let before: number;
    do {
      before = this.asked.times;
      await this.asked.answered();
      await super.settle();
    } while (this.asked.isPending || this.asked.times !== before);
  }
}
