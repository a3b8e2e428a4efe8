/** Who people are on their platforms and how they were let in: a part of the Store, under its promises. */
import type { ConversationRef } from '../message.ts';
import type { PersonRole } from '../principal.ts';
import type { Listed, ListOptions } from './listed.ts';
import type { NewOutbound, OutboxRow } from './outbox-store.ts';

/** Somebody as one account of one platform knows them. */
export interface Identity {
  channel: string;
  account: string;
  native: string;
}

export interface IdentityRow extends Identity {
  display: string;
  person: string;
  role: PersonRole;
  /** Let in by an approval or a code, beside the lists of the configuration. */
  admitted: boolean;
}

/**
 * A one-time code, of which only the hash is kept. `request`: a stranger asks to be let in, and an owner who is told
 * the code approves. `link`: a person names another identity as theirs, which sends the code.
 */
export type CodeKind = 'request' | 'link';

/** `open → used | rejected | burnt`; an open one past its time is expired. */
export type CodeState = 'open' | 'used' | 'rejected' | 'burnt';

export interface NewCode {
  id: string;
  kind: CodeKind;
  /** SHA-256, hex. */
  hash: string;
  /** Who asked for it in a chat; null for a link that an operator began. */
  identity: Identity | null;
  display: string;
  /** Where its maker hears what became of it. */
  conversation: ConversationRef | null;
  /** BCP 47, as the platform told; null: unknown. */
  language: string | null;
  /** Of a link: who the other identity becomes. */
  person: string | null;
  createdAt: number;
  expiresAt: number;
}

export interface CodeRow extends NewCode {
  state: CodeState;
}

/** A code by what a person typed, or by its id. */
export type CodeKey = { hash: string } | { id: string };

/** Somebody who was let in; `id` is that of the code they came with. */
export interface AdmissionRow extends Identity {
  id: string;
  display: string;
  person: string;
  role: PersonRole;
  /** Who let them in: a person's id. */
  by: string;
  at: number;
}

export interface Decision {
  code: CodeKey;
  approve: boolean;
  /** A person's id. */
  by: string;
  at: number;
  /** Who an unknown sender becomes; a known guest gets its role. */
  newPerson: PersonRow;
  /** Said to the stranger, when this decision is the one that counts. */
  tell: NewOutbound[];
}

/** `repeated`: it had been decided so before. Who was rejected stays out, whoever approves later. */
export type DecisionResult =
  | { outcome: 'approved'; repeated: boolean; person: PersonRow; identity: Identity; outbox: OutboxRow[] }
  | { outcome: 'rejected'; repeated: boolean; outbox: OutboxRow[] }
  | { outcome: 'unknown' | 'expired' };

export interface Redemption {
  hash: string;
  /** Who sends it, and from which direct chat. */
  identity: Identity;
  display: string;
  conversation: ConversationRef;
  /** The sender is a stranger here, so the code must let them in, too. */
  admit: boolean;
  at: number;
  /** Wrong uses of a right code after which it is burnt. */
  maxWrongUses: number;
  /** Said to the maker of the code, when it links. */
  tell: NewOutbound[];
}

/**
 * `own`: sent by the very identity that asked for it. `outranked`: the sender's person may do more than the code's, so
 * the code must be made on the sender's side. `not_allowed`: the code's person cannot let anybody in.
 */
export type RedemptionResult =
  | { outcome: 'linked'; repeated: boolean; person: PersonRow; outbox: OutboxRow[] }
  | { outcome: 'unknown' | 'expired' | 'own' | 'outranked' | 'not_allowed' };

export interface PersonRow {
  id: string;
  name: string;
  role: PersonRole;
  /** BCP 47, as told by `/lang` or, at first sight, by the platform; null: unknown. */
  language: string | null;
  createdAt: number;
}

export interface RefusedRow {
  channel: string;
  account: string;
  sender: string;
  display: string;
  conversation: string;
  chatType: 'direct' | 'group';
  parents: string[];
  reason: string;
  count: number;
  lastAt: number;
}

export interface PeopleStore {
  /**
   * The person behind a sender; made with `newPerson` when the identity is unknown. `conversation`: the direct chat in
   * which they write.
   */
  ensureIdentity(
    identity: Identity & { display: string; conversation?: ConversationRef },
    newPerson: PersonRow,
  ): Promise<PersonRow>;
  ensurePerson(person: PersonRow): Promise<PersonRow>;
  person(id: string): Promise<PersonRow | null>;
  setPersonLanguage(id: string, language: string | null): Promise<void>;
  refusedSenders(limit: number): Promise<RefusedRow[]>;
  /** `conversation`: the direct chat they last wrote in; null while they only wrote in groups. */
  identity(identity: Identity): Promise<(IdentityRow & { conversation: ConversationRef | null }) | null>;
  /** At most 100. */
  identitiesOf(person: string): Promise<IdentityRow[]>;
  /** By the time they came. */
  listPeople(options: ListOptions): Promise<Listed<PersonRow>>;
  setRole(person: string, role: PersonRole): Promise<PersonRow | null>;
  /** Direct chats in which owners talk to us, with who writes there; at most `limit`. */
  ownerChats(limit: number): Promise<(IdentityRow & { conversation: ConversationRef })[]>;

  /**
   * A stranger asks to be let in, and `outbox` tells the code. Null when there is nothing to say: they asked since
   * `againAfter`, were rejected, or `maxOpen` requests of the account are open.
   */
  openRequest(
    code: NewCode,
    limits: { againAfter: number; maxOpen: number },
    outbox: NewOutbound[],
  ): Promise<OutboxRow[] | null>;
  /** A person's new link; earlier open ones from the same place are void. */
  offerLink(code: NewCode): Promise<void>;
  code(key: CodeKey): Promise<CodeRow | null>;
  /** A link that was shown where others read it. */
  burnLink(hash: string): Promise<boolean>;
  /** Approves or rejects a request; a rejection also takes back what was approved. Races are decided here. */
  decide(decision: Decision): Promise<DecisionResult>;
  /** The sender of a link's code becomes its person. Their direct chat's session follows; each code works once. */
  redeemLink(redemption: Redemption): Promise<RedemptionResult>;
  /** Undoes a link: the identity, and its direct chat's session, are `newPerson`'s, whom nobody let in. Null: unknown. */
  unlink(identity: Identity, newPerson: PersonRow): Promise<PersonRow | null>;
  /** Requests that are open at `now`, oldest first. */
  openRequests(now: number, limit: number): Promise<CodeRow[]>;
  /** Newest first. */
  admissions(limit: number): Promise<AdmissionRow[]>;
}
