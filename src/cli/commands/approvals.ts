import type { ApprovalInfo } from '../../core/ports/approval-gateway.ts';
import { formatDuration } from '../../core/units.ts';
import { visible } from '../../core/visible.ts';
import { GatewayClient } from '../client.ts';
import type { Handler, Invocation } from '../command.ts';
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
  else for (const row of body.approvals) terminal.line(`${row.id}  ${row.tool} for ${row.person}: ${stateOf(row)}`);
  return 0;
};

export const show: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const row = await client.get<ApprovalInfo>(`/api/v1/approvals/${idOf(invocation)}`);
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
    `/api/v1/approvals/${idOf(invocation)}/${verb}`,
    {},
  );
  const { options, terminal } = invocation;
  if (options.has('json')) terminal.json(ticket);
  else terminal.line(`The answer is on its way; what comes of it is said in ${ticket.session}.`);
  return 0;
}

const idOf = ({ positionals }: Invocation): string => encodeURIComponent(positionals[0] ?? '');

function stateOf({ state, expiresAt, decidedBy }: ApprovalInfo): string {
  if (state === 'open') return `open for ${formatDuration(Math.max(0, expiresAt - Date.now()))}`;
  return decidedBy === null ? state : `${state} by ${decidedBy}`;
}
