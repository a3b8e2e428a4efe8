import type { DeadLetter } from '../../core/ports/gateway.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { limitOf } from '../limit.ts';

const pathOf = ({ positionals }: Invocation): string => `/api/v1/dead/${encodeURIComponent(positionals[0] ?? '')}`;
const shownCharacters = 60;

const kinds: Readonly<Record<DeadLetter['kind'], { brief: string; whole: string }>> = {
  inbox: { brief: 'not answered', whole: 'a message that was not answered' },
  outbox: { brief: 'not delivered', whole: 'a reply that was not delivered' },
  task: { brief: 'not done', whole: 'a task that was not done' },
};

export const list: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.get<{ dead: DeadLetter[] }>(`/api/v1/dead?limit=${limitOf(invocation)}`);
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else if (body.dead.length === 0) invocation.terminal.line('There are no dead letters.');
  else {
    for (const { id, kind, channel, reason, text } of body.dead) {
      const start = text.replaceAll(/\s+/g, ' ').slice(0, shownCharacters);
      invocation.terminal.line(
        [id, kinds[kind].brief, channel, reason, `"${start}"`].filter((part) => part !== '').join('  '),
      );
    }
  }
  return 0;
};

export const show: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const letter = await client.get<DeadLetter>(pathOf(invocation));
  if (invocation.options.has('json')) invocation.terminal.json(letter);
  else for (const line of letterLines(letter)) invocation.terminal.line(line);
  return 0;
};

export const retry: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.post(`${pathOf(invocation)}/retry`);
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else invocation.terminal.line('It is queued again.');
  return 0;
};

export const clear: Handler = async (invocation) => {
  const { options, positionals, terminal } = invocation;
  if (options.has('all') === positionals.length > 0) {
    throw new CliError('Name one dead letter or give --all. Usage: open-clanker dead clear ID | --all', 2);
  }
  const client = await GatewayClient.of(invocation);
  const body = await client.delete<{ cleared: number }>(options.has('all') ? '/api/v1/dead' : pathOf(invocation));
  if (options.has('json')) terminal.json(body);
  else terminal.line(`Cleared ${body.cleared}.`);
  return 0;
};

const letterLines = (letter: DeadLetter): string[] => [
  `${letter.id}: ${kinds[letter.kind].whole}`,
  ...(letter.channel === '' ? [] : [`Channel: ${letter.channel}`]),
  ...(letter.sessionKey === '' ? [] : [`Session: ${letter.sessionKey}`]),
  `Since:   ${new Date(letter.at).toISOString()}, after ${letter.attempts} ${letter.attempts === 1 ? 'attempt' : 'attempts'}`,
  `Reason:  ${letter.reason}`,
  `Text:    ${letter.text}`,
  `To queue it again: open-clanker dead retry ${letter.id}`,
];
