import type { AuditRow } from '../../core/audit.ts';
import type { AuditVerdict } from '../../core/ports/rights-gateway.ts';
import { GatewayClient } from '../client.ts';
import type { Handler } from '../command.ts';
import { limitOf } from '../limit.ts';
import { sinceOf } from '../since.ts';

export const log: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const query = new URLSearchParams({ limit: String(limitOf(invocation)) });
  for (const name of ['action', 'actor']) {
    const value = options.value(name);
    if (value !== undefined) query.set(name, value);
  }
  const since = sinceOf(invocation);
  if (since !== null) query.set('since', since);
  const client = await GatewayClient.of(invocation);
  const body = await client.get<{ audit: AuditRow[] }>(`/api/v1/audit?${query.toString()}`);
  if (options.has('json')) terminal.json(body);
  else if (body.audit.length === 0) terminal.line('Nothing is on record.');
  else for (const row of body.audit) terminal.line(rowLine(row));
  return 0;
};

export const verify: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const verdict = await client.get<AuditVerdict>('/api/v1/audit/verify');
  const { ok, rows, head, broken } = verdict;
  if (invocation.options.has('json')) invocation.terminal.json(verdict);
  else if (broken === null)
    invocation.terminal.line(`All ${rows} rows are what was written; the last hash is ${head}.`);
  else invocation.terminal.line(`Row ${broken.seq} is the first that does not fit: ${broken.detail}`);
  return ok ? 0 : 1;
};

function rowLine({ at, actor, name, action, subject, metadata }: AuditRow): string {
  const who = name === '' ? actor.id : `${actor.id} (${name})`;
  const more = Object.keys(metadata).length === 0 ? '' : JSON.stringify(metadata);
  return [new Date(at).toISOString(), action, subject ?? '', `by ${who}`, more]
    .filter((word) => word !== '')
    .join('  ');
}
