import type { NoteRow } from '../../core/ports/notes.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { limitOf } from '../limit.ts';
import { readMessage } from '../read-message.ts';

type Note = Omit<NoteRow, 'owner'>;

interface Notes {
  notes: Note[];
  next_cursor: string | null;
  suggestions?: string[];
}

const shownCharacters = 60;

export const list: Handler = (invocation) => print(invocation, null);
export const search: Handler = (invocation) => print(invocation, invocation.positionals[0] ?? '');

async function print(invocation: Invocation, query: string | null): Promise<number> {
  const asked = new URLSearchParams();
  if (query !== null) asked.set('q', query);
  // What a page holds when nobody says it is the gateway's to know.
  if (invocation.options.has('limit')) asked.set('limit', String(limitOf(invocation)));
  const client = await GatewayClient.of(invocation);
  const body = await client.get<Notes>(asked.size === 0 ? '/api/v1/notes' : `/api/v1/notes?${asked.toString()}`);
  const { terminal } = invocation;
  if (invocation.options.has('json')) terminal.json(body);
  else if (body.notes.length === 0) terminal.line(query === null ? 'There are no notes.' : 'No note has these words.');
  else {
    for (const { title, text, updatedAt } of body.notes) {
      const start = text.replaceAll(/\s+/g, ' ').trim().slice(0, shownCharacters);
      terminal.line([new Date(updatedAt).toISOString().slice(0, 10), title, start].join('  '));
    }
    if (body.next_cursor !== null) terminal.line('There are more; --limit shows them, at most 100.');
  }
  return 0;
}

export const get: Handler = async (invocation) => {
  const note = await find(await GatewayClient.of(invocation), invocation);
  if (invocation.options.has('json')) invocation.terminal.json(note);
  else invocation.terminal.line(note.text);
  return 0;
};

export const set: Handler = async (invocation) => {
  const { options, positionals, terminal } = invocation;
  const message = options.value('message');
  if (message === undefined) throw new CliError('Say the text with -m TEXT; "-m -" reads it from standard input.', 2);
  const expires = options.value('expires');
  const client = await GatewayClient.of(invocation);
  const note = await client.post<Note>('/api/v1/notes', {
    title: positionals[0] ?? '',
    text: await readMessage(message, terminal.input),
    ...(expires === undefined ? {} : { expires: expires === 'never' ? null : expires }),
  });
  if (options.has('json')) terminal.json(note);
  else terminal.line(`"${note.title}" is kept${note.expiresAt === null ? '' : ` until ${minute(note.expiresAt)}`}.`);
  return 0;
};

export const remove: Handler = async (invocation) => {
  const { options, positionals, terminal } = invocation;
  if (options.has('all') === positionals.length > 0) {
    throw new CliError('Name one note or give --all. Usage: open-clanker notes delete TITLE | --all', 2);
  }
  const client = await GatewayClient.of(invocation);
  if (options.has('all')) {
    const body = await client.delete<{ deleted: number }>('/api/v1/notes');
    if (options.has('json')) terminal.json(body);
    else terminal.line(`Deleted ${body.deleted}.`);
    return 0;
  }
  const { id, title } = await find(client, invocation);
  const body = await client.delete(`/api/v1/notes/${encodeURIComponent(id)}`);
  if (options.has('json')) terminal.json(body);
  else terminal.line(`"${title}" is deleted.`);
  return 0;
};

async function find(client: GatewayClient, { positionals }: Invocation): Promise<Note> {
  const asked = new URLSearchParams({ title: positionals[0] ?? '' });
  const { notes, suggestions = [] } = await client.get<Notes>(`/api/v1/notes?${asked.toString()}`);
  const [note] = notes;
  if (note !== undefined) return note;
  const meant = suggestions.map((title) => `"${title}"`).join(', ');
  throw new CliError(
    meant === ''
      ? 'There is no such note; "open-clanker notes list" shows them.'
      : `There is no such note. Did you mean ${meant}?`,
  );
}

const minute = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
