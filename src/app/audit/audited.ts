import type { Gateway } from '../../core/ports/gateway.ts';
import type { Principal } from '../../core/principal.ts';
import type { Audit } from './audit.ts';

/**
 * The gateway, with what is done through it written down; pairing writes its own deeds, as chats come to it by another
 * way. A deed that failed is none, and success is told only when it is on record.
 */
export function audited(gateway: Gateway, audit: Audit): Gateway {
  return {
    ...gateway,
    async createToken(principal, request) {
      const made = await gateway.createToken(principal, request);
      const { id, scopes, person, expiresAt } = made;
      await audit.record(principal, 'token.created', id, { scopes, person, expires_at: expiresAt });
      return made;
    },
    async rotateToken(principal, id) {
      const made = await gateway.rotateToken(principal, id);
      await audit.record(principal, 'token.rotated', id);
      return made;
    },
    async revokeToken(principal, id) {
      await gateway.revokeToken(principal, id);
      await audit.record(principal, 'token.revoked', id);
    },
    async setRole(principal, id, role) {
      const person = await gateway.setRole(principal, id, role);
      await audit.record(principal, 'role.set', id, { role });
      return person;
    },
    async setPersonBudget(principal, id, change) {
      const budget = await gateway.setPersonBudget(principal, id, change);
      await audit.record(principal, 'budget.set', id, { ...change });
      return budget;
    },
    async linkPerson(principal, id) {
      const offered = await gateway.linkPerson(principal, id);
      await audit.record(principal, 'link.begun', id);
      return offered;
    },
    async unlinkPerson(principal, id, identity) {
      const alone = await gateway.unlinkPerson(principal, id, identity);
      await audit.record(principal, 'link.undone', id, { channel: identity.channel, person: alone.id });
      return alone;
    },
    async channelAction(principal, id, action) {
      const status = await gateway.channelAction(principal, id, action);
      await audit.record(principal, `channel.${action}`, id);
      return status;
    },
    async deleteSession(principal, key) {
      const { owner, messageCount } = await gateway.session(principal, key);
      await gateway.deleteSession(principal, key);
      // A key can hold the id of a chat: whose session it was says enough.
      await audit.record(principal, 'session.deleted', owner, { messages: messageCount });
    },
    async importSession(principal, lines, name) {
      const session = await gateway.importSession(principal, lines, name);
      await audit.record(principal, 'session.imported', session.owner, { messages: session.messageCount });
      return session;
    },
    async clearDead(principal, id) {
      const cleared = await gateway.clearDead(principal, id);
      if (cleared > 0) await audit.record(principal, 'dead.cleared', id ?? null, { cleared });
      return cleared;
    },
    reloadConfig: (principal) => recordedReload(() => gateway.reloadConfig(principal), audit, principal),
  };
}

/** A reload with its record; `by` null: the gateway itself noticed a change. */
export async function recordedReload(
  reload: () => Promise<{ changed: string[] }>,
  audit: Audit,
  by: Principal | null,
): Promise<{ changed: string[] }> {
  try {
    const { changed } = await reload();
    await audit.record(by, 'config.reloaded', null, { changed });
    return { changed };
  } catch (error) {
    await audit.record(by, 'config.rejected');
    throw error;
  }
}
