import type { ApprovalInfo } from '../../core/ports/approval-gateway.ts';
import { formatDuration } from '../../core/units.ts';
import { visible } from '../../core/visible.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { limitOf } from '../limit.ts';

export const list: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const client = await GatewayClient.of(invocation);
  const open = options.has('all') ? '' : 'open=true&';
  const body = await client.get<{ approvals: ApprovalInfo[] }>(
    `/api/v1/approvals?${open}limit=${String(limitOf(invocation))}`,
  );
  if (options.has('json')) terminal.json(body);
  else if (body.approvals.length === 0) terminal.line('Nothing waits for an approval.');
  else
    for (const row of body.approvals)
      terminal.line(`${row.id}  ${row.digest.slice(0, 8)}  ${row.tool} for ${row.person}: ${stateOf(row)}`);
  return 0;
};

export const show: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const row = await client.get<ApprovalInfo>(`/api/v1/approvals/${await idOf(client, invocation)}`);
  const { options, terminal } = invocation;
  if (options.has('json')) {
    terminal.json(row);
    return 0;
  }
  terminal.line(`${row.tool} (${row.effects.join(', ')}) for ${row.person}, asked in ${row.session}: ${stateOf(row)}`);
  terminal.line(row.reason);
  if (row.tainted !== null) terminal.line(`Text that others may have written is in play: ${visible(row.tainted)}`);
  for (const [name, value] of Object.entries(row.args)) {
    const text = visible(typeof value === 'string' ? value : JSON.stringify(value));
    terminal.line(`  ${visible(name)}: ${text.replaceAll('\n', '\n    | ')}`);
  }
  terminal.line(`SHA-256 ${row.digest}`);
  return 0;
};

export const approve: Handler = (invocation) => answer(invocation, 'approve');
export const deny: Handler = (invocation) => answer(invocation, 'deny');

async function answer(invocation: Invocation, verb: 'approve' | 'deny'): Promise<number> {
  const client = await GatewayClient.of(invocation);
  const ticket = await client.post<{ message_id: string; session: string }>(
    `/api/v1/approvals/${await idOf(client, invocation)}/${verb}`,
    {},
  );
  const { options, terminal } = invocation;
  if (options.has('json')) terminal.json(ticket);
  else terminal.line(`The answer is on its way; what comes of it is said in ${ticket.session}.`);
  return 0;
}

/** What was asked is shown with a number, the beginning of its digest; that names it here, too. */
async function idOf(client: GatewayClient, { positionals }: Invocation): Promise<string> {
  const [given = ''] = positionals;
  if (!/^[0-9a-f]{8}$/.test(given)) return encodeURIComponent(given);
  const { approvals } = await client.get<{ approvals: ApprovalInfo[] }>('/api/v1/approvals?limit=200');
  const [found, another] = approvals.filter(({ digest }) => digest.startsWith(given));
  if (found === undefined || another !== undefined)
    throw new CliError(`No single question has the number ${given}; "open-clanker approvals list --all" shows them.`);
  return encodeURIComponent(found.id);
}

function stateOf({ state, expiresAt, decidedBy }: ApprovalInfo): string {
  if (state === 'open') return `open for ${formatDuration(Math.max(0, expiresAt - Date.now()))}`;
  return decidedBy === null ? state : `${state} by ${decidedBy}`;
}
