import type { RightsGateway } from '../../core/ports/rights-gateway.ts';
import { requireScope } from '../../core/principal.ts';
import type { Audit } from '../audit/audit.ts';
import { importSession, type ImportDeps } from '../gateway/import-session.ts';
import type { Erasures } from './erasure.ts';
import { exportPerson, type ExportDeps } from './export.ts';

/** What clients may ask of people's rights and of the log of deeds. */
export function rightsOf(deps: ExportDeps & ImportDeps & { audit: Audit; erasures: Erasures }): RightsGateway {
  const { audit, erasures } = deps;
  return {
    exportPerson: (principal, id) => exportPerson(principal, id, deps),
    erasePerson: (principal, id) => erasures.erase(principal, id),
    async erasures(principal, limit) {
      requireScope(principal, 'admin');
      return erasures.receipts(limit);
    },
    async audit(principal, filter, options) {
      requireScope(principal, 'admin');
      return audit.list(filter, options);
    },
    async verifyAudit(principal) {
      requireScope(principal, 'admin');
      return audit.verify();
    },
    importSession: (principal, lines, name) => importSession(principal, lines, name, deps),
  };
}
