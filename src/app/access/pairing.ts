import { ClankerError, invalidInput } from '../../core/errors.ts';
import type { ConversationRef } from '../../core/message.ts';
import type { InboundEvent } from '../../core/ports/channel.ts';
import type { PairingDecision, PairingList } from '../../core/ports/gateway.ts';
import type {
  AdmissionRow,
  CodeKey,
  CodeRow,
  Identity,
  RedemptionResult,
  PersonRow,
} from '../../core/ports/people-store.ts';
import type { NewOutbound, OutboxRow } from '../../core/ports/outbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { languageOf } from '../../core/languages.ts';
import { wordsIn, type Words } from '../../core/notices/index.ts';
import type { Counter, Log, Metrics, Random } from '../../core/ports/system.ts';
import type { PersonRole, Principal } from '../../core/principal.ts';
import type { Audit } from '../audit/audit.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { Attempts } from './attempts.ts';
import { refusal, type AccessPolicy } from './authorize.ts';
import { codeLifeMs, hashCode, mintCode, readCode } from './codes.ts';
import type { Directory } from './directory.ts';
import { askNotice, knockNotice, noticeRows, whoIs, type NoticeDeps } from './notices.ts';
import { NoticePace } from './notice-pace.ts';

/** A stranger is told one code an hour; this many may be open on an account. */
const againAfterMs = 3_600_000;
const maxOpenRequests = 100;
const maxListed = 200;
const maxWrongUses = 5;
const maxOwnerChats = 10;

export interface PairingDeps extends NoticeDeps {
  store: Store;
  random: Random;
  log: Log;
  metrics: Metrics;
  delivery: Pick<Delivery, 'wake'>;
  directory: Directory;
  audit: Audit;
  policy: (channel: string, account: string) => AccessPolicy;
}

/** Somebody who tries a code, and from where. */
export interface Sender {
  identity: Identity;
  display: string;
  conversation: ConversationRef;
}

export type Redeemed = RedemptionResult['outcome'] | 'too_many_attempts';

/** How strangers come in, and how one person comes to have several identities: by one-time codes. */
export class Pairing {
  readonly #deps: PairingDeps;
  readonly #attempts: Attempts;
  readonly #notices: NoticePace;
  readonly #asked: Counter;

