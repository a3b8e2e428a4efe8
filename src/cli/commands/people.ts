import type { PersonDetail, PersonInfo } from '../../core/ports/gateway.ts';
import { roles } from '../../core/roles.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { limitOf } from '../limit.ts';

const pathOf = ({ positionals }: Invocation): string => `/api/v1/people/${encodeURIComponent(positionals[0] ?? '')}`;

export const list: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.get<{ people: PersonInfo[] }>(`/api/v1/people?limit=${limitOf(invocation)}`);
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else for (const { id, name, role } of body.people) invocation.terminal.line([id, role, name].join('  '));
  return 0;
};

export const show: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const person = await client.get<PersonDetail>(pathOf(invocation));
  if (invocation.options.has('json')) invocation.terminal.json(person);
  else for (const line of personLines(person)) invocation.terminal.line(line);
  return 0;
};

export const link: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const made = await client.post<{ code: string; expiresAt: number }>(`${pathOf(invocation)}/link`);
  if (invocation.options.has('json')) invocation.terminal.json(made);
  else {
    invocation.terminal.line(
      `Send this within an hour from the chat that is theirs, to nobody else: /pair ${made.code}`,
    );
  }
  return 0;
};

export const unlink: Handler = async (invocation) => {
  const [, channel = '', sender = ''] = invocation.positionals;
  const client = await GatewayClient.of(invocation);
  const person = await client.post<PersonInfo>(`${pathOf(invocation)}/unlink`, { channel, sender });
  if (invocation.options.has('json')) invocation.terminal.json(person);
  else invocation.terminal.line(`${sender} on ${channel} is ${person.id} now, a ${person.role}.`);
  return 0;
};

export const role: Handler = async (invocation) => {
  const wanted = invocation.positionals[1] ?? '';
  if (!roles.some((known) => known === wanted)) throw new CliError(`A role is one of ${roles.join(', ')}.`, 2);
  const client = await GatewayClient.of(invocation);
  const person = await client.post<PersonInfo>(`${pathOf(invocation)}/role`, { role: wanted });
  if (invocation.options.has('json')) invocation.terminal.json(person);
  else invocation.terminal.line(`${person.name} (${person.id}) is ${person.role} now.`);
  return 0;
};

const personLines = ({ id, name, role: held, language, createdAt, identities }: PersonDetail): string[] => [
  `${name} (${id}), ${held}`,
  `Since:    ${new Date(createdAt).toISOString().slice(0, 10)}`,
  `Language: ${language ?? 'not known'}`,
  ...(identities.length === 0 ? ['Talks to us on no channel.'] : ['Talks to us as:']),
  ...identities.map(
    ({ channel, sender, display, admitted }) =>
      `  ${display} (${sender}) on ${channel}${admitted ? ', let in by approval or code' : ''}`,
  ),
];
