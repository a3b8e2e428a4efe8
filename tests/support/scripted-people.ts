/** One person and their rights, one who waits to be let in, and what both may spend. */
import type { AuditRow } from '../../src/core/audit.ts';
import { type BudgetLine, noLimits } from '../../src/core/budget.ts';
import { ClankerError, notFound } from '../../src/core/errors.ts';
import type {
  ChannelStatus,
  PairingDecision,
  PairingList,
  PersonBudget,
  PersonDetail,
  PersonInfo,
  UsageLine,
} from '../../src/core/ports/gateway.ts';
import type { Listed } from '../../src/core/ports/listed.ts';
import type { AuditVerdict } from '../../src/core/ports/rights-gateway.ts';
import type { ErasureReceipt } from '../../src/core/ports/rights-store.ts';
import type { Settings, WrittenSettings } from '../../src/core/preferences.ts';
import { ownerPerson, type PersonRole, type Principal, requireScope } from '../../src/core/principal.ts';
import { ScriptedAgent } from './scripted-agent.ts';

export class ScriptedPeople extends ScriptedAgent {
  async people(): Promise<Listed<PersonInfo>> {
    return { items: [somebody], nextCursor: null };
  }

  async person(_: Principal, id: string): Promise<PersonDetail> {
    if (id !== somebody.id) throw notFound('person');
    const identities = [{ channel: telegram.id, sender: '42', display: 'Ada', admitted: true }];
    return { ...somebody, identities };
  }

  async setRole(principal: Principal, id: string, role: PersonRole): Promise<PersonInfo> {
    const { identities: _, ...person } = await this.person(principal, id);
    return { ...person, role };
  }

  async linkPerson(principal: Principal, id: string): Promise<{ code: string; expiresAt: number }> {
    await this.person(principal, id);
    return { code: 'ABCD-EFGH', expiresAt: this.startedAt };
  }

  async unlinkPerson(principal: Principal, id: string): Promise<PersonInfo> {
    return this.setRole(principal, id, 'guest');
  }

  async pairings(): Promise<PairingList> {
    const who = { id: 'pair_1', channel: telegram.id, sender: '43', display: 'Grace' };
    const at = this.startedAt;
    return {
      requests: [{ ...who, createdAt: at, expiresAt: at }],
      admitted: [{ ...who, person: somebody.id, role: 'member', by: ownerPerson, at }],
    };
  }

  async approvePairing(_: Principal, { code }: { code: string }): Promise<PairingDecision> {
    if (code !== 'ABCD-EFGH') throw new ClankerError('not_found', 'unknown_code', 'Nobody has this code.');
    return { outcome: 'approved', repeated: false, person: somebody.id, who: 'Grace (id 43 on telegram:main)' };
  }

  async rejectPairing(principal: Principal, request: { code: string }): Promise<PairingDecision> {
    return { ...(await this.approvePairing(principal, request)), outcome: 'rejected', person: null };
  }

  async exportPerson(_: Principal, id: string): Promise<AsyncIterable<string>> {
    if (id !== somebody.id) throw notFound('person');
    return (async function* lines() {
      yield JSON.stringify({ export: { person: id } });
      yield JSON.stringify({ end: {} });
    })();
  }

  async erasePerson(_: Principal, id: string): Promise<ErasureReceipt> {
    if (id !== somebody.id) throw notFound('person');
    const at = this.startedAt;
    return { person: id, begunAt: at, finishedAt: at, removed: { people: 1 }, compacted: true, kept: [], digest: '' };
  }

  async erasures(principal: Principal): Promise<ErasureReceipt[]> {
    return [await this.erasePerson(principal, somebody.id)];
  }

  async audit(): Promise<Listed<AuditRow>> {
    const actor = { kind: 'token', id: 'tok_1', person: 'owner' } as const;
    const row = {
      seq: 1,
      at: this.startedAt,
      actor,
      name: 'laptop',
      action: 'role.set',
      subject: somebody.id,
    } as const;
    return { items: [{ ...row, metadata: { role: 'guest' }, hash: '0'.repeat(64) }], nextCursor: null };
  }

  async verifyAudit(): Promise<AuditVerdict> {
    return { ok: true, rows: 1, head: '0'.repeat(64), broken: null };
  }

  async usage(): Promise<UsageLine[]> {
    return [
      {
        day: '2026-01-01',
        person: ownerPerson,
        provider: 'demo',
        model: 'demo',
        calls: 1,
        input: 1,
        cacheRead: 0,
        cacheWrite: 0,
        output: 2,
        cost: null,
        unpriced: 1,
      },
    ];
  }

  async budgets(): Promise<BudgetLine[]> {
    return [
      {
        account: 'total',
        period: 'day',
        unit: 'usd',
        limit: 1,
        spent: 0.25,
        reserved: 0,
        left: 0.75,
        renewsAt: this.startedAt,
      },
    ];
  }

  async personBudget(principal: Principal, id: string): Promise<PersonBudget> {
    await this.person(principal, id);
    return { limits: { ...noLimits, usdDay: 1 }, own: { usdDay: 1 }, budgets: await this.budgets() };
  }

  async setPersonBudget(principal: Principal, id: string): Promise<PersonBudget> {
    requireScope(principal, 'admin');
    return this.personBudget(principal, id);
  }

  async settings(principal: Principal, id: string): Promise<Settings> {
    await this.person(principal, id);
    return { language: 'de', model: null, time_zone: 'Europe/Berlin', quiet_hours: null, notices: true };
  }

  async setSettings(principal: Principal, id: string, written: WrittenSettings): Promise<Settings> {
    const { notices = true } = written;
    return { ...(await this.settings(principal, id)), notices };
  }
}

const somebody: PersonInfo = { id: 'per_ada', name: 'Ada', role: 'member', language: null, createdAt: 0 };

export const telegram: ChannelStatus = {
  id: 'telegram:main',
  type: 'telegram',
  account: 'main',
  paused: false,
  health: { state: 'connected', detail: '', lastReceiveAt: null, lastEventAt: null, identity: '@bot' },
};
