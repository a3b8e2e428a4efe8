import { languageOf } from '../../core/languages.ts';
import type { MintId } from '../../core/ids.ts';
import type { InboundEvent } from '../../core/ports/channel.ts';
import type { Identity, PersonRow } from '../../core/ports/people-store.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { PersonRole } from '../../core/principal.ts';
import { roleHere, type AccessPolicy, type KnownSender } from './authorize.ts';

const maxKnown = 5000;

interface Entry {
  known: KnownSender | null;
  /** Their name and direct chat were written down since the gateway started. */
  met: boolean;
}

const keyOf = ({ channel, account, native }: Identity): string => JSON.stringify([channel, account, native]);

/**
 * Who senders are, remembered (the least recently seen forgotten first), so that a message of somebody known asks no
 * database. Whatever changes people, roles or admissions calls `forget`, and what was asked before that is not kept.
 */
export class Directory {
  readonly #deps: { store: Store; clock: Clock; mintId: MintId };
  readonly #entries = new Map<string, Entry>();
  readonly #roles = new Map<string, PersonRole>();
  #generation = 0;

  constructor(deps: { store: Store; clock: Clock; mintId: MintId }) {
    this.#deps = deps;
  }

  /** Null for a stranger. */
  async find(identity: Identity): Promise<KnownSender | null> {
    return (await this.#entry(identity)).known;
  }

  /** The person an admitted sender is; made with `role` when they are new. */
  async meet(event: InboundEvent, role: PersonRole): Promise<string> {
    const { store, clock, mintId } = this.#deps;
    const { channel, account } = event.conversation;
    const identity = { channel, account, native: event.sender.native };
    const entry = await this.#entry(identity);
    const direct = event.chat.type === 'direct';
    if (entry.known !== null && (entry.met || !direct)) return entry.known.person;
    const { display } = event.sender;
    const language = languageOf(event.language);
    const newPerson: PersonRow = { id: mintId('per'), name: display, role, language, createdAt: clock.now() };
    // Where they can be reached alone.
    const reach = direct ? { conversation: event.conversation } : {};
    const person = await store.ensureIdentity({ ...identity, display, ...reach }, newPerson);
    entry.known = { person: person.id, role: person.role, admitted: entry.known?.admitted ?? false };
    entry.met = direct;
    return person.id;
  }

  /** Who sent a stored message, and what they may do now; of a client the person it speaks for. */
  async whois(inbound: InboxRow, policy: AccessPolicy): Promise<{ person: string; role: PersonRole }> {
    const { channel, account, sender, owner, conversation, chatType } = inbound;
    // What a client sends speaks for its person, also into a conversation on a channel.
    const client = channel === 'api' ? account : conversation === null ? owner : null;
    if (client !== null || conversation === null)
      return { person: client ?? owner, role: await this.roleOf(client ?? owner) };
    const known = await this.find({ channel, account, native: sender.native });
    const place = { sender: sender.native, conversation: conversation.native, chatType };
    return { person: known?.person ?? owner, role: roleHere(policy, place, known) };
  }

  /** People, roles or admissions changed. */
  forget(): void {
    this.#generation++;
    this.#entries.clear();
    this.#roles.clear();
  }

  /** The role a person has of their own, whatever a place makes of it. */
  async roleOf(person: string): Promise<PersonRole> {
    const remembered = this.#roles.get(person);
    if (remembered !== undefined) return remembered;
    const generation = this.#generation;
    const role = (await this.#deps.store.person(person))?.role ?? 'guest';
    if (generation !== this.#generation) return role;
    this.#roles.set(person, role);
    if (this.#roles.size > maxKnown) this.#roles.delete(this.#roles.keys().next().value ?? '');
    return role;
  }

  async #entry(identity: Identity): Promise<Entry> {
    const key = keyOf(identity);
    const remembered = this.#entries.get(key);
    if (remembered !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, remembered);
      return remembered;
    }
    const generation = this.#generation;
    const row = await this.#deps.store.identity(identity);
    const known = row === null ? null : { person: row.person, role: row.role, admitted: row.admitted };
    const entry: Entry = { known, met: false };
    if (generation === this.#generation) this.#remember(key, entry);
    return entry;
  }

  #remember(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    if (this.#entries.size > maxKnown) this.#entries.delete(this.#entries.keys().next().value ?? '');
  }
}
