import { ClankerError, notFound } from '../../core/errors.ts';
import type { PairingList, PersonDetail, PersonInfo } from '../../core/ports/gateway.ts';
import type { MintId } from '../../core/ids.ts';
import type { Listed, ListOptions } from '../../core/ports/listed.ts';
import type { PersonRow } from '../../core/ports/people-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { ownerPerson, requireScope, scopeIncludes, type PersonRole, type Principal } from '../../core/principal.ts';
import { may } from '../../core/roles.ts';
import { showCode } from './codes.ts';
import type { Directory } from './directory.ts';
import type { Pairing } from './pairing.ts';

export interface PeopleDeps {
  store: Store;
  clock: Clock;
  mintId: MintId;
  directory: Directory;
  pairing: Pairing;
}

/** Persons as clients see them: oneself, and for an operator (`admin`) everybody. */
export class People {
  readonly #deps: PeopleDeps;

  constructor(deps: PeopleDeps) {
    this.#deps = deps;
  }

  async list(principal: Principal, options: ListOptions): Promise<Listed<PersonInfo>> {
    const { store } = this.#deps;
    if (seesAll(principal)) return store.listPeople(options);
    const own = await store.person(principal.person);
    return { items: own === null ? [] : [own], nextCursor: null };
  }

  async show(principal: Principal, id: string): Promise<PersonDetail> {
    const person = await this.#find(principal, id);
    const identities = await this.#deps.store.identitiesOf(id);
    return {
      ...person,
      identities: identities.map(({ channel, account, native, display, admitted }) => ({
        channel: `${channel}:${account}`,
        sender: native,
        display,
        admitted,
      })),
    };
  }

  /** In force with the next message. */
  async setRole(principal: Principal, id: string, role: PersonRole): Promise<PersonInfo> {
    await this.#mayChange(principal);
    if (id === ownerPerson && role !== 'owner') {
      throw new ClankerError('conflict', 'owner_fixed', 'The person "owner" acts by the operator token and stays one.');
    }
    const person = await this.#deps.store.setRole(id, role);
    if (person === null) throw notFound('person');
    this.#deps.directory.forget();
    return person;
  }

  /** A code to be sent from the chat that is theirs, too. */
  async link(principal: Principal, id: string): Promise<{ code: string; expiresAt: number }> {
    await this.#mayChange(principal);
    await this.#find(principal, id);
    const { code, expiresAt } = await this.#deps.pairing.offer(id, null);
    return { code: showCode(code), expiresAt };
  }

  async unlink(principal: Principal, id: string, of: { channel: string; sender: string }): Promise<PersonInfo> {
    await this.#mayChange(principal);
    const { store, directory, clock, mintId } = this.#deps;
    const [channel = '', account = 'main'] = of.channel.split(':');
    const identity = { channel, account, native: of.sender };
    const known = await store.identity(identity);
    const createdAt = clock.now();
    const alone: PersonRow = {
      id: mintId('per'),
      name: known?.display ?? '',
      role: 'guest',
      language: null,
      createdAt,
    };
    const person = known?.person === id ? await store.unlink(identity, alone) : null;
    if (person === null) throw notFound('identity of this person');
    directory.forget();
    return person;
  }

  async pairings(principal: Principal): Promise<PairingList> {
    const { requests, admitted } = await this.#deps.pairing.list();
    return {
      requests: scopeIncludes(principal.scope, 'manage') ? requests : [],
      admitted: admitted.filter(({ person }) => seesAll(principal) || person === principal.person),
    };
  }

  /** A token needs the scope; whoever speaks in a chat or a job is judged by their role. */
  async #mayChange(principal: Principal): Promise<void> {
    if (principal.kind === 'token') return requireScope(principal, 'admin');
    const person = await this.#deps.store.person(principal.person);
    if (person === null || !may(person.role, 'change_people')) {
      throw new ClankerError('auth', 'forbidden', 'Only an owner may change people.');
    }
    return undefined;
  }

  async #find(principal: Principal, id: string): Promise<PersonRow> {
    const person = seesAll(principal) || id === principal.person ? await this.#deps.store.person(id) : null;
    if (person === null) throw notFound('person');
    return person;
  }
}

const seesAll = (principal: Principal): boolean => scopeIncludes(principal.scope, 'admin');