  constructor(deps: PairingDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'pairing' }) };
    this.#attempts = new Attempts(deps.clock);
    this.#notices = new NoticePace(deps.clock);
    this.#asked = deps.metrics.counter('pairing_codes_total', 'One-time codes shown, by kind.');
  }

  /** A stranger who may ask wrote this in a direct chat. True when it is the code of a person, which lets them in. */
  async enter(event: InboundEvent): Promise<boolean> {
    const code = event.forwarded === true ? null : pairArgument(event.text);
    return code !== null && (await this.redeem(senderOf(event), code, 'stranger')) === 'linked';
  }

  /** Tells a stranger who wrote in a direct chat a code of their own, unless they were told one lately. */
  async ask(event: InboundEvent): Promise<void> {
    const { identity, display, conversation } = senderOf(event);
    const language = languageOf(event.language);
    const { store, clock, random, mintId, log } = this.#deps;
    const [code, id, now] = [mintCode(random), mintId('pair'), clock.now()];
    const planned = await store.openRequest(
      {
        id,
        kind: 'request',
        hash: hashCode(code),
        identity,
        display,
        conversation,
        language,
        person: null,
        createdAt: now,
        expiresAt: now + codeLifeMs,
      },
      { againAfter: now - againAfterMs, maxOpen: maxOpenRequests },
      noticeRows(id, conversation, askNotice(code, wordsIn(language)), this.#deps),
    );
    if (planned === null) return;
    this.#asked.add(1, { kind: 'request' });
    log.info('a stranger was shown a code', { channel: `${identity.channel}:${identity.account}`, pairing: id });
    this.#wake(planned);
    await this.#tellOwners(id, whoIs(display, identity));
  }

  /** Best effort: the request stands in the list, whoever hears of it. */
  async #tellOwners(id: string, who: string): Promise<void> {
    const { store, policy, log } = this.#deps;
    if (!this.#notices.take()) return;
    try {
      for (const { conversation, channel, account, native, ...known } of await store.ownerChats(maxOwnerChats)) {
        const place = { sender: native, conversation: conversation.native, chatType: 'direct' } as const;
        if (refusal(policy(channel, account), place, known) !== null) continue;
        const notice = knockNotice(who, id, await this.#wordsOf(known.person));
        const key = `${id}:${channel}:${account}:${native}`;
        this.#wake(await store.planOutbound(noticeRows(key, conversation, notice, this.#deps)));
      }
    } catch (error) {
      log.warn('owners could not be told of a stranger', { pairing: id, error });
    }
  }

  /** By the code the stranger was shown, or by the id in the list. */
  async approve(text: string, by: Principal, role: Exclude<PersonRole, 'owner'> = 'member'): Promise<PairingDecision> {
    const { key, code } = await this.#request(text, by);
    const { store, clock, mintId, log } = this.#deps;
    const newPerson: PersonRow = {
      id: mintId('per'),
      name: code?.display ?? '',
      role,
      language: code?.language ?? null,
      createdAt: clock.now(),
    };
    const to = code?.conversation ?? null;
    const welcome = { text: wordsIn(newPerson.language).access.welcome };
    const tell = code === null || to === null ? [] : noticeRows(`${code.id}:in`, to, welcome, this.#deps);
    const result = await store.decide({ code: key, approve: true, by: by.person, at: clock.now(), newPerson, tell });
    switch (result.outcome) {
      case 'approved': {
        this.#deps.directory.forget();
        this.#wake(result.outbox);
        const { person, identity, repeated } = result;
        if (!repeated) {
          log.info('a stranger was let in', { person: person.id, by: by.person, pairing: code?.id });
          await this.#deps.audit.record(by, 'pairing.approved', person.id, { pairing: code?.id ?? null, role });
        }
        return { outcome: 'approved', repeated, person: person.id, who: whoIs(code?.display ?? '', identity) };
      }
      case 'rejected':
        throw new ClankerError('conflict', 'already_rejected', 'This request was rejected; it cannot be approved.');
      case 'expired':
        throw new ClankerError('conflict', 'code_expired', 'This code has expired; who has it must write again.');
      default:
        throw noSuchRequest();
    }
  }

  /** Turns a stranger away for a week, or takes back what was approved. */
  async reject(text: string, by: Principal): Promise<PairingDecision> {
    const { key, code } = await this.#request(text, by);
    const { store, clock, log } = this.#deps;
    const at = clock.now();
    const nobody: PersonRow = { id: '', name: '', role: 'guest', language: null, createdAt: at };
    const result = await store.decide({ code: key, approve: false, by: by.person, at, newPerson: nobody, tell: [] });
    if (result.outcome !== 'rejected') throw noSuchRequest();
    this.#deps.directory.forget();
    if (!result.repeated) {
      log.info('a stranger was rejected', { by: by.person, pairing: code?.id });
      await this.#deps.audit.record(by, 'pairing.rejected', code?.id ?? (text.startsWith('pair_') ? text : null));
    }
    const identity = code?.identity ?? null;
    const who = identity === null ? '' : whoIs(code?.display ?? '', identity);
    return { outcome: 'rejected', repeated: result.repeated, person: null, who };
  }

  async list(): Promise<PairingList> {
    const { store, clock } = this.#deps;
    const [open, admitted] = await Promise.all([
      store.openRequests(clock.now(), maxListed),
      store.admissions(maxListed),
    ]);
    return { requests: open.map(requestOf), admitted: admitted.map(admittedOf) };
  }

  /** A code that makes who sends it, from a direct chat, the same person. `from`: the chat that asked for it. */
  async offer(person: string, from: Sender | null): Promise<{ code: string; expiresAt: number }> {
    const { store, clock, random, mintId } = this.#deps;
    const [code, now] = [mintCode(random), clock.now()];
    await store.offerLink({
      id: mintId('pair'),
      kind: 'link',
      hash: hashCode(code),
      identity: from?.identity ?? null,
      display: from?.display ?? '',
      conversation: from?.conversation ?? null,
      language: null,
      person,
      createdAt: now,
      expiresAt: now + codeLifeMs,
    });
    this.#asked.add(1, { kind: 'link' });
    if (from !== null) await this.#deps.audit.record(principalOf(from, person), 'link.begun', person);
    return { code, expiresAt: now + codeLifeMs };
  }

  /** Somebody sends the code of another chat, in the form that `readCode` gives. A stranger is let in by it. */
  async redeem(sender: Sender, code: string, as: 'known' | 'guest' | 'stranger'): Promise<Redeemed> {
    const { store, clock, directory, log } = this.#deps;
    const who = JSON.stringify(sender.identity);
    const guesser = as === 'known' ? 'known' : 'crowd';
    if (!this.#attempts.take(who, guesser)) return 'too_many_attempts';
    const hash = hashCode(code);
    const maker = await store.code({ hash });
    const tell = maker === null ? [] : await this.#becameYou(maker, sender);
    const result = await store.redeemLink({
      ...sender,
      hash,
      admit: as === 'stranger',
      at: clock.now(),
      maxWrongUses,
      tell,
    });
    if (result.outcome !== 'linked') return result.outcome;
    this.#attempts.giveBack(who, guesser);
    directory.forget();
    this.#wake(result.outbox);
    if (!result.repeated) {
      const { id } = result.person;
      log.info('a person has a further identity', { person: id, pairing: maker?.id });
      await this.#deps.audit.record(principalOf(sender, id), 'link.redeemed', id, { pairing: maker?.id ?? null });
    }
    return 'linked';
  }

  async #becameYou({ id, person, conversation }: CodeRow, sender: Sender): Promise<NewOutbound[]> {
    if (conversation === null || person === null) return [];
    const text = (await this.#wordsOf(person)).access.becameYou(whoIs(sender.display, sender.identity));
    return noticeRows(`${id}:linked`, conversation, { text }, this.#deps);
  }

  async #wordsOf(person: string): Promise<Words> {
    return wordsIn((await this.#deps.store.person(person))?.language ?? null);
  }

  /** A code that was shown where others read it is worth nothing any more. */
  burn(code: string): Promise<boolean> {
    return this.#deps.store.burnLink(hashCode(code));
  }

  /** What a decider means; a code that means nothing is an attempt. */
  async #request(text: string, by: Principal): Promise<{ key: CodeKey; code: CodeRow | null }> {
    const { store } = this.#deps;
    if (/^pair_[0-9a-z]{1,60}$/.test(text)) return { key: { id: text }, code: await store.code({ id: text }) };
    const code = readCode(text);
    if (code === null) throw invalidInput('bad_code', 'A code has eight letters and digits, such as ABCD-EFGH.');
    if (!this.#attempts.take(by.id, 'known')) {
      throw new ClankerError('rate_limited', 'too_many_attempts', 'Too many wrong codes; try again in ten minutes.', {
        retryable: true,
        retryAfterMs: 600_000,
      });
    }
    const key = { hash: hashCode(code) };
    const found = await store.code(key);
    if (found?.kind === 'request') this.#attempts.giveBack(by.id, 'known');
    return { key, code: found };
  }

  #wake(rows: readonly OutboxRow[]): void {
    for (const { conversation, chatType } of rows.slice(0, 1)) this.#deps.delivery.wake(conversation, chatType);
  }
}

/** Who speaks in a chat, as one who acts. */
export const principalOf = (
  { identity, display }: Pick<Sender, 'identity' | 'display'>,
  person: string,
): Principal => ({
  kind: 'sender',
  id: `${identity.channel}:${identity.account}:${identity.native}`,
  person,
  scope: 'send',
  name: display,
});

const senderOf = ({ conversation, sender }: InboundEvent): Sender => ({
  identity: { channel: conversation.channel, account: conversation.account, native: sender.native },
  display: sender.display,
  conversation,
});

/** The code of `/pair CODE`, when that is all that was said. */
function pairArgument(text: string): string | null {
  const match = /^\/pair(?:@\w+)?\s+(\S[^\n]*)$/i.exec(text.trim());
  return match?.[1] === undefined ? null : readCode(match[1]);
}

const noSuchRequest = (): ClankerError =>
  new ClankerError('not_found', 'unknown_code', 'Nobody who asked to be let in has this code.');

const requestOf = ({ id, identity, display, createdAt, expiresAt }: CodeRow): PairingList['requests'][number] => ({
  id,
  channel: `${identity?.channel}:${identity?.account}`,
  sender: identity?.native ?? '',
  display,
  createdAt,
  expiresAt,
});

const admittedOf = (row: AdmissionRow): PairingList['admitted'][number] => ({
  id: row.id,
  channel: `${row.channel}:${row.account}`,
  sender: row.native,
  display: row.display,
  person: row.person,
  role: row.role,
  by: row.by,
  at: row.at,
});
