import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Part, Role } from '../../core/message.ts';
import { excerpt } from '../../core/redact.ts';
import type { SessionRow } from '../../core/ports/session-store.ts';
import { parseDuration } from '../../core/units.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { limitOf } from '../limit.ts';
import { jsonText } from '../terminal.ts';

/** A message as the API writes it. */
interface Message {
  seq: number;
  role: Role;
  text: string;
  parts: Part[];
  author: string | null;
  time: number;
}

interface Messages {
  messages: Message[];
  next_cursor: string | null;
}

const pageSize = 200;
const maxResultShown = 100;

const pathOf = ({ positionals }: Invocation): string => `/api/v1/sessions/${encodeURIComponent(positionals[0] ?? '')}`;

export const list: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.get<{ sessions: SessionRow[] }>(`/api/v1/sessions?limit=${limitOf(invocation)}`);
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else if (body.sessions.length === 0) invocation.terminal.line('There are no sessions yet.');
  else {
    for (const { key, messageCount, lastActiveAt, title } of body.sessions) {
      const when = new Date(lastActiveAt).toISOString().slice(0, 16).replace('T', ' ');
      invocation.terminal.line([key, `${messageCount} messages`, when, title ?? ''].join('  ').trimEnd());
    }
  }
  return 0;
};

/** The newest messages, oldest of them first. */
export const show: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const limit = limitOf(invocation);
  let newest: Message[] = [];
  for await (const page of pages(client, invocation)) newest = [...newest, ...page].slice(-limit);
  if (invocation.options.has('json')) invocation.terminal.json({ messages: newest });
  else if (newest.length === 0) invocation.terminal.line('The session has no messages.');
  else for (const message of newest) invocation.terminal.line(messageText(message));
  return 0;
};

/** The file that `sessions import` reads. */
export const exportSession: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  for await (const line of client.lines(`${pathOf(invocation)}/export`)) {
    invocation.terminal.write(`${jsonText(JSON.parse(line), 0)}\n`);
  }
  return 0;
};

export const importSession: Handler = async (invocation) => {
  const [file = ''] = invocation.positionals;
  const bytes = await readFile(path.resolve(invocation.cwd, file)).catch(() => {
    throw new CliError(`${file} cannot be read; name the file that "open-clanker sessions export" printed.`);
  });
  const name = invocation.options.value('session');
  const query = name === undefined ? '' : `?session=${encodeURIComponent(name)}`;
  const client = await GatewayClient.of(invocation);
  const made = await client.postBytes<SessionRow>(`/api/v1/sessions/import${query}`, bytes, 'application/x-ndjson');
  if (invocation.options.has('json')) invocation.terminal.json(made);
  else invocation.terminal.line(`${made.messageCount} messages are in the session ${made.key}.`);
  return 0;
};

export const reset: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.post(`${pathOf(invocation)}/reset`);
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else invocation.terminal.line('The session begins anew.');
  return 0;
};

export const cleanup: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const text = options.value('max-age');
  if (text === undefined) throw new CliError('Say how long they were not used: --max-age 30d', 2);
  const maxAgeMs = parseDuration(text);
  if (maxAgeMs < 1000) throw new CliError('--max-age takes one second or more, such as 30d.', 2);
  const client = await GatewayClient.of(invocation);
  const body = await client.post<{ closed: number }>('/api/v1/sessions/cleanup', {
    max_age_seconds: Math.floor(maxAgeMs / 1000),
  });
  if (options.has('json')) terminal.json(body);
  else terminal.line(`${body.closed} sessions begin a new history with their next message.`);
  return 0;
};

export const remove: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.delete(pathOf(invocation));
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else invocation.terminal.line('The session is deleted.');
  return 0;
};

async function* pages(client: GatewayClient, invocation: Invocation): AsyncGenerator<Message[]> {
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Messages = await client.get<Messages>(`${pathOf(invocation)}/messages?limit=${pageSize}${after}`);
    yield page.messages;
    cursor = page.next_cursor;
  } while (cursor !== null);
}

/** What was said, and what was called; of a result the beginning, as it may be long. */
function messageText({ time, author, role, text, parts }: Message): string {
  const when = new Date(time).toISOString().slice(0, 19).replace('T', ' ');
  const others = parts.flatMap((part) => {
    if (part.type === 'tool_call') return [`[calls ${part.name}]`];
    return part.type === 'tool_result' ? [`[${part.name}: ${excerpt(part.text, maxResultShown)}]`] : [];
  });
  const lines = [...(text === '' ? [] : [text]), ...others].join('\n');
  return `${when}  ${author ?? role}\n${lines.replaceAll(/^(?=.)/gm, '  ')}\n`;
}
