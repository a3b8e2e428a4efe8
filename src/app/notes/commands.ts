import { ClankerError } from '../../core/errors.ts';
import type { Button } from '../../core/message.ts';
import type { NotesWords } from '../../core/notices/notes-words.ts';
import type { NoteRow, Notes } from '../../core/ports/notes.ts';
import type { Listed } from '../../core/ports/listed.ts';
import { inMarkdown } from '../../core/rich-text.ts';
import type { CommandAnswer, CommandContext, CommandRegistry } from '../commands/registry.ts';

/** Notes of an answer: what fits on a screen. */
const shown = 10;
const previewLength = 80;
/** A button's command is no longer (core/message.ts). */
const maxCommandBytes = 64;

type Answer = Promise<string | CommandAnswer>;

/** The commands about notes: /notes /forget. */
export function registerNotesCommands(registry: CommandRegistry, notes: Notes): void {
  registry.register({ name: 'notes', run: (context) => alone(context, list(context, notes)) });
  registry.register({ name: 'forget', run: (context) => alone(context, forget(context, notes)) });
}

/** In a group nobody's notes are read out, and a switch that is off is no failure. */
async function alone({ inbound, words }: CommandContext, answer: () => Answer): Answer {
  if (inbound.chatType === 'group') return words.notes.onlyDirect;
  try {
    return await answer();
  } catch (error) {
    if (error instanceof ClankerError && error.code === 'notes_off') return words.notes.off;
    if (error instanceof ClankerError && error.code === 'bad_title') return words.notes.missing([]);
    throw error;
  }
}

/** `/notes` lists, `/notes TITLE` shows, `/notes WORDS` searches; a button goes on as `/notes +CURSOR WORDS`. */
function list({ argument, person, words: { notes: words } }: CommandContext, notes: Notes): () => Answer {
  return async () => {
    const [, cursor, more] = /^\+([A-Za-z0-9_-]+)\s*(.*)$/s.exec(argument) ?? [];
    const query = more ?? argument;
    if (cursor === undefined && query !== '') {
      const { note } = await notes.find(person.id, { title: query.slice(0, 200) });
      if (note !== null) return `**${inMarkdown(note.title)}**\n\n${note.text}`;
    }
    const options = { limit: shown, ...(cursor === undefined ? {} : { cursor }) };
    const page = query === '' ? await notes.list(person.id, options) : await notes.search(person.id, query, options);
    if (page.items.length === 0) return query === '' && cursor === undefined ? words.none : words.noneFound;
    const lines = page.items.map(({ title, text }) => `- **${inMarkdown(title)}**: ${previewOf(text)}`);
    return { text: [words.yours, '', ...lines].join('\n'), buttons: moreOf(page, query, words) };
  };
}

function moreOf({ nextCursor }: Listed<NoteRow>, query: string, words: NotesWords): Button[] {
  const command = `/notes +${nextCursor} ${query}`.trim();
  return nextCursor === null || Buffer.byteLength(command) > maxCommandBytes ? [] : [{ label: words.more, command }];
}

/** Asks first; the button names the note by its id, so that nothing else is deleted by it. */
function forget({ argument, person, words: { notes: words } }: CommandContext, notes: Notes): () => Answer {
  return async () => {
    if (argument === '') return words.whichOne;
    const [, id] = /^yes (note_[0-9a-z]{1,40})$/.exec(argument) ?? [];
    const { note, suggestions } = await notes.find(person.id, id === undefined ? { title: argument } : { id });
    if (note === null) return id === undefined ? words.missing(suggestions.map(inMarkdown)) : words.gone;
    const title = inMarkdown(note.title);
    if (id === undefined) {
      return { text: words.sure(title), buttons: [{ label: words.forget, command: `/forget yes ${note.id}` }] };
    }
    return (await notes.remove(person.id, id)) ? words.forgotten(title) : words.gone;
  };
}

function previewOf(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return inMarkdown(line.length <= previewLength ? line : `${line.slice(0, previewLength)}…`.toWellFormed());
}
