/** Messages that a tool sends in a person's name to another conversation than the one it is called from. */
import type { PersonRole } from '../principal.ts';

/** Where a person may write to. */
export interface SendPlace {
  /** `telegram:main:12345`: the channel's account, and the platform's id of a chat or of a person. */
  address: string;
  /** Who or what is there, as shown; the address when nobody knows. */
  name: string;
}

export interface Sender {
  /**
   * To an address or to the name of a place. Members write to their own identities, owners to everybody who is let in
   * and to every listed chat, guests to nobody. It is committed when this resolves, once for each key of the person.
   *
   * Rejects with `not_allowed`, `unknown_place` (which names the places there are), `ambiguous_place`, and whatever the
   * channel refuses.
   */
  send(
    by: { person: string; role: PersonRole },
    message: { to: string; text: string; key: string },
  ): Promise<SendPlace>;
}
