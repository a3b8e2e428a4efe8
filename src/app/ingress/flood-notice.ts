import type { InboundEvent } from '../../core/ports/channel.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Log } from '../../core/ports/system.ts';
import { wordsIn } from '../../core/notices/index.ts';
import { noticeRows, type NoticeDeps } from '../access/notices.ts';
import type { Delivery } from '../delivery/delivery.ts';

export interface FloodNoticeDeps extends NoticeDeps {
  store: Store;
  delivery: Delivery;
  log: Log;
}

/** Tells somebody in their own chat, once a flood, that what they write now is left out. In groups nobody is told. */
export class FloodNotice {
  readonly #deps: FloodNoticeDeps;

  constructor(deps: FloodNoticeDeps) {
    this.#deps = deps;
  }

  /** Best effort: the refusal stands in the store whoever hears of it. `id` names this flood. */
  async tell({ chat, conversation }: InboundEvent, id: string, person: string): Promise<void> {
    if (chat.type !== 'direct') return;
    const { store, delivery, log } = this.#deps;
    try {
      const { language = null } = (await store.person(person)) ?? {};
      const rows = noticeRows(`${id}:flood`, conversation, { text: wordsIn(language).tooMuch }, this.#deps);
      await store.planOutbound(rows);
      delivery.wake(conversation, chat.type);
    } catch (error) {
      log.warn('somebody could not be told that they write too much', { correlation_id: id, error });
    }
  }
}
