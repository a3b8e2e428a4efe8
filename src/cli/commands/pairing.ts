import type { PairingDecision, PairingList } from '../../core/ports/gateway.ts';
import { formatDuration } from '../../core/units.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';

export const list: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.get<PairingList>('/api/v1/pairing');
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else for (const line of pairingLines(body, Date.now())) invocation.terminal.line(line);
  return 0;
};

export const approve: Handler = async (invocation) => {
  const role = invocation.options.value('role');
  if (role !== undefined && role !== 'member' && role !== 'guest') {
    throw new CliError('--role takes member or guest; for an owner: open-clanker people role PERSON owner', 2);
  }
  const made = await decide(invocation, 'approve', role === undefined ? {} : { role });
  const { who, person, repeated } = made;
  tell(invocation, made, `${who} ${repeated ? 'was let in before' : 'is let in'}, person ${person ?? ''}.`);
  return 0;
};

export const reject: Handler = async (invocation) => {
  const made = await decide(invocation, 'reject', {});
  const who = made.who === '' ? 'Who came with it' : made.who;
  tell(invocation, made, `${who} ${made.repeated ? 'was turned away before' : 'is turned away'}.`);
  return 0;
};

async function decide(invocation: Invocation, action: string, more: object): Promise<PairingDecision> {
  const client = await GatewayClient.of(invocation);
  return client.post(`/api/v1/pairing/${action}`, { code: invocation.positionals[0] ?? '', ...more });
}

function tell({ options, terminal }: Invocation, made: PairingDecision, words: string): void {
  if (options.has('json')) terminal.json(made);
  else terminal.line(words);
}

/** `now`: milliseconds since the epoch. */
function pairingLines({ requests, admitted }: PairingList, now: number): string[] {
  const lines = requests.map(
    ({ id, channel, sender, display, expiresAt }) =>
      `  ${display} (${sender}) on ${channel}, for ${formatDuration(Math.max(0, expiresAt - now))} more. ${id}`,
  );
  const inside = admitted.map(
    ({ id, channel, sender, display, person, role, by, at }) =>
      `  ${display} (${sender}) on ${channel}: ${person}, ${role}; by ${by}, ${new Date(at).toISOString().slice(0, 10)}. ${id}`,
  );
  return [
    ...(lines.length === 0
      ? ['Nobody waits to be let in.']
      : ['Waiting; ask them for the code they were shown:', ...lines]),
    ...(inside.length === 0 ? [] : ['Let in:', ...inside]),
  ];
}
