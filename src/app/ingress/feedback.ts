import type { Bus } from '../../core/ports/bus.ts';
import type { InboundEvent } from '../../core/ports/channel.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Counter, Metrics } from '../../core/ports/system.ts';

/** Longer than any emoji of several code points; what is longer is no reaction. */
const maxValue = 64;

/** Reactions to our messages: kept with the message, counted, and told on the bus. What they react to else is not ours. */
export class Feedback {
  readonly #deps: { store: Store; bus: Bus };
  readonly #counted: Counter;

  constructor({ store, bus, metrics }: { store: Store; bus: Bus; metrics: Metrics }) {
    this.#deps = { store, bus };
    this.#counted = metrics.counter('feedback_total', 'Reactions to our messages, by channel and value.');
  }

  /** Harmless to repeat. */
  async take({ conversation, native, sender, text, occurredAt }: InboundEvent): Promise<void> {
    const { store, bus } = this.#deps;
    const value = text.slice(0, maxValue).toWellFormed();
    const from = { native: sender.native, display: sender.display };
    const row = await store.saveFeedback({ conversation, native, sender: from, value, at: occurredAt });
    if (row === null) return;
    const { channel, account } = conversation;
    if (value !== '') this.#counted.add(1, { channel, value });
    bus.publish({
      type: 'feedback',
      outboxId: row.id,
      channel: `${channel}:${account}`,
      value,
      person: row.owner,
      correlation: row.correlation,
      ...(row.sessionKey === null ? {} : { sessionKey: row.sessionKey }),
    });
  }
}
