import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import type { JsonObject } from '../../../core/message.ts';
import type { NoteRow, Notes } from '../../../core/ports/notes.ts';
import type { ToolCall, ToolGroup, ToolOutput } from '../../../core/ports/tool.ts';

/** Of a note in a list; all of it is read by its title. */
const previewLength = 160;

const title = z.string();

/** Notes of the person who asks. Nothing in the arguments can name another one. */
export function notesTools({ notes }: { notes: Notes }): ToolGroup {
  return {
    name: 'notes',
    about: "the person's notes: remember, look up, forget",
    keywords: [
      'note',
      'remember',
      'remind me what',
      'forget',
      'memor',
      'notiz',
      'merk',
      'erinner',
      'vergiss',
      'notier',
      'nota',
      'recuerd',
      'recordar',
      'olvid',
      'apunta',
      'retiens',
      'souvien',
      'rappel',
      'oublie',
      'mémor',
    ],
    tools: [
      defineTool({
        name: 'notes_save',
        description: 'Keeps a note; replaces that of the same title. expires: duration such as 30d.',
        input: () =>
          z.strictObject({
            title,
            text: z.string(),
            metadata: z.exactOptional(z.looseObject({})),
            expires: z.exactOptional(z.string()),
          }),
        effects: ['write'],
        idempotent: true,
        async run({ metadata, ...rest }, call) {
          // The arguments of a call are JSON, so what is loose in them is JSON too.
          const input = metadata === undefined ? rest : { ...rest, metadata: metadata as JsonObject };
          const from = { source: `run:${call.runId}`, outside: call.tainted ?? null };
          const { note, created } = await notes.save(call.person, input, from);
          const end = note.expiresAt === null ? '' : `, until ${isoMinute(note.expiresAt)}`;
          return { text: `${created ? 'Saved' : 'Replaced'} "${note.title}"${end}.` };
        },
      }),
      defineTool({
        name: 'notes_get',
        description: 'The note with this title, or similar titles.',
        input: () => z.strictObject({ title }),
        effects: ['read'],
        async run(input, call) {
          if (call.chatType === 'group') return onlyDirect;
          const { note, suggestions } = await notes.find(call.person, input);
          return note === null ? noSuchNote(suggestions) : marked([note], wholeOf(note));
        },
      }),
      defineTool({
        name: 'notes_search',
        description: 'Notes by words, best first; all notes without words.',
        input: () => z.strictObject({ words: z.exactOptional(z.string()), cursor: z.exactOptional(z.string()) }),
        effects: ['read'],
        run: ({ words = '', cursor: after }, call) => found(words, after, call),
      }),
      defineTool({
        name: 'notes_delete',
        description: 'Deletes a note for good.',
        input: () => z.strictObject({ title }),
        effects: ['write'],
        idempotent: true,
        async run(input, call) {
          const { note, suggestions } = await notes.find(call.person, input);
          if (note === null || !(await notes.remove(call.person, note.id))) {
            return noSuchNote(call.chatType === 'group' ? [] : suggestions);
          }
          return { text: `Deleted "${note.title}".` };
        },
      }),
    ],
  };

  async function found(words: string, after: string | undefined, { person, chatType }: ToolCall): Promise<ToolOutput> {
    if (chatType === 'group') return onlyDirect;
    const page = after === undefined ? {} : { cursor: after };
    const { items, nextCursor } =
      words.trim() === '' ? await notes.list(person, page) : await notes.search(person, words, page);
    if (items.length === 0) return { text: 'No notes found.' };
    const lines = items.map((note) => `${headOf(note)}: ${previewOf(note.text)}`);
    if (nextCursor !== null) lines.push(`More with cursor ${nextCursor}`);
    return marked(items, lines.join('\n'));
  }
}

/** A note that was saved from outside text is outside text again, its title too. */
function marked(notes: readonly NoteRow[], text: string): ToolOutput {
  const from = notes.find(({ outside }) => outside !== null)?.outside;
  return { text, ...(from === undefined || from === null ? {} : { outside: `note from ${from}` }) };
}

/** What others wrote in a group could talk the model into reading out what is one person's alone. */
const onlyDirect: ToolOutput = { text: 'Notes are read in a direct chat only: ask for it there.', isError: true };

const noSuchNote = (suggestions: readonly string[]): ToolOutput => ({
  text: ['There is no such note.', ...suggestions.map((title) => `Similar: "${title}"`)].join('\n'),
  isError: true,
});

const isoMinute = (at: number): string => `${new Date(at).toISOString().slice(0, 16)}Z`;

const headOf = ({ title, updatedAt, expiresAt }: NoteRow): string =>
  `"${title}" (${isoMinute(updatedAt)}${expiresAt === null ? '' : `, until ${isoMinute(expiresAt)}`})`;

function wholeOf(note: NoteRow): string {
  const { text, metadata } = note;
  const more = Object.keys(metadata).length === 0 ? [] : [`metadata: ${JSON.stringify(metadata)}`];
  return [headOf(note), ...more, text].join('\n');
}

function previewOf(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= previewLength ? line : `${line.slice(0, previewLength)}…`.toWellFormed();
}
